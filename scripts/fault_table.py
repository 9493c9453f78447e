"""Write docs/faults.md: what happens, and what Katydid says. Run it when a test of a fault has changed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from faulttable import DOCUMENT, document

DOCUMENT.write_text(document(), encoding="utf-8")

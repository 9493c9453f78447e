"""Write docs/faults.md: what happens, and what Katydid reports. Run it after a change to the tests of faults."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from faulttable import DOCUMENT, document

DOCUMENT.write_text(document(), encoding="utf-8")

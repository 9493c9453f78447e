"""Write docs/faults.md, the table of faults and what Katydid reports for each. Run it after a fault's test changed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from faulttable import DOCUMENT, document

DOCUMENT.write_text(document(), encoding="utf-8")

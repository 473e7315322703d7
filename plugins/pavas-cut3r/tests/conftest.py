"""What the tests of this folder share lies beside them as plain modules."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE / "golden"):
    sys.path.insert(0, str(folder))

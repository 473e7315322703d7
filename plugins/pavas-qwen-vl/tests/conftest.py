"""What the tests of this plugin share."""

import os
import sys
from pathlib import Path

# tests never reach for the network: what is not on this machine is missing at once
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# importlib mode puts no test folder on the path
sys.path.insert(0, str(Path(__file__).parent))

"""What the tests of this plugin share."""

import os
import sys
from pathlib import Path

import pytest

# tests never reach for the network: what is not on this machine is missing at once
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# importlib mode puts no test folder on the path
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny models are faster with one thread, the more so on a busy machine."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

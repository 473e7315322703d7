import sys
from pathlib import Path

import pytest

# The helpers of this folder (goldens.py, name_seeded.py) are plain modules beside the tests.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def filled_transformers():
    """Name-seeded networks: several goldens share the weights."""
    from networks import FilledTransformers

    return FilledTransformers()

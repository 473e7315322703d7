import pytest
from training_world import CONFIG, toy_takes

from pavas_sdk.training import write_shard


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    write_shard(root / "shard-0000", range(6), toy_takes, CONFIG)
    write_shard(root / "shard-0001", range(6, 10), toy_takes, CONFIG)
    return root

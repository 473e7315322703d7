"""What is saved does not say where on the machine it came from."""

from pathlib import Path

import pytest

from pavas_sdk import PavasPipeline
from pavas_sdk.data.source_names import without_local_paths
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


def test_a_pipeline_loaded_from_a_folder_is_saved_without_its_path(tmp_path):
    first = tmp_path / "where-i-live"
    tiny_pipeline().save_pretrained(first)
    pipe = PavasPipeline.from_pretrained(first)
    pipe.save_pretrained(tmp_path / "saved")
    files = [*(tmp_path / "saved").rglob("*.json")]
    assert len(files) > 5
    assert not [path for path in files if "where-i-live" in path.read_text("utf-8")]
    assert pipe.config._name_or_path == str(first)  # the object itself still knows
    PavasPipeline.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize(
    ("origin", "kept"),
    [("someone/mine", "someone/mine"), ("/home/me/x", ""), (Path("/home/me/x"), "")],
)
def test_names_on_the_hub_stay(origin, kept):
    part = tiny_pipeline().vae
    part.register_to_config(_name_or_path=origin)
    with without_local_paths([part, object()]):
        assert part.config._name_or_path == kept
    assert part.config._name_or_path == origin


def test_the_embedded_model_names_no_folder_of_the_machine_that_made_it():
    import pavas_tiny

    weights = Path(pavas_tiny.__file__).parent / "weights"
    files = [*weights.rglob("*.json")]
    assert files
    assert not [path for path in files if '"_name_or_path": "/' in path.read_text("utf-8")]

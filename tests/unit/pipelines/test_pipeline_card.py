"""The card of a saved pipeline says what is known; what diffusers' users try first works or is told."""

import pytest
from diffusers import AutoModel, DiffusionPipeline
from huggingface_hub import ModelCard

from pavas_sdk import PavasPipeline, PhysicsEstimator
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.pipelines.pipeline_card import pipeline_card, write_pipeline_card
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "pipeline"
    tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(folder)
    return folder


def test_the_card_is_filled_from_what_is_known(saved):
    card = ModelCard.load(saved / "README.md")
    assert card.data.library_name == "pavas-sdk"
    assert card.data.pipeline_tag == "video-to-audio"
    assert "foley" in card.data.tags
    for words in (
        "pavas-tiny/motion",
        "pavas-sdk/centroid",
        "pip install pavas-sdk pavas-",
        "Apache",
    ):
        assert words in card.text
    assert "[More Information Needed]" not in card.text


def test_a_licence_and_a_base_model_stand_in_the_header():
    text = pipeline_card("mine", "CC-BY-NC-4.0", (), source="you/base", repository="you/mine")
    data = ModelCard(text).data
    assert (data.license, data.base_model) == ("cc-by-nc-4.0", "you/base")
    assert 'from_pretrained("you/mine")' in text
    other = ModelCard(pipeline_card("mine", "LicenseRef-Mine", ())).data
    assert (other.license, other.license_name) == ("other", "LicenseRef-Mine")


def test_a_card_that_was_written_by_hand_stays(tmp_path):
    (tmp_path / "README.md").write_text("# Mine\n")
    assert not write_pipeline_card(tmp_path, "# Made\n")
    assert (tmp_path / "README.md").read_text() == "# Mine\n"
    (tmp_path / "README.md").write_text(
        "This is the model card of a 🧨 diffusers pipeline that has been pushed on the Hub."
    )
    assert write_pipeline_card(tmp_path, "# Made\n")


def test_what_is_pushed_has_our_card(saved, monkeypatch):
    sent = {}

    def upload(self, working_dir, repo_id, **options):
        from pathlib import Path

        sent[repo_id] = (Path(working_dir) / "README.md").read_text()

    monkeypatch.setattr(DiffusionPipeline, "_upload_folder", upload)
    pipe = PavasPipeline.from_pretrained(saved)
    (saved.parent / "pushed").mkdir()
    (saved.parent / "pushed" / "README.md").write_text(
        "This is the model card of a 🧨 diffusers pipeline that has been pushed on the Hub."
    )
    pipe._upload_folder(str(saved.parent / "pushed"), "you/mine")
    assert 'from_pretrained("you/mine")' in sent["you/mine"]


def test_a_folder_of_this_machine_is_not_told(saved):
    pipe = PavasPipeline.from_pretrained(saved)
    assert str(saved) not in pipe._card()
    assert pipeline_card("mine", "", (), source="pavas-tiny").count("`pavas-tiny`") == 1


def test_diffusers_own_doors(saved):
    # a part loads; the whole is of a class that diffusers does not have, and it names that
    part = AutoModel.from_pretrained(str(saved), subfolder="transformer")
    assert type(part).__name__ == "MMAudioTransformer"
    with pytest.raises(AttributeError, match="PavasPipeline"):
        DiffusionPipeline.from_pretrained(saved)


def test_image_prompts_are_told_apart():
    with pytest.raises(ConfigurationError, match="load_adapter"):
        tiny_pipeline().load_ip_adapter("h94/IP-Adapter", subfolder="models", weight_name="x.bin")

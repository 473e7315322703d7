"""Weights from the Hub's cache; no test reaches the network."""

import pytest

from pavas_sdk.errors import MissingWeightsError
from pavas_sdk.interfaces import hub_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the Hub's client, which must stay offline."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def test_what_is_cached_is_found(cache):
    snapshot = cache / "models--acme--model" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    refs = cache / "models--acme--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text(COMMIT)
    assert hub_folder("acme/model", patterns=["*.json"]) == snapshot
    assert hub_folder("acme/model", patterns=["*.json"], revision=COMMIT) == snapshot


@pytest.mark.parametrize("download", [False, True])
def test_what_is_missing_is_said_with_what_to_type(cache, download):
    with pytest.raises(MissingWeightsError) as caught:
        hub_folder(
            "acme/model",
            patterns=["*.json", "*.safetensors"],
            revision="v2",
            download=download,
            what="Acme",
        )
    text = str(caught.value)
    assert "the weights of Acme (acme/model at revision 'v2') are not on this machine" in text
    assert "hf download acme/model --revision v2" in text
    assert "*.json, *.safetensors" in text
    assert ("download=True" in text) is not download
    assert isinstance(caught.value.__cause__, Exception)


def test_a_malformed_name_is_the_same_error(cache):
    with pytest.raises(MissingWeightsError, match="HFValidationError"):
        hub_folder("a/b/c", patterns=["*"])

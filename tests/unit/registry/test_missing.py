"""The message for a saved pipeline whose plugins are not there."""

import pytest

from pavas_sdk.errors import MissingPluginError
from pavas_sdk.registry import MissingSlot, PluginFailure, missing_plugins_error
from pavas_sdk.registry.missing import version_range

CUT3R = MissingSlot(slot="reconstructor", name="cut3r", distribution="pavas-cut3r", version="0.3.0")
FASTSEG = MissingSlot(slot="segmenter", name="fastseg", distribution="acme-seg", version="1.2.1")


def test_everything_is_said_at_once():
    error = missing_plugins_error([CUT3R, FASTSEG])
    assert isinstance(error, MissingPluginError)
    assert isinstance(error, ImportError)
    assert str(error) == (
        "this pipeline needs 2 plugins that are not installed:\n"
        "  reconstructor   pavas-cut3r/cut3r   (saved with pavas-cut3r 0.3.0)\n"
        "  segmenter       acme-seg/fastseg    (saved with acme-seg 1.2.1)\n"
        'Install them:   pip install "pavas-cut3r>=0.3,<0.4" "acme-seg>=1.2,<2"\n'
        "Or replace them: PavasPipeline.from_pretrained(path, reconstructor=..., segmenter=...)\n"
        'Or generate from a saved estimate: pipe(video, physics="physics.json")'
    )


def test_one_plugin_is_told_in_the_singular():
    text = str(missing_plugins_error([CUT3R], path='"my/pipeline"'))
    assert text.startswith("this pipeline needs 1 plugin that is not installed:\n")
    assert "Install it:   pip install" in text
    assert 'from_pretrained("my/pipeline", reconstructor=...)' in text


def test_two_slots_of_one_plugin_are_one_plugin():
    second = MissingSlot(slot="segmenter", name="seg", distribution="pavas-cut3r", version="0.3.0")
    text = str(missing_plugins_error([CUT3R, second]))
    assert "needs 1 plugin that is" in text
    assert text.count("pavas-cut3r>=0.3,<0.4") == 1


def test_a_hard_slot_cannot_be_avoided_by_an_estimate():
    hard = MissingSlot(slot="transformer", name="X", distribution="acme", version="2.0", soft=False)
    assert "saved estimate" not in str(missing_plugins_error([CUT3R, hard]))


def test_an_unregistered_class_can_only_be_replaced():
    own = MissingSlot(slot="mass_estimator", name="Mine", distribution="", version="")
    text = str(missing_plugins_error([own]))
    assert "mass_estimator   Mine   (saved with a class that is not registered)" in text
    assert "pip install" not in text


def test_a_plugin_that_is_there_but_broken_is_named():
    failure = PluginFailure(
        plugin="pavas-cut3r",
        distribution="pavas-cut3r",
        version="0.3.1",
        stage="import",
        error=ModuleNotFoundError("No module named 'torch'"),
    )
    other = PluginFailure(
        plugin="else", distribution="else", version="1", stage="import", error=ValueError("x")
    )
    text = str(missing_plugins_error([CUT3R], failures=[failure, other]))
    assert "pavas-cut3r (pavas-cut3r 0.3.1) failed at import: ModuleNotFoundError" in text
    assert "ValueError" not in text


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("0.3.0", "x>=0.3,<0.4"),
        ("1.2.1", "x>=1.2,<2"),
        ("12.0", "x>=12.0,<13"),
        ("0.3.0rc1", "x>=0.3,<0.4"),
        ("", "x"),
        ("weird", "x"),
    ],
)
def test_version_range(version, wanted):
    assert version_range("x", version) == wanted

"""What the slots lack is said once, for all of them, and before any work."""

import pytest

from pavas_sdk.errors import (
    ComponentFailedError,
    MissingPluginError,
    MissingWeightsError,
    WeightsError,
)
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)


def lacking(base, error):
    """A component class that lacks something; that it works is how a test sees it was used."""

    class Lacking(base):
        used = False

        def check_ready(self):
            raise error

        def detect(self, *given, **options):
            type(self).used = True
            return super().detect(*given, **options)

    return Lacking


def estimate(**slots):
    filled = {
        "moving_object_detector": BrightDetector(),
        "segmenter": BrightSegmenter(),
        "reconstructor": WallReconstructor(),
        "mass_estimator": DensityMassEstimator(),
    } | slots
    return PhysicsEstimator(**filled).estimate(moving_discs(1).source)


def test_all_of_it_is_one_message_and_nothing_was_done():
    detector = lacking(BrightDetector, MissingWeightsError("no eyes\nhf download acme/eyes"))
    points = lacking(WallReconstructor, MissingWeightsError("no depth"))
    with pytest.raises(MissingWeightsError) as caught:
        estimate(moving_object_detector=detector(), reconstructor=points())
    text = str(caught.value)
    assert "moving_object_detector (Lacking):\n  no eyes\n  hf download acme/eyes\n" in text
    assert "reconstructor (Lacking):\n  no depth\n" in text
    assert "--moving-object-detector NAME --reconstructor NAME " in text
    assert "segmenter" not in text
    assert not detector.used


def test_one_model_in_two_slots_is_said_once():
    same = MissingWeightsError("no model")
    with pytest.raises(MissingWeightsError) as caught:
        estimate(
            moving_object_detector=lacking(BrightDetector, same)(),
            mass_estimator=lacking(DensityMassEstimator, same)(),
        )
    assert str(caught.value).count("no model") == 1
    assert "moving_object_detector (Lacking), mass_estimator (Lacking):" in str(caught.value)


@pytest.mark.parametrize(
    ("first", "kind"),
    [(MissingPluginError("no torch"), MissingPluginError), (WeightsError("of 3B"), WeightsError)],
)
def test_the_kind_of_error_says_what_to_mend_first(first, kind):
    with pytest.raises(kind, match="no weights") as caught:
        estimate(
            segmenter=lacking(BrightSegmenter, first)(),
            mass_estimator=lacking(DensityMassEstimator, MissingWeightsError("no weights"))(),
        )
    assert type(caught.value) is kind


def test_a_component_that_cannot_even_say_is_named():
    broken = lacking(BrightSegmenter, ZeroDivisionError("oh"))
    with pytest.raises(ComponentFailedError, match="segmenter Lacking failed: ZeroDivisionError"):
        estimate(segmenter=broken())


def test_who_goes_on_without_is_not_stopped():
    points = lacking(WallReconstructor, MissingWeightsError("no depth"))
    physics = estimate(reconstructor=points(), on_error="partial").physics
    assert len(physics) == 1

"""Components that exit, print, or change what they are given: the host notices, and goes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pavas_tiny.mass import SizePriorMassEstimator

from pavas_sdk import PhysicsEstimator
from pavas_sdk.cli.main import run
from pavas_sdk.errors import ComponentFailedError, ContractError
from pavas_sdk.testing import DensityMassEstimator, moving_discs


class Exits(DensityMassEstimator):
    """Ends the program."""

    def estimate_mass(self, *arguments, **options):
        raise SystemExit(5)


class Repaints(DensityMassEstimator):
    """Changes the masks that it is given."""

    def estimate_mass(self, video, objects, *, masks=None, **options):
        for track in (masks or {}).values():
            base = track.masks
            while base.base is not None and isinstance(base.base, np.ndarray):
                base = base.base
            base.flags.writeable = True
            base[...] = True
        return super().estimate_mass(video, objects, masks=masks, **options)


class Renames(DensityMassEstimator):
    """Changes the labels that it is given."""

    def estimate_mass(self, video, objects, **options):
        object.__setattr__(objects[0], "label", "anvil")
        return super().estimate_mass(video, objects, **options)


class Removes(DensityMassEstimator):
    """Removes masks."""

    def estimate_mass(self, video, objects, *, masks=None, **options):
        masks.clear()
        return super().estimate_mass(video, objects, masks=masks, **options)


@pytest.fixture
def clip():
    return moving_discs(1, frames=25, height=96, width=128)


@pytest.mark.parametrize("timeout_s", [None, 60.0])
def test_a_component_that_exits_leaves_a_partial_result(clip, timeout_s):
    estimator = PhysicsEstimator(mass_estimator=Exits(), timeout_s=timeout_s)
    with pytest.raises(ComponentFailedError, match="failed: SystemExit: 5") as caught:
        estimator.estimate(clip.source)
    partial = caught.value.partial
    assert len(partial.physics) == 1
    assert partial.physics[0 if 0 in [e.object_id for e in partial.physics] else 1].mass_kg is None


@pytest.mark.parametrize(
    ("component", "words"), [(Repaints, "changed the masks"), (Renames, "changed the objects")]
)
def test_a_component_that_changes_what_it_is_given_is_noticed(clip, component, words):
    estimator = PhysicsEstimator(mass_estimator=component())
    with pytest.raises(ContractError, match=words):
        estimator.estimate(clip.source)


def test_masks_cannot_be_taken_away(clip):
    estimator = PhysicsEstimator(mass_estimator=Removes())
    with pytest.raises(ComponentFailedError, match="clear"):
        estimator.estimate(clip.source)


@pytest.mark.parametrize("command", [["estimate"], ["generate", "--json", "--steps", "1"]])
def test_what_a_component_prints_is_no_data(film, model, tmp_path, capsys, monkeypatch, command):
    usual = SizePriorMassEstimator.estimate_mass

    def talking(self, *arguments, **options):
        print("weighing ...")
        return usual(self, *arguments, **options)

    monkeypatch.setattr(SizePriorMassEstimator, "estimate_mass", talking)
    more = ["--model", str(model), "-o", str(tmp_path / "out")] if command[0] == "generate" else []
    assert run([*command, str(film), *more]) == 0
    printed = capsys.readouterr()
    json.loads(printed.out)
    assert "weighing ..." in printed.err

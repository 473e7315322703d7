"""The impact detector learns, keeps its average, and goes on to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_pictures_world import NETWORK, SIZES, toy_picture

from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import TinyImpactDetector
from pavas_sdk.models.tiny_impact_detector import ImpactLogits
from pavas_sdk.training.impact_detector import ImpactTraining, train_impact_detector
from pavas_sdk.training.impact_examples import ImpactExample, TaughtImpact, draw_example
from pavas_sdk.training.impact_losses import impact_losses
from pavas_sdk.training.impact_store import ImpactStore, write_pictures

QUICK = ImpactTraining(clips=8, pictures=SIZES, steps=24, batch=3, frames=16, network=NETWORK)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    write_pictures(root / "shard-0000", range(8), SIZES, source=toy_picture)
    return ImpactStore(root)


def fresh():
    torch.manual_seed(0)
    return TinyImpactDetector(**NETWORK)


def rows_of(store, seed=9, count=8):
    rng = np.random.default_rng(seed)
    return [draw_example(store, k % 8, frames=16, slots=4, rng=rng) for k in range(count)]


def loss_of(detector, rows):
    with torch.no_grad():
        said = detector(torch.stack([row.changes for row in rows]))
        return impact_losses(said, rows)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_it_learns_and_freezes(store, tmp_path, bfloat16):
    detector, rows = fresh(), rows_of(store)
    before = loss_of(detector, rows)
    training = replace(QUICK, bfloat16=bfloat16, ema_decay=0.8)
    losses = train_impact_detector(detector, store, training, tmp_path)
    after = loss_of(detector, rows)
    assert len(losses) == 1
    assert float(after.total()) < 0.9 * float(before.total())
    assert float(after.facts) < 0.7 * float(before.facts)
    assert float(after.moving) < 0.7 * float(before.moving)
    assert float(after.where) < float(before.where)
    assert not any(parameter.requires_grad for parameter in detector.parameters())
    assert not detector.training
    assert detector.dtype == torch.float32


def test_stop_and_resume_is_the_straight_run_to_the_bit(store, tmp_path):
    straight = fresh()
    train_impact_detector(straight, store, replace(QUICK, steps=6), tmp_path / "straight")
    two = tmp_path / "two"
    train_impact_detector(fresh(), store, replace(QUICK, steps=6), two, until_step=3)
    resumed = fresh()
    train_impact_detector(resumed, store, replace(QUICK, steps=6), two, resume=True)
    pairs = zip(straight.parameters(), resumed.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(straight.parameters()), next(fresh().parameters()))


def test_pictures_of_another_kind_are_refused(store, tmp_path):
    detector = TinyImpactDetector(stem_dim=8, dim=8, dilations=(1,))
    with pytest.raises(InputError, match=r"64 px, .* PictureConfig\(grey_size=128"):
        train_impact_detector(detector, store, QUICK, tmp_path)


def test_pictures_stay_below_the_seeds_of_the_evaluation():
    assert ImpactTraining().seeds[-1] in TRAINING_SEEDS
    with pytest.raises(ConfigurationError, match="9999999"):
        ImpactTraining(first_seed=TRAINING_SEEDS[-1], clips=2)
    with pytest.raises(ConfigurationError, match="there are none"):
        ImpactTraining(clips=0)


def example(*impacts, counted=1.0):
    return ImpactExample(
        changes=torch.zeros(4, 5, 64, 64),
        wanted=torch.zeros(16),
        counted=torch.full((16,), counted),
        impacts=impacts,
        moving=torch.zeros(4, 8, 8),
        log10_speed=torch.zeros(4, 8, 8),
    )


def test_rows_without_impacts_have_losses_and_gradients(store):
    detector = fresh()
    rows = [example(), example(counted=0.0)]
    losses = impact_losses(detector(torch.stack([row.changes for row in rows])), rows)
    assert float(losses.where.detach()) == float(losses.facts.detach()) == 0.0
    assert float(losses.speed.detach()) == 0.0
    losses.total().backward()
    assert all(torch.isfinite(p.grad).all() for p in detector.parameters())
    alone = impact_losses(detector(rows[0].changes[None]), rows[:1])
    assert float(losses.when.detach()) == pytest.approx(0.5 * float(alone.when.detach()), rel=1e-5)


def test_the_right_cell_and_facts_cost_nothing():
    hits = torch.full((1, 4, 8, 8, 4), -20.0)
    facts = torch.zeros(1, 4, 8, 8, 2)
    hits[0, 2, 5, 3, 1] = 20.0
    facts[0, 2, 5, 3] = torch.tensor([0.5, -1.0])
    place = ((3 + 0.5) / 8, (5 + 0.5) / 8)
    impact = TaughtImpact(slot=9, place=place, log10_speed=0.5, log10_mass=-1.0, true_tempo=True)
    said = ImpactLogits(hits=hits, facts=facts, motion=torch.zeros(1, 4, 8, 8, 2))
    right = impact_losses(said, [example(impact)])
    assert float(right.where) == pytest.approx(0.0, abs=1e-5)
    assert float(right.facts) == pytest.approx(0.0, abs=1e-5)
    wrong = impact_losses(said, [example(replace(impact, place=(0.1, 0.1)))])
    assert float(wrong.where) > 10.0
    heavy = replace(impact, log10_mass=0.0)
    assert float(impact_losses(said, [example(heavy)]).facts) > 0.1
    slowed = replace(heavy, true_tempo=False)
    assert float(impact_losses(said, [example(slowed)]).facts) == 0.0

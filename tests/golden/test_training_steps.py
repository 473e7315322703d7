"""Whole steps of the public trainer: AdamW, clipping, schedule, averages; and mistakes in them."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from training_goldens import of_kind, params, relative, rows_and_draws

from pavas_sdk.training import optimisation, post_hoc_ema, training_run
from pavas_sdk.training.objective import FlowObjective
from pavas_sdk.training.optimisation import Optimisation, learning_rate_factor
from pavas_sdk.training.post_hoc_ema import EmaSnapshot, mixed, mixing_weights
from pavas_sdk.training.run_config import AverageConfig, RunConfig
from pavas_sdk.training.training_run import TrainingRun

STEPS = of_kind("steps")


def tolerances(golden):
    """README.md, "Tolerances": loss and norm, norms of changes, kept changes, averages."""
    if golden.entry["size"] == "small_16k":
        return 1e-4, 5e-4, 1e-3, 1e-3
    if golden.entry["optimizer"]["eps"] < 1e-7:  # nearly the sign of the gradient: rounding shows
        return 1e-4, 1e-3, 2e-2, 2e-2
    return 1e-4, 1e-4, 1e-3, 1e-3


def config_of(golden):
    entry, given = golden.entry, golden.entry["config"]
    optimizer = entry["optimizer"]
    averages = given.get("ema.enable", True)
    return RunConfig(
        steps=entry["steps"],
        mixed_precision="no",
        optimisation=Optimisation(
            learning_rate=given["learning_rate"],
            warmup=given["linear_warmup_steps"],
            schedule={"constant": "constant"}.get(given.get("lr_schedule"), "steps"),
            decay_after=tuple(given.get("lr_schedule_steps", (240_000, 270_000))),
            betas=tuple(optimizer["betas"]),
            eps=optimizer["eps"],
            weight_decay=optimizer["weight_decay"],
            max_grad_norm=given.get("clip_grad_norm", 1.0),
        ),
        average=AverageConfig(
            sigma_rels=(0.05, 0.1) if averages else (),
            keep_every=given.get("ema.checkpoint_every", 5000),
        ),
    )


def flat(golden, name, tensor):
    """As stored: the first kept parameter whole, 64 values of the others."""
    values = tensor.detach().double().flatten()
    return values if name == golden.entry["kept"][0] else values[:64]


class Errors(dict):
    """Largest error of each kind of quantity."""

    def note(self, kind, error):
        self[kind] = max(self.get(kind, 0.0), float(error))


def run_steps(golden, *, config=None, run_class=TrainingRun):
    """Make all steps of a golden and return the errors, and the run."""
    entry, errors = golden.entry, Errors()
    network = golden.network()
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    run = run_class(FlowObjective(network), config or config_of(golden))
    kept = {}
    for step in range(entry["steps"]):
        part = rows_and_draws(entry["inputs"][step], entry["rows"][step])
        update = run.update([part], count=1, total_rows=len(part[0]))
        errors.note("lr", abs(update.learning_rate / entry["lr"][step] - 1))
        errors.note("loss", abs(update.loss / entry["loss"][step] - 1))
        errors.note("norm", abs(update.grad_norm / entry["grad_norm"][step] - 1))
        for name in entry["kept"]:
            first = flat(golden, name, start[name])
            now = flat(golden, name, network.get_parameter(name)) - first
            if f"step{step}.{name}" in golden.tensors:
                wanted = golden.tensors[f"step{step}.{name}"].ravel() - first.numpy()
                errors.note("kept", relative(now, wanted))
            for number, average in enumerate(run.averages):
                stored = golden.tensors[f"ema{number}.step{step}.{name}"].ravel() - first.numpy()
                now = flat(golden, name, average.values[f"transformer.{name}"]) - first
                errors.note("average", relative(now, stored))
        if run.averages and (step + 1) % run.config.average.keep_every == 0:
            for average in run.averages:
                key = EmaSnapshot(step=step + 1, sigma_rel=average.sigma_rel)
                kept[key] = {n: average.values[f"transformer.{n}"].clone() for n in entry["kept"]}
    for name in entry["kept"]:
        change = golden.tensor(f"end.{name}").double() - start[name].double()
        now = network.get_parameter(name).detach().double() - start[name].double()
        errors.note("kept", relative(now, change))
    for name, norm in entry["delta_norms"].items():
        moved = (network.get_parameter(name).detach().double() - start[name].double()).norm()
        errors.note("delta norms", abs(float(moved) / norm - 1))
    for name in entry["unchanged"]:
        moved = (network.get_parameter(name).detach() - start[name]).abs().max()
        errors.note("moved", moved)
    check_syntheses(golden, start, kept, errors)
    return errors


def check_syntheses(golden, start, kept, errors):
    for name, stored in golden.tensors.items():
        if not name.startswith("synth."):
            continue
        wanted, _, parameter = name.removeprefix("synth.").partition("@")
        step, _, parameter = parameter.partition(".")
        step = None if step == "None" else int(step)
        weights = mixing_weights(list(kept), sigma_rel=float(wanted), step=step)
        total = mixed(
            (w, {"x": tensors[parameter]})
            for w, tensors in zip(weights, kept.values(), strict=True)
        )["x"]
        first = start[parameter].double().flatten()[: stored.size]
        now = total.double().flatten()[: stored.size] - first
        errors.note("average", relative(now, stored.ravel() - first.numpy()))


def excess(golden, errors):
    """Largest error in units of what is tolerated."""
    both, norms, kept, averages = tolerances(golden)
    return max(
        errors["lr"] / 1e-9,
        max(errors["loss"], errors["norm"]) / both,
        errors["delta norms"] / norms,
        errors["kept"] / kept,
        errors["average"] / averages if "average" in errors else 0.0,
        np.inf if errors["moved"] else 0.0,
    )


def is_released_size(golden):
    """Four gigabytes with moments and gradients."""
    return golden.entry["size"] == "small_16k"


@pytest.mark.parametrize("golden", params(STEPS, slow=is_released_size))
def test_steps(golden):
    errors = run_steps(golden)
    assert excess(golden, errors) <= 1, errors


@pytest.mark.parametrize("golden", params(of_kind("schedule")))
def test_schedule(golden):
    for table in golden.entry["tables"].values():
        given = table["config"]
        numbers = Optimisation(
            learning_rate=given.get("learning_rate", 1e-4),
            warmup=given.get("linear_warmup_steps", 1000),
            schedule="constant" if given.get("lr_schedule") == "constant" else "steps",
            decay_after=tuple(given.get("lr_schedule_steps", (240_000, 270_000))),
        )
        steps = given.get("num_iterations", 300_000)
        for step, rate in table["lr"]:
            got = numbers.learning_rate * learning_rate_factor(numbers, step, steps)
            assert got == pytest.approx(rate, rel=1e-9), step


# -- mistakes ----------------------------------------------------------------------------------


def with_numbers(golden, **changes):
    config = config_of(golden)
    return replace(config, optimisation=replace(config.optimisation, **changes))


class ClipsEachTensor(TrainingRun):
    def update(self, *args, **kwargs):
        clip = torch.nn.utils.clip_grad_norm_

        def each(parameters, norm):
            parameters = list(parameters)
            total = torch.nn.utils.get_total_norm([p.grad for p in parameters])
            for parameter in parameters:
                clip([parameter], norm)
            return total

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training_run.torch.nn.utils, "clip_grad_norm_", each)
            return super().update(*args, **kwargs)


class ClipsValues(TrainingRun):
    def update(self, *args, **kwargs):
        def values(parameters, norm):
            parameters = list(parameters)
            total = torch.nn.utils.get_total_norm([p.grad for p in parameters])
            torch.nn.utils.clip_grad_value_(parameters, norm)
            return total

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training_run.torch.nn.utils, "clip_grad_norm_", values)
            return super().update(*args, **kwargs)


class L2InsteadOfDecay(TrainingRun):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        numbers = self.config.optimisation
        kept = ("params", "lr", "full_lr")
        groups = [{name: group[name] for name in kept} for group in self.optimizer.param_groups]
        self.optimizer = torch.optim.Adam(
            groups, betas=numbers.betas, eps=numbers.eps, weight_decay=numbers.weight_decay
        )


class NoDecayOnVectors(TrainingRun):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        (group,) = self.optimizer.param_groups
        vectors = [p for p in group["params"] if p.ndim < 2]
        group["params"] = [p for p in group["params"] if p.ndim >= 2]
        self.optimizer.add_param_group(
            {"params": vectors, "lr": 0.0, "full_lr": group["full_lr"], "weight_decay": 0.0}
        )


NUMBERS = {
    "beta2 0.999": {"betas": (0.9, 0.999)},
    "eps 1e-8": {"eps": 1e-8},
    "decay 1e-2": {"weight_decay": 1e-2},
    "no clip": {"max_grad_norm": 1e9},
}
CLASSES = {
    "clip each tensor": ClipsEachTensor,
    "clip values": ClipsValues,
}
OF_DECAY = {"L2 in place of decay": L2InsteadOfDecay, "no decay on vectors": NoDecayOnVectors}


def named(name):
    golden = next((golden for golden in STEPS if golden.name.endswith(name)), None)
    if golden is None:
        pytest.skip(f"the folder has no {name}")
    return golden


@pytest.mark.parametrize("mistake", NUMBERS)
def test_wrong_numbers_show(mistake):
    golden = named("steps_reduced")
    errors = run_steps(golden, config=with_numbers(golden, **NUMBERS[mistake]))
    assert excess(golden, errors) > 5, errors


@pytest.mark.parametrize("mistake", CLASSES)
def test_wrong_clipping_shows(mistake):
    golden = named("steps_reduced")
    errors = run_steps(golden, run_class=CLASSES[mistake])
    assert excess(golden, errors) > 5, errors


@pytest.mark.parametrize("mistake", OF_DECAY)
def test_wrong_decay_shows(mistake):
    golden = named("steps_reduced_decay")
    errors = run_steps(golden, run_class=OF_DECAY[mistake])
    assert excess(golden, errors) > 5, errors


def short_warmup(numbers, step, steps):
    if step < numbers.warmup:
        return (step + 1) / numbers.warmup
    return learning_rate_factor(numbers, step, steps)


def from_the_first_step(numbers, step, steps):
    if step < numbers.warmup:
        return (step + 1) / (numbers.warmup + 1)
    return numbers.decay_factor ** sum(step >= after for after in numbers.decay_after)


@pytest.mark.parametrize("wrong", [short_warmup, from_the_first_step])
def test_wrong_schedules_show(wrong, monkeypatch):
    golden = named("steps_reduced")
    monkeypatch.setattr(optimisation, "learning_rate_factor", wrong)
    assert excess(golden, run_steps(golden)) > 5


class FromTheStart(post_hoc_ema.PowerEma):
    """Averages from the initial weights on, in place of copying at the first update."""

    def update(self, parameters):
        if self.updates == 0:
            self.updates = 1
            weight = 1.0 - self.beta()
            for name, value in self.values.items():
                value.lerp_(parameters[name].detach(), weight)
        else:
            super().update(parameters)


def _uncorrected(ema):
    return (1 - 1 / (ema.updates + 1)) ** (1 + ema.gamma)


def _from_zero(ema, right=post_hoc_ema.PowerEma.beta):
    ema.updates -= 1
    try:
        return right(ema)
    finally:
        ema.updates += 1


def _constant(ema):
    return 0.999


@pytest.mark.parametrize("beta", [_uncorrected, _from_zero, _constant])
def test_wrong_averages_show(beta, monkeypatch):
    golden = named("steps_reduced")
    monkeypatch.setattr(post_hoc_ema.PowerEma, "beta", beta)
    errors = run_steps(golden)
    assert errors["average"] > 5e-3, errors


def test_averaging_from_the_initial_weights_shows(monkeypatch):
    golden = named("steps_reduced")
    monkeypatch.setattr(training_run, "PowerEma", FromTheStart)
    assert run_steps(golden)["average"] > 5e-3


# -- averages over a long way ---------------------------------------------------------------------


@pytest.mark.parametrize("golden", params(of_kind("ema")))
@pytest.mark.parametrize("every", [1, 10])
def test_averages_over_two_thousand_steps(golden, every):
    from name_seeded import fill

    entry = golden.entry
    for sigma, gamma in entry["gammas"].items():
        assert post_hoc_ema.gamma_of(float(sigma)) == pytest.approx(gamma, rel=1e-9)
    frequency = 0.02 * fill(entry["freq"]["name"], entry["freq"]["shape"]).astype(np.float64)
    phase = fill(entry["phase"]["name"], entry["phase"]["shape"]).astype(np.float64)
    weights = partial(_weights, frequency, phase)
    averages = [
        post_hoc_ema.PowerEma({"w": weights(1)}, sigma, update_every=every)
        for sigma in entry["sigma_rels"]
    ]
    kept, worst = {}, 0.0
    for step in range(1, 2001):
        for number, average in enumerate(averages):
            average.update({"w": weights(step)})
            name = f"every{every}.ema{number}.step{step}"
            if name in golden.tensors:
                worst = max(worst, relative(average.values["w"], golden.tensors[name]))
            if step % entry["checkpoint_every"] == 0:
                key = EmaSnapshot(step=step, sigma_rel=average.sigma_rel)
                kept[key] = {"w": average.values["w"].clone()}
    assert worst <= 1e-6
    for name, stored in golden.tensors.items():
        if name.startswith(f"every{every}.synth."):
            sigma, _, step = name.removeprefix(f"every{every}.synth.").partition("@")
            share = mixing_weights(list(kept), sigma_rel=float(sigma), step=int(step))
            got = mixed(zip(share, kept.values(), strict=True))["w"]
            assert relative(got, stored) <= 1e-6, name


def _weights(frequency, phase, step):
    return torch.from_numpy(np.sin(frequency * step + phase) + step / 1000)

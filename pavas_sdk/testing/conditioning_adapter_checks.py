"""The contract of a conditioning adapter: the invariants of PAVAS Sec. 3.4 on a tiny backbone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from pavas_sdk.interfaces import AdapterState, ConditioningAdapter
from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.estimator_checks import named_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.models import MMAudioTransformer

__all__ = ["conditioning_adapter_checks"]

PATCH_DIM = 6
STATE_TIMES_S = np.arange(5) / 8.0
LATENT_TIMES_S = np.arange(19) / 31.25
TOLERANCE = 1e-4  # of the largest delta: float32 sums in another order


def conditioning_adapter_checks(make: Callable[..., ConditioningAdapter]) -> list[Check]:
    """Return the checks of a conditioning adapter.

    Args:
        make: Makes a new, untrained adapter from a backbone and ``patch_dim`` (the
            ``for_transformer`` of its class does).
    """
    return named_checks(ConditioningAdapter.kind, _CHECKS, make)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Objects:
    """Three clips: all there; one padded object and gaps; no object."""

    patch_features: Tensor
    masks: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    valid: Tensor
    impact_energy_j: Tensor

    def state(self, adapter: Any) -> AdapterState:
        told = {"impact_energy_j": self.impact_energy_j} if adapter.uses_impacts else {}
        answer = adapter.encode(
            self.patch_features, self.masks, self.mass_kg, self.speed_m_s, self.valid, **told
        )
        if not isinstance(answer, AdapterState):
            raise CheckFailedError(f"encode must return AdapterState, got {type(answer).__name__}")
        return answer

    def clip(self, index: int) -> _Objects:
        """One clip alone."""
        return _Objects(**{name: getattr(self, name)[index : index + 1] for name in self.__slots__})

    def picked(self, rows: list[int]) -> _Objects:
        """The objects in these rows, of every clip."""
        chosen = {n: getattr(self, n)[:, rows] for n in self.__slots__ if n != "patch_features"}
        return replace(self, **chosen)


def _objects() -> _Objects:
    rng = np.random.default_rng(7)
    clips, count, length, side = 3, 3, len(STATE_TIMES_S), 4
    shape = (clips, count, length, side, side)
    masks = rng.uniform(0.05, 1.0, shape) * (rng.uniform(size=shape) < 0.5)
    masks[0, 1, 2] = 0.0  # hidden in one frame
    speed = rng.uniform(0.0, 6.0, (clips, count, length))
    speed[0, 1, 2] = speed[1, 0, 0] = np.nan
    mass = np.array([[0.2, 3.0, np.nan], [40.0, 1.0, 5.0], [1.0, 1.0, 1.0]])
    valid = np.array([[True] * 3, [True, True, False], [False] * 3])
    energy = np.zeros((clips, count, length))
    energy[0, 0, 1:3] = (0.3, 0.1)  # one impact between two frames
    energy[0, 2, 3] = np.nan  # one of an object without a mass
    energy[1, 1, 4] = 8.0
    features = rng.normal(size=(clips, length, side, side, PATCH_DIM))
    return _Objects(
        patch_features=torch.from_numpy(features).float(),
        masks=torch.from_numpy(masks).float(),
        mass_kg=torch.from_numpy(mass).float(),
        speed_m_s=torch.from_numpy(speed).float(),
        valid=torch.from_numpy(valid),
        impact_energy_j=torch.from_numpy(energy).float(),
    )


def _backbone() -> MMAudioTransformer:
    from pavas_sdk.models import MMAudioTransformer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = MMAudioTransformer(
            latent_dim=4,
            hidden_dim=16,
            num_heads=2,
            depth=4,
            fused_depth=2,
            clip_dim=5,
            sync_dim=7,
            text_dim=3,
            text_length=4,
            mlp_multiple_of=8,
        )
        _disturb(net)  # a new backbone answers zero whatever the modulation
    net.eval()
    return cast("MMAudioTransformer", net)


def _disturb(module: nn.Module) -> None:
    """Move every weight, as training would: nothing stays zero by construction."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))


def _fresh(make: Callable[..., Any]) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return make(_backbone(), patch_dim=PATCH_DIM).eval()


def _trained(make: Callable[..., Any]) -> Any:
    adapter = _fresh(make)
    _disturb(adapter)
    return adapter


def _deltas(adapter: Any, state: AdapterState) -> Mapping[str, Tensor]:
    deltas: Mapping[str, Tensor] = adapter.modulation(state, STATE_TIMES_S, LATENT_TIMES_S)
    return deltas


def _require_close(first: Mapping[str, Tensor], second: Mapping[str, Tensor], what: str) -> None:
    require(set(first) == set(second), f"{what}: other sites are modulated")
    worst = max(float((first[name] - second[name]).abs().max()) for name in first)
    largest = max(float(delta.abs().max()) for delta in first.values())
    require(
        worst <= TOLERANCE * max(largest, 1.0),
        f"{what}: deltas of up to {largest:.2g} differ by {worst:.2g}",
    )


def check_implements_interface(make: Callable[..., Any]) -> None:
    """It is a ConditioningAdapter and a torch module with parameters."""
    adapter = _fresh(make)
    require(
        isinstance(adapter, ConditioningAdapter),
        f"{type(adapter).__name__} is no ConditioningAdapter",
    )
    require(isinstance(adapter, nn.Module), f"{type(adapter).__name__} is no torch.nn.Module")
    require(any(True for _ in adapter.parameters()), "it has no parameters")


@torch.no_grad()
def check_shapes(make: Callable[..., Any]) -> None:
    """States are (B, L, D); deltas go to published sites with their width."""
    adapter, objects = _trained(make), _objects()
    state = objects.state(adapter)
    batch, length = 3, len(STATE_TIMES_S)
    names = ("mass", "speed", "impact") if adapter.uses_impacts else ("mass", "speed")
    require(
        adapter.uses_impacts or state.impact is None,
        "state.impact is set, but uses_impacts is False: the pipeline would never give any",
    )
    for name in names:
        if getattr(state, name) is None:
            raise CheckFailedError(f"state.{name} is None, but uses_impacts is True")
        have = getattr(state, name).shape
        null = getattr(adapter.null_state(batch, length), name).shape
        require(have[:2] == (batch, length), f"state.{name} has shape {tuple(have)}")
        require(null == have, f"null_state.{name} is {tuple(null)}, encode gives {tuple(have)}")
    backbone = _backbone()
    sites = {site.name: site for site in (*backbone.modulation_sites, backbone.condition_site)}
    deltas = _deltas(adapter, state)
    require(deltas, "it modulates no site")
    for name, delta in deltas.items():
        if name not in sites:
            raise CheckFailedError(f"it modulates {name!r}, which the backbone does not publish")
        site = sites[name]
        tokens = (len(LATENT_TIMES_S), 1) if site.per_token else (1,)
        wanted = [(batch, count, len(site.params) * site.dim) for count in tokens]
        require(tuple(delta.shape) in wanted, f"{name} got {tuple(delta.shape)}, wants {wanted[0]}")


@torch.no_grad()
def check_fresh_changes_nothing(make: Callable[..., Any]) -> None:
    """A new adapter leaves the backbone's output bit for bit as it was."""
    adapter, backbone, objects = _fresh(make), _backbone(), _objects()
    generator = torch.Generator().manual_seed(5)
    batch, latents = 3, len(LATENT_TIMES_S)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    conditions = backbone.prepare_conditions(
        draw(batch, 5, 5), draw(batch, 16, 7), draw(batch, 4, 3), latents
    )
    noise, moment = draw(batch, latents, 4), torch.full((batch,), 0.4)
    plain = backbone(noise, moment, conditions)
    states = (objects.state(adapter), adapter.null_state(batch, len(STATE_TIMES_S)))
    for state, what in zip(states, ("objects", "the null state"), strict=True):
        changed = backbone(noise, moment, conditions, modulation=_deltas(adapter, state))
        require(torch.equal(plain, changed), f"a new adapter changes the output with {what}")


@torch.no_grad()
def check_object_order(make: Callable[..., Any]) -> None:
    """The order of the objects does not matter."""
    adapter, objects = _trained(make), _objects()
    turned = objects.picked([2, 0, 1])
    first, second = (
        _deltas(adapter, objects.state(adapter)),
        _deltas(adapter, turned.state(adapter)),
    )
    _require_close(first, second, "objects in another order")


@torch.no_grad()
def check_zero_objects(make: Callable[..., Any]) -> None:
    """No objects, or only padding, give the null state."""
    adapter, objects = _trained(make), _objects()
    null = _deltas(adapter, adapter.null_state(1, len(STATE_TIMES_S)))
    _require_close(_deltas(adapter, objects.clip(2).state(adapter)), null, "only padding")
    none = objects.clip(0).picked([])
    _require_close(_deltas(adapter, none.state(adapter)), null, "no objects")


@torch.no_grad()
def check_padding(make: Callable[..., Any]) -> None:
    """What stands in rows that are not valid does not matter."""
    adapter, objects = _trained(make), _objects()
    other = replace(
        objects,
        mass_kg=torch.where(objects.valid, objects.mass_kg, 1e4),
        speed_m_s=torch.where(objects.valid[:, :, None], objects.speed_m_s, torch.nan),
        masks=torch.where(objects.valid[:, :, None, None, None], objects.masks, 1.0),
        impact_energy_j=torch.where(objects.valid[:, :, None], objects.impact_energy_j, 7.0),
    )
    first, second = _deltas(adapter, objects.state(adapter)), _deltas(adapter, other.state(adapter))
    _require_close(first, second, "other padding")


@torch.no_grad()
def check_batch_independence(make: Callable[..., Any]) -> None:
    """A clip's deltas do not depend on its neighbours in the batch."""
    adapter, objects = _trained(make), _objects()
    together = _deltas(adapter, objects.state(adapter))
    for index in range(3):
        alone = _deltas(adapter, objects.clip(index).state(adapter))
        here = {
            name: delta[index : index + 1] if delta.shape[0] > 1 else delta
            for name, delta in together.items()
        }
        _require_close(here, alone, f"clip {index} alone")


@torch.no_grad()
def check_missing_values(make: Callable[..., Any]) -> None:
    """Unknown masses, speeds and energies, and hidden objects, give finite deltas."""
    adapter, objects = _trained(make), _objects()
    unknown = replace(
        objects,
        masks=torch.zeros_like(objects.masks),
        mass_kg=torch.full_like(objects.mass_kg, torch.nan),
        speed_m_s=torch.full_like(objects.speed_m_s, torch.nan),
        impact_energy_j=torch.full_like(objects.impact_energy_j, torch.nan),
    )
    for given in (objects, unknown):
        for name, delta in _deltas(adapter, given.state(adapter)).items():
            require(torch.isfinite(delta).all(), f"{name} gets NaN or infinite deltas")


@torch.no_grad()
def check_physics_matters(make: Callable[..., Any]) -> None:
    """In a trained adapter, mass and speed each change the deltas."""
    adapter, objects = _trained(make), _objects()
    before = _deltas(adapter, objects.state(adapter))
    for what, given in (
        ("mass", replace(objects, mass_kg=objects.mass_kg * 5)),
        ("speed", replace(objects, speed_m_s=objects.speed_m_s * 3 + 1)),
    ):
        after = _deltas(adapter, given.state(adapter))
        changed = any(not torch.equal(before[name], after[name]) for name in before)
        require(changed, f"another {what} changes no delta")


@torch.no_grad()
def check_impacts(make: Callable[..., Any]) -> None:
    """Where an adapter uses impacts, they change the deltas, and unknown ones are not none."""
    adapter, objects = _trained(make), _objects()
    if not adapter.uses_impacts:
        return
    energy = objects.impact_energy_j
    before = _deltas(adapter, objects.state(adapter))
    for what, changed in (
        ("another energy of impacts", energy * 5),
        ("another time of impacts", energy.roll(1, dims=2)),
        ("no impact", torch.zeros_like(energy)),
        ("an unknown energy", torch.full_like(energy, torch.nan)),
    ):
        after = _deltas(adapter, replace(objects, impact_energy_j=changed).state(adapter))
        moved = any(not torch.equal(before[name], after[name]) for name in before)
        require(moved, f"{what} changes no delta")
    inputs = (objects.patch_features, objects.masks, objects.mass_kg, objects.speed_m_s)
    nothing_known = _deltas(adapter, adapter.encode(*inputs, objects.valid))
    none = _deltas(
        adapter, replace(objects, impact_energy_j=torch.zeros_like(energy)).state(adapter)
    )
    told_apart = any(not torch.equal(none[name], nothing_known[name]) for name in none)
    require(told_apart, "impact_energy_j=None, nothing is known, acts like 0 J, no impact")


def check_save_and_load(make: Callable[..., Any]) -> None:
    """`save_pretrained` and `from_pretrained` give back the same adapter."""
    adapter, objects = _trained(make), _objects()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        adapter.save_pretrained(folder)
        loaded: Any = type(adapter).from_pretrained(folder)
        first = _deltas(adapter, objects.state(adapter))
        second = _deltas(loaded.eval(), objects.state(loaded))
    for name, delta in first.items():
        require(torch.equal(delta, second[name]), f"after loading, the deltas of {name} differ")


def check_gradients(make: Callable[..., Any]) -> None:
    """Every parameter gets a gradient, and a new adapter is not stuck at zero."""
    objects = _objects()
    for adapter, stage in ((_trained(make), "trained"), (_fresh(make), "fresh")):
        adapter.train()
        total = torch.zeros(())
        for state in (objects.state(adapter), adapter.null_state(1, len(STATE_TIMES_S))):
            total = total + sum(
                (delta * torch.linspace(0.5, 1.5, delta.numel()).view_as(delta)).sum()
                for delta in _deltas(adapter, state).values()
            )
        total.backward()
        grads = {name: p.grad for name, p in adapter.named_parameters() if p.requires_grad}
        moved = {name for name, grad in grads.items() if grad is not None and grad.abs().max() > 0}
        if stage == "trained":
            still = sorted(set(grads) - moved)
            require(not still, f"no gradient reaches {', '.join(still)}")
        require(moved, "no gradient reaches any parameter of a new adapter: it can never learn")


_CHECKS = (
    check_implements_interface,
    check_shapes,
    check_fresh_changes_nothing,
    check_object_order,
    check_zero_objects,
    check_padding,
    check_batch_independence,
    check_missing_values,
    check_physics_matters,
    check_impacts,
    check_save_and_load,
    check_gradients,
)

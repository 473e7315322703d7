"""The contract of a metric extractor."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.errors import PavasError
from pavas_sdk.interfaces import MetricExtractor
from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer
from pavas_sdk.testing.estimator_checks import (
    Question,
    check_config_round_trip,
    check_implements_interface,
    check_unknown_option,
    global_states,
    named_checks,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["metric_extractor_checks"]

_LONG_S, _SHORT_S = 5.0, 2.1  # for what compares sound with pictures (4.8 s); for the rest
_BATCH_TOLERANCE = 1e-5


def metric_extractor_checks(make: Callable[..., MetricExtractor]) -> list[Check]:
    """Return the checks of a metric extractor.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    kind = MetricExtractor.kind
    question = Question(interface=MetricExtractor, ask=_never, validate=_never)
    shared = (check_implements_interface, check_config_round_trip, check_unknown_option)
    own = (
        check_declares_itself,
        check_keeps_contract,
        check_batch_changes_nothing,
        check_deterministic,
        check_length_is_cut,
        check_silence,
        check_too_short,
        check_digest,
        check_unload,
        check_leaves_global_randomness_alone,
    )
    return [*named_checks(kind, shared, question, make), *named_checks(kind, own, make)]


def _never(*_: Any) -> None:
    raise AssertionError("estimators are asked about clips, extractors about single media")


def _length_s(extractor: MetricExtractor) -> float:
    return _LONG_S if extractor.beside or extractor.medium == "video" else _SHORT_S


def _medium(extractor: MetricExtractor, seed: int, length_s: float | None = None) -> Any:
    """A noise burst over a tone, some discs, or a sentence; another for another seed."""
    length_s = _length_s(extractor) if length_s is None else length_s
    if extractor.medium == "text":
        return ("a hammer hits a nail", "a ball bounces on a wooden floor", "")[seed % 3]
    if extractor.medium == "video":
        return moving_discs(seed % 3 + 1, frames=max(1, round(25 * length_s))).source
    rng = np.random.default_rng(seed)
    t = np.arange(round(48000 * length_s)) / 48000
    tone = np.sin(2 * np.pi * (300 + 200 * seed) * t) * np.exp(-3 * (t % 1.0))
    noise = rng.normal(size=t.size) * np.exp(-40 * (t % 0.7))
    return Audio(samples=(0.2 * tone + 0.1 * noise).astype(np.float32), sample_rate_hz=48000)


def _beside(extractor: MetricExtractor, seeds: tuple[int, ...]) -> NDArray[np.float32] | None:
    """What the extractor that it builds on says of as many videos."""
    if not extractor.beside:
        return None
    from pavas_sdk.registry import default_registry

    entry = default_registry().get(MetricExtractor.kind, extractor.beside)
    other = entry.create(**getattr(entry.load(), "contract_options", {}))
    prepared = np.stack([other.prepare(_medium(other, seed)) for seed in seeds])
    found: NDArray[np.float32] = other.extract(prepared)[other.outputs[0]]
    return found


def _ask(extractor: MetricExtractor, *seeds: int) -> Mapping[str, NDArray[np.float32]]:
    prepared = np.stack([extractor.prepare(_medium(extractor, seed)) for seed in seeds])
    return extractor.extract(prepared, beside=_beside(extractor, seeds))


def check_declares_itself(make: Callable[..., Any]) -> None:
    """It says its medium, outputs and version, and a rate if it hears."""
    extractor: Any = make()
    require(extractor.medium in ("audio", "video", "text"), f"medium is {extractor.medium!r}")
    require(
        isinstance(extractor.outputs, tuple)
        and len(extractor.outputs) > 0
        and all(isinstance(name, str) and name != "" for name in extractor.outputs),
        f"outputs are {extractor.outputs!r}, expected names",
    )
    require(
        isinstance(extractor.version, int) and extractor.version >= 1,
        f"version is {extractor.version!r}, expected 1 or more",
    )
    if extractor.medium == "audio":
        rate = extractor.sample_rate_hz
        require(isinstance(rate, int) and rate > 0, f"sample_rate_hz is {rate!r}")


def check_keeps_contract(make: Callable[..., Any]) -> None:
    """Its outputs have the promised names, one row per clip, float32 and finite."""
    extractor: Any = make()
    found: Any = _ask(extractor, 0, 1)
    require(
        tuple(found) == extractor.outputs,
        f"it returned {tuple(found)}, and promises {extractor.outputs}",
    )
    for name, values in found.items():
        require(
            isinstance(values, np.ndarray) and values.dtype == np.float32,
            f"{name} is no float32 array",
        )
        require(values.ndim >= 2 and values.shape[0] == 2, f"{name} has shape {values.shape}")
        require(np.isfinite(values).all(), f"{name} is not finite")


def check_batch_changes_nothing(make: Callable[..., Any]) -> None:
    """A clip gives the same alone and in a batch, to 1e-5 of the largest value."""
    extractor = make()
    together = _ask(extractor, 0, 1, 2)
    for row in range(3):
        for name, alone in _ask(extractor, row).items():
            largest = float(np.abs(together[name]).max()) or 1.0
            error = float(np.abs(alone[0] - together[name][row]).max()) / largest
            require(error <= _BATCH_TOLERANCE, f"{name} of clip {row} differs by {error:.1e}")


def check_deterministic(make: Callable[..., Any]) -> None:
    """Asked again, and a new object asked, it says the same."""
    extractor = make()
    first = _ask(extractor, 0)
    _ask(extractor, 1)
    require(same_answer(first, _ask(extractor, 0)), "asked twice, it differs")
    require(same_answer(first, _ask(make(), 0)), "a new object differs")


def check_length_is_cut(make: Callable[..., Any]) -> None:
    """What comes after ``length_s`` is not used."""
    extractor = make()
    if extractor.medium == "text":
        raise unittest.SkipTest("text has no length")
    length_s = _length_s(extractor)
    cut = extractor.prepare(_medium(extractor, 0, length_s + 1.0), length_s=length_s)
    long = extractor.prepare(_medium(extractor, 0, length_s + 2.0), length_s=length_s)
    require(cut.shape == long.shape, f"prepared {cut.shape} and {long.shape} of the same length")


def check_silence(make: Callable[..., Any]) -> None:
    """Silence has finite outputs."""
    extractor = make()
    if extractor.medium != "audio":
        raise unittest.SkipTest("it does not hear")
    samples = np.zeros(round(48000 * _length_s(extractor)), dtype=np.float32)
    silence = Audio(samples=samples, sample_rate_hz=48000)
    found = extractor.extract(extractor.prepare(silence)[None], beside=_beside(extractor, (0,)))
    require(all(np.isfinite(values).all() for values in found.values()), "they are not finite")


def check_too_short(make: Callable[..., Any]) -> None:
    """A clip of 40 ms is answered, or refused with a PavasError."""
    extractor = make()
    try:
        prepared = extractor.prepare(_medium(extractor, 0, 0.04))
        extractor.extract(prepared[None], beside=_beside(extractor, (0,)))
    except PavasError:
        pass
    except Exception as err:
        raise CheckFailedError(f"it raises {type(err).__name__}: {err}") from err


def check_digest(make: Callable[..., Any]) -> None:
    """The digest of its weights is hexadecimal and stays the same."""
    digest = make().weights_digest()
    try:
        int(digest, 16)
    except (TypeError, ValueError) as err:
        raise CheckFailedError(f"the digest is {digest!r}") from err
    require(digest == make().weights_digest(), "a new object has another digest")


def check_unload(make: Callable[..., Any]) -> None:
    """It answers the same after `unload` and after `to("cpu")`, which returns it."""
    extractor = make()
    first = _ask(extractor, 0)
    extractor.unload()
    require(extractor.to("cpu") is extractor, 'to("cpu") must return the component itself')
    require(same_answer(first, _ask(extractor, 0)), "after unload, it differs")


def check_leaves_global_randomness_alone(make: Callable[..., Any]) -> None:
    """It draws nothing from global state."""
    extractor = make()
    _ask(extractor, 0)
    before = global_states()
    _ask(extractor, 1)
    after = global_states()
    changed = [name for name in before if name in after and before[name] != after[name]]
    require(not changed, f"it drew from the global generator of {', '.join(changed)}")

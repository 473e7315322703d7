"""Numbers of a training of backbone, adapter or LoRA: a document of plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.objective import DropShares
from pavas_sdk.training.optimisation import Optimisation
from pavas_sdk.training.post_hoc_ema import gamma_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AverageConfig", "RunConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageConfig:
    """Moving averages of the weights.

    Attributes:
        sigma_rels: Widths of the stored profiles; none: no averages.
        update_every: Steps between updates.
        keep_every: Updates between stored averages, from which any other width can be mixed.
        final_sigma_rel: Width of the average that is handed out at the end; None: the last
            weights.

    Raises:
        ConfigurationError: Numbers outside their ranges.
    """

    sigma_rels: tuple[float, ...] = (0.05, 0.1)
    update_every: int = 1
    keep_every: int = 5000
    final_sigma_rel: float | None = 0.05

    def __post_init__(self) -> None:
        for sigma in (*self.sigma_rels, *filter(None, [self.final_sigma_rel])):
            gamma_of(sigma)
        if min(self.update_every, self.keep_every) < 1:
            raise ConfigurationError(
                "update_every and keep_every must be at least 1, got "
                f"{self.update_every} and {self.keep_every}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All numbers of a training; the defaults are MMAudio's (stage 1).

    Attributes:
        steps: Optimiser steps.
        batch: Rows of a step, over all processes together.
        micro_batch: Rows that a process computes at once; None: all of its share.
        seed: Of new weights, order and noise.
        mixed_precision: "no", "bf16": weights stay float32, the network and the loss run in
            bfloat16 where torch's autocast says so; or "auto": "bf16" on a GPU, "no" on a CPU,
            where bfloat16 is slower.
        time_logit_mean: Flow times are sigmoid(normal(this, ``time_logit_std``)).
        time_logit_std: See ``time_logit_mean``.
        gradient_checkpointing: Compute each block again in the backward pass: less memory.
        optimisation: Optimiser and schedule.
        drop: Shares of dropped conditions.
        average: Moving averages.
        save_every_s: Seconds between checkpoints.
        save_every: Steps between checkpoints.
        validate_every: Steps between validations.
        max_bad_steps: So many steps in a row with a loss or gradient that is not finite end the
            training; a single one is skipped and counted.

    Raises:
        ConfigurationError: Numbers outside their ranges.
    """

    steps: int = 300_000
    batch: int = 512
    micro_batch: int | None = None
    seed: int = 14_159_265
    mixed_precision: Literal["no", "bf16", "auto"] = "bf16"
    time_logit_mean: float = 0.0
    time_logit_std: float = 1.0
    gradient_checkpointing: bool = False
    optimisation: Optimisation = field(default_factory=Optimisation)
    drop: DropShares = field(default_factory=DropShares)
    average: AverageConfig = field(default_factory=AverageConfig)
    save_every_s: float = 1800.0
    save_every: int = 10_000
    validate_every: int = 5000
    max_bad_steps: int = 10

    def __post_init__(self) -> None:
        counts = {
            "steps": self.steps,
            "batch": self.batch,
            "micro_batch": self.micro_batch or 1,
            "save_every": self.save_every,
            "validate_every": self.validate_every,
            "max_bad_steps": self.max_bad_steps,
        }
        problems = [
            f"{name} must be at least 1, got {value}" for name, value in counts.items() if value < 1
        ]
        if self.micro_batch == 0:
            problems.append("micro_batch must be at least 1, got 0")
        if self.mixed_precision not in ("no", "bf16", "auto"):
            problems.append(f"mixed_precision is no, bf16 or auto, got {self.mixed_precision!r}")
        if self.seed < 0 or self.time_logit_std <= 0 or self.save_every_s <= 0:
            problems.append(
                "seed must be 0 or more, time_logit_std and save_every_s positive, got "
                f"{self.seed}, {self.time_logit_std} and {self.save_every_s}"
            )
        if problems:
            raise ConfigurationError("; ".join(problems))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with a table for each part."""
        return asdict(self)

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return the numbers with some of them replaced.

        Args:
            values: By name; those of a part as a table (``{"drop": {"text": 0.2}}``) or by a name
                with a dot (``{"drop.text": 0.2}``).

        Raises:
            ConfigurationError: A name that there is not, or a value of another kind.
        """
        nested: dict[str, Any] = {}
        for name, value in values.items():
            head, _, tail = name.partition(".")
            if tail:
                nested.setdefault(head, {})[tail] = value
            elif isinstance(value, dict):
                nested.setdefault(head, {}).update(value)
            else:
                nested[head] = value
        out: Self = _changed(self, nested, "")
        return out


def _changed(part: Any, values: Mapping[str, Any], prefix: str) -> Any:
    known = {entry.name: getattr(part, entry.name) for entry in fields(part)}
    if unknown := sorted(set(values) - set(known)):
        raise ConfigurationError(
            f"no such number: {', '.join(prefix + name for name in unknown)}; there are "
            + ", ".join(prefix + name for name in known)
        )
    fresh: dict[str, Any] = {}
    for name, value in values.items():
        old = known[name]
        if is_dataclass(old):
            if not isinstance(value, dict):
                raise ConfigurationError(f"{prefix}{name} is a table of numbers, got {value!r}")
            fresh[name] = _changed(old, value, f"{prefix}{name}.")
        else:
            fresh[name] = _fitting(f"{prefix}{name}", value, old)
    try:
        return replace(part, **fresh)
    except TypeError as err:
        raise ConfigurationError(f"a value of the wrong kind among {fresh}: {err}") from err


def _fitting(name: str, value: Any, old: Any) -> Any:
    """The value in the kind of the old one: 1 for a float is 1.0, a list for a tuple a tuple."""
    if isinstance(old, tuple) and isinstance(value, list | tuple):
        return tuple(value)
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if value is None or old is None or type(value) is type(old):
        return value
    raise ConfigurationError(f"{name} is of the kind of {old!r}, got {value!r}")

"""What is trained: a backbone, an adapter (with or without the backbone), or a LoRA."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import torch

from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models.lora import DEFAULT_TARGETS, add_lora
from pavas_sdk.registry import component_ref, default_registry
from pavas_sdk.training.datasets.statistics import latent_statistics
from pavas_sdk.training.feature_statistics import physics_statistics_of
from pavas_sdk.training.objective import FlowObjective

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.training.base_model import BaseModel
    from pavas_sdk.training.datasets.mixture import Mixture
    from pavas_sdk.training.run_config import RunConfig

__all__ = [
    "Stage",
    "build_objective",
    "check_sets",
    "read_stage",
    "resolved",
    "write_stage",
]

_NAME = "stage.json"
_FORMAT = "pavas.training-stage"
_VERSION = 1
_LISTS = ("features", "latent_mean", "latent_std")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a run trains; kept as ``stage.json``, from which any average can be exported later.

    Attributes:
        kind: "backbone", "adapter" or "lora".
        base: Preset, folder or Hub repository of the pipeline that it starts from.
        from_base: Go on from the base's weights and statistics, in place of new ones: of
            "backbone" its flow network, of "adapter" the adapter that it has.
        adapter: Registered name of the conditioning adapter.
        adapter_only: Of "adapter": the backbone is frozen.
        adapter_options: Of ``for_transformer`` (``variant``, ``impacts``, sizes).
        rank: Of "lora".
        alpha: Of "lora"; None: the rank.
        targets: Of "lora": regular expression over names of maps.
        features: Folders that it was trained on.
        licence: Of the result.
        seed: Of new weights.
        frame_rate_hz: Visual frames per second of the features.
        latent_mean: Of a new backbone, per channel.
        latent_std: Of a new backbone, per channel.

    Raises:
        ConfigurationError: No such kind.
    """

    kind: Literal["backbone", "adapter", "lora"]
    base: str
    from_base: bool = False
    adapter: str = ""
    adapter_only: bool = False
    adapter_options: Mapping[str, Any] = field(default_factory=dict)
    rank: int = 16
    alpha: float | None = None
    targets: str = DEFAULT_TARGETS
    features: tuple[str, ...] = ()
    licence: str = ""
    seed: int = 0
    frame_rate_hz: float = 8.0
    latent_mean: tuple[float, ...] = ()
    latent_std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("backbone", "adapter", "lora"):
            raise ConfigurationError(f"kind is backbone, adapter or lora, got {self.kind!r}")


def write_stage(folder: Path, stage: Stage) -> None:
    """Write ``stage.json`` into the folder of a run."""
    document = {"format": _FORMAT, "format_version": _VERSION, **asdict(stage)}
    write_text(folder / _NAME, json.dumps(document, indent=1) + "\n", overwrite=True)


def read_stage(folder: Path) -> Stage:
    """Read ``stage.json`` of a run.

    Raises:
        FormatError: There is none, or it is damaged or newer.
    """
    found = read_document(
        folder / _NAME, format_name=_FORMAT, newest=_VERSION, what="description of a training"
    )
    known = {entry.name for entry in fields(Stage)}
    values = {name: value for name, value in found.items() if name in known}
    lists = {name: tuple(values.get(name, ())) for name in _LISTS}
    return Stage(**{**values, **lists})


def resolved(stage: Stage, base: BaseModel, clips: Mixture) -> Stage:
    """Return the stage with all that new networks take from the data written down.

    Args:
        stage: As asked for.
        base: What it starts from.
        clips: What it is trained on.

    Raises:
        ConfigurationError: Features and base do not belong together, or there is no physics for an
            adapter to be trained on.
        InputError: No mass or no speed is known.
    """
    check_sets(clips, base)
    stage = replace(stage, frame_rate_hz=clips.layout.frame_rate_hz)
    if stage.kind == "backbone" and not stage.from_base:
        # of the first set with pictures, as the reference does it
        first = next((part for part in clips.sets if part.layout.has_video), clips.sets[0])
        mean, std = (tuple(map(float, values)) for values in latent_statistics(first))
        return replace(stage, latent_mean=mean, latent_std=std)
    if stage.kind != "adapter":
        return stage
    if not clips.layout.patch_dim:
        raise ConfigurationError(
            "these features hold no physics, so no adapter can be trained on them; annotate the "
            "clips first: pavas annotate VIDEOS -o data/, then pavas prepare data/ ..."
        )
    if stage.from_base:
        return _from_base(stage, base)
    entry = default_registry().get("conditioning_adapter", stage.adapter or None)
    taken = inspect.signature(entry.load().__init__).parameters
    found = physics_statistics_of(
        clips,
        mass_unit_kg=float(stage.adapter_options.get("mass_unit_kg", 1.0)),
        impact_unit_j=float(stage.adapter_options.get("impact_unit_j", 1e-3)),
    )
    statistics = {name: value for name, value in found.items() if name in taken}
    options = {"patch_dim": clips.layout.patch_dim, **statistics, **stage.adapter_options}
    return replace(stage, adapter=entry.qualified_name, adapter_options=options)


def check_sets(clips: Mixture, base: BaseModel) -> None:
    """Make sure that features were made for this backbone, by its frozen encoders.

    Raises:
        ConfigurationError: They were not: what differs is named.
        WeightsError: A file of the encoders is damaged.
    """
    base.check_features(clips.layout)
    for part in clips.sets:
        if (description := getattr(part, "description", None)) is not None:
            base.check_encoders(description)


def _from_base(stage: Stage, base: BaseModel) -> Stage:
    """Return the stage with the name of the adapter that the base has."""
    if stage.adapter or stage.adapter_options:
        raise ConfigurationError(
            "--from-base goes on with the base's own adapter as it is; leave --adapter, --variant "
            "and --option out"
        )
    adapter = base.adapter()
    if adapter is None:
        raise ConfigurationError(
            f"{base.source} has no adapter to go on from; leave --from-base out for a new one"
        )
    return replace(
        stage, adapter=component_ref(adapter, kind="conditioning_adapter").qualified_name
    )


def build_objective(stage: Stage, config: RunConfig, base: BaseModel) -> FlowObjective:
    """Return networks and loss at the start of a run: what is trained requires a gradient.

    Args:
        stage: Of `resolved`.
        config: Numbers.
        base: What it starts from.

    Raises:
        ConfigurationError: The adapter does not take its options.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stage.seed)
        if stage.kind == "backbone":
            network = base.transformer() if stage.from_base else _new_backbone(stage, base)
            return FlowObjective(network, drop=config.drop)
        network = base.transformer()
        if stage.kind == "lora":
            adapter = base.adapter()
            if adapter is not None:
                adapter.requires_grad_(False)
            add_lora(
                network, rank=stage.rank, alpha=stage.alpha, targets=stage.targets, seed=stage.seed
            )
        else:
            adapter = base.adapter() if stage.from_base else _new_adapter(stage, network)
            if stage.adapter_only:
                network.requires_grad_(False)
    return FlowObjective(
        network,
        adapter,
        frame_rate_hz=stage.frame_rate_hz,
        latent_rate_hz=base.latent_rate_hz,
        drop=config.drop,
    )


def _new_adapter(stage: Stage, network: Any) -> Any:
    entry = default_registry().get("conditioning_adapter", stage.adapter)
    try:
        return entry.load().for_transformer(network, **stage.adapter_options)
    except TypeError as err:
        raise ConfigurationError(
            f"{entry.qualified_name} cannot be made with {dict(stage.adapter_options)}: "
            f"{err}; give others with --option NAME=VALUE"
        ) from err


def _new_backbone(stage: Stage, base: BaseModel) -> Any:
    """The base's architecture with new weights; the empty text is the base's."""
    network, own = base.new_transformer(), base.transformer()
    network.empty_string_feat.data.copy_(own.empty_string_feat.data)
    network.latent_mean.data.copy_(torch.tensor(stage.latent_mean))
    network.latent_std.data.copy_(torch.tensor(stage.latent_std))
    return network

"""``pavas_adapter.json``: which plugin a published adapter needs, and which backbone it belongs to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data.component_ref import ComponentRef
from pavas_sdk.data.documents import read_document, read_object
from pavas_sdk.data.files import write_text
from pavas_sdk.data.source_names import public_source
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ADAPTER_NAME", "AdapterBackbone", "AdapterDocument", "read_figures"]

ADAPTER_NAME = "pavas_adapter.json"
_FORMAT = "pavas.adapter"
_NEWEST = 1
_CHANGES = ("no", "lora", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterBackbone:
    """What an adapter was trained on.

    Attributes:
        name: Name of the pipeline ("mmaudio-small-16k").
        source: Preset, folder name or Hub repository that it was loaded from.
        latent_dim: Channels of a latent.
        hidden_dim: Width of the flow network.
        sites_sha256: Digest of its modulation sites: names, parameters, widths.
        visual_encoder: Class of the encoder whose patch features the adapter reads.
        visual_sha256: Digest of that encoder's configuration.
    """

    name: str
    source: str = ""
    latent_dim: int = 0
    hidden_dim: int = 0
    sites_sha256: str = ""
    visual_encoder: str = ""
    visual_sha256: str = ""

    def differences(self, other: AdapterBackbone, *, any_name: bool = False) -> list[str]:
        """Name what keeps the adapter from working on another backbone.

        Args:
            other: The backbone that is there.
            any_name: Another name is no difference: a relative of the same architecture.
        """
        words = {
            "name": "backbone",
            "latent_dim": "channels of a latent",
            "hidden_dim": "width of the backbone",
            "sites_sha256": "modulation sites",
            "visual_encoder": "visual encoder",
            "visual_sha256": "configuration of the visual encoder",
        }
        return [
            f"{what}: the adapter was trained with {_short(mine)}, here it is {_short(theirs)}"
            for name, what in words.items()
            if not (any_name and name == "name")
            and (mine := getattr(self, name)) != (theirs := getattr(other, name))
        ]

    @staticmethod
    def digest(values: Any) -> str:
        """Return the SHA-256 of JSON values."""
        text = json.dumps(values, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterDocument:
    """What stands beside the weights of a published adapter.

    Attributes:
        component: The plugin's component, with its distribution, version and licence.
        backbone: What it was trained on.
        backbone_changed: "no": the adapter alone was trained; "lora": the folder
            ``transformer_lora`` belongs to it; "full": it only works in the pipeline it was
            trained in, which ``pipeline`` names.
        pipeline: Hub repository of that pipeline.
        training: Data, steps, numbers and level policy of the training.
        licences: Licence of weights and data: "weights", "backbone", "data".
        figures: What `read_figures` returned, for each file of figures.
        pavas_sdk_version: Version that wrote it.

    Raises:
        FormatError: ``backbone_changed`` is none of the three.
    """

    component: ComponentRef
    backbone: AdapterBackbone
    backbone_changed: str = "no"
    pipeline: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[Mapping[str, Any]] = ()
    pavas_sdk_version: str = ""

    def __post_init__(self) -> None:
        if self.backbone_changed not in _CHANGES:
            raise FormatError(
                f"backbone_changed is one of {', '.join(_CHANGES)}, got {self.backbone_changed!r}"
            )

    @classmethod
    def read(cls, folder: str | Path, *, source: str = "") -> AdapterDocument:
        """Read the document of a folder.

        Args:
            folder: Of the adapter.
            source: What the user named, where the folder is the Hub's cache.

        Raises:
            FormatError: There is none, it is malformed, or newer than this version reads.
        """
        path = Path(folder) / ADAPTER_NAME
        if not path.is_file():
            raise FormatError(
                f"{source or folder} is no published adapter: it has no {ADAPTER_NAME}. Adapters are "
                "written by `pavas train adapter`, or by adapter.save_pretrained(folder) after "
                "adapter.document = pipe.describe_adapter()"
            )
        data = read_document(
            path, format_name=_FORMAT, newest=_NEWEST, what="description of an adapter"
        )
        try:
            backbone = _json.mapping(_json.required(data, "backbone", "adapter"), "backbone")
            known = {entry.name for entry in fields(AdapterBackbone)}
            return cls(
                component=ComponentRef.from_json(_json.required(data, "component", "adapter")),
                backbone=AdapterBackbone(**{k: v for k, v in backbone.items() if k in known}),
                backbone_changed=_json.text(data.get("backbone_changed", "no"), "backbone_changed"),
                pipeline=_json.text(data.get("pipeline", ""), "pipeline"),
                training=dict(_json.mapping(data.get("training", {}), "training")),
                licences=dict(_json.mapping(data.get("licences", {}), "licences")),
                figures=tuple(
                    dict(_json.mapping(entry, "figures")) for entry in data.get("figures", ())
                ),
                pavas_sdk_version=_json.text(data.get("pavas_sdk_version", ""), "version"),
            )
        except (FormatError, TypeError) as err:
            raise FormatError(f"{path}: {err}") from err

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {
            "format": _FORMAT,
            "format_version": _NEWEST,
            "pavas_sdk_version": self.pavas_sdk_version,
            "component": {**self.component.to_json(), "config": {}},
            "backbone": asdict(self.backbone),
            "backbone_changed": self.backbone_changed,
            "pipeline": self.pipeline,
            "training": dict(self.training),
            "licences": dict(self.licences),
            "figures": [dict(entry) for entry in self.figures],
        }

    def write(self, folder: Path) -> None:
        """Write it into a folder, in place of what was there.

        Raises:
            OutputError: The file cannot be written.
        """
        text = json.dumps(self.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        write_text(folder / ADAPTER_NAME, text, overwrite=True)


def read_figures(path: str | Path) -> dict[str, Any]:
    """Return the figures of a file that ``pavas evaluate ... --json`` wrote.

    Returns:
        "metrics": value by name; "intervals": (low, high) of 95 % by name, where there is one;
        "settings": what they were measured with (model, clips, seed, ...); "file", its name.

    Raises:
        FormatError: It is no such file.
    """
    found = read_object(path)
    scores = found.get("scores")
    intervals = found.get("intervals")
    if not isinstance(intervals, dict):
        raise FormatError(
            f"{path} holds no figures of pavas evaluate: it has no intervals. Make them: "
            "pavas evaluate simulated --model MODEL --json > eval.json"
        )
    values = _flat(scores) if isinstance(scores, dict) else found
    flat = _flat(intervals)
    metrics = {name: values[name] for name in flat if isinstance(values.get(name), int | float)}
    if not metrics:
        raise FormatError(f"{path} holds no figure that is a number")
    settings = {
        name: public_source(value) if isinstance(value, str) else value
        for name, value in found.items()
        if name not in metrics and isinstance(value, str | int | float | bool)
    }
    return {
        "file": Path(path).name,
        "metrics": metrics,
        "intervals": {name: flat[name] for name in metrics if flat[name] is not None},
        "settings": settings,
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = value
    return out


def _short(value: Any) -> str:
    text = str(value) or "nothing"
    return text[:12] if len(text) == 64 else text

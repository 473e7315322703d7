"""The README of a published adapter, made from its document: nothing in it is typed by hand."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pavas_sdk.data.adapter_document import AdapterDocument

__all__ = ["adapter_card"]

_TAGS = ("pavas", "pavas-adapter", "video-to-audio", "physics", "foley")


def adapter_card(document: AdapterDocument, repository: str = "") -> str:
    """Return the text of a model card: the Hub's header, then how to use it and what is known.

    Args:
        document: Of the adapter.
        repository: ``owner/name`` on the Hub; a folder stands in its place without one.
    """
    hub = importlib.import_module("huggingface_hub")
    data = hub.ModelCardData(
        base_model=document.backbone.source or document.backbone.name,
        base_model_relation="adapter",
        library_name="pavas-sdk",
        pipeline_tag="video-to-audio",
        tags=list(_TAGS),
        license=hub_licence(document.licences.get("weights", "")),
        license_name=licence_name(document.licences.get("weights", "")),
        datasets=list(document.training.get("datasets", [])) or None,
        model_name=repository or "adapter",
        eval_results=_results(document, hub) or None,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_body(document, repository)}"


def _body(document: AdapterDocument, repository: str) -> str:
    component, backbone = document.component, document.backbone
    name = repository or "path/to/this/folder"
    parts = [
        f"# {repository or component.name}",
        (
            f"A conditioning adapter (`{component.qualified_name}`) for the backbone "
            f"`{backbone.name}`: it shifts the backbone's adaptive norms by the mass and speed of "
            "what moves in a video, so that the sound follows the physics."
        ),
        _changed(document, name),
        "## Use",
        (
            "```python\n"
            "from pavas_sdk import PavasPipeline\n\n"
            f'pipe = PavasPipeline.from_pretrained("{backbone.source or backbone.name}")\n'
            f'pipe.load_adapter("{name}")\n'
            'pipe("clip.mp4").save("clip.wav")\n'
            "```"
        ),
        "## Plugin",
        f"`pip install {component.distribution or 'THE-PLUGIN'}`"
        + (f" (made with {component.version})" if component.version else ""),
        "## Figures",
        _figures(document),
        "## Training",
        table(("", ""), sorted((k, _plain(v)) for k, v in document.training.items()))
        if document.training
        else "Not recorded.",
        "## Licences",
        table(("what", "licence"), sorted(document.licences.items()))
        if document.licences
        else "Not recorded.",
        "## Not tested",
        (
            "Other backbones than the one above; clips longer than the training's in one window; "
            "anything that no figure above is about."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _changed(document: AdapterDocument, name: str) -> str:
    if document.backbone_changed == "lora":
        return "The backbone was changed, too: its LoRA is in `transformer_lora` and comes along."
    if document.backbone_changed == "full":
        where = document.pipeline or "the pipeline it was trained in"
        return (
            f"The whole backbone was trained with it: use {where}; loaded alone, {name} is refused."
        )
    return "The backbone is unchanged."


def _figures(document: AdapterDocument) -> str:
    if not document.figures:
        return "None were measured."
    parts = []
    for entry in document.figures:
        intervals = entry.get("intervals", {})
        rows = [
            (metric, f"{value:.4g}", _interval(intervals.get(metric)))
            for metric, value in sorted(entry["metrics"].items())
        ]
        told = ", ".join(f"{k} {v}" for k, v in sorted(entry.get("settings", {}).items()))
        parts.append(f"By `pavas evaluate` ({entry.get('file', '')}): {told}.")
        parts.append(table(("metric", "value", "95 %"), rows))
    return "\n\n".join(parts)


def _interval(interval: Any) -> str:
    return f"{interval[0]:.4g} to {interval[1]:.4g}" if interval else ""


def table(header: tuple[str, ...], rows: list[Any]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _results(document: AdapterDocument, hub: Any) -> list[Any]:
    return [
        hub.EvalResult(
            task_type="video-to-audio",
            dataset_type="pavas-evaluate",
            dataset_name=f"pavas evaluate ({entry.get('file', '')})",
            metric_type=metric,
            metric_value=value,
        )
        for entry in document.figures
        for metric, value in sorted(entry["metrics"].items())
    ]


# What the Hub's field `license` knows of those that occur here; others go by name.
_HUB_LICENCES = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
}


def hub_licence(licence: str) -> str | None:
    return _HUB_LICENCES.get(licence, "other") if licence else None


def licence_name(licence: str) -> str | None:
    return licence if licence and licence not in _HUB_LICENCES else None


def check_repository(repository: str) -> None:
    """Refuse a name that is no ``owner/name``.

    Raises:
        ConfigurationError: It is none.
    """
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name:
        raise ConfigurationError(f"expected a repository owner/name, got {repository!r}")

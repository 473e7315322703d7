"""The README of a saved pipeline, made from what is known: nothing in it is typed by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.data.files import write_text
from pavas_sdk.data.source_names import public_source
from pavas_sdk.interfaces.adapter_card import hub_licence, licence_name, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.data import ComponentRef

__all__ = ["pipeline_card", "write_pipeline_card"]

CARD_NAME = "README.md"
_TAGS = ("pavas", "video-to-audio", "physics", "foley", "diffusers")
_MADE = "<!-- made by pavas_sdk from what is known of the pipeline -->"
# how the empty template of diffusers tells itself
_EMPTY = "This is the model card of a 🧨 diffusers pipeline"


def pipeline_card(
    name: str,
    licence: str,
    parts: Sequence[ComponentRef],
    *,
    source: str = "",
    repository: str = "",
) -> str:
    """Return the text of a model card: the Hub's header, then usage, parts and licences.

    Args:
        name: Of the pipeline.
        licence: SPDX expression of its weights; empty: unknown.
        parts: Its components and estimators, with versions and licences.
        source: Preset, repository or nothing: what it was loaded from.
        repository: ``owner/name`` on the Hub; a folder stands in its place without one.
    """
    hub = importlib.import_module("huggingface_hub")
    if source and (Path(source).exists() or public_source(source) != source):
        source = ""  # a folder of this machine is nobody else's business
    base = source if "/" in source else ""
    data = hub.ModelCardData(
        base_model=base or None,
        library_name="pavas-sdk",
        pipeline_tag="video-to-audio",
        tags=list(_TAGS),
        license=hub_licence(licence),
        license_name=licence_name(licence),
        model_name=repository or name,
    )
    plugins = sorted({ref.distribution for ref in parts} - {"", "pavas-sdk", "override"})
    rows = [
        (ref.kind, ref.qualified_name, ref.version, ref.licence or "unknown")
        for ref in sorted(parts, key=lambda ref: ref.kind)
    ]
    body = [
        _MADE,
        f"# {repository or name}",
        (
            "A pipeline of `pavas-sdk`: the sound of silent "
            "video, conditioned on the mass and speed of what moves."
        ),
        *([f"Made from `{source}`."] if source else []),
        "## Use",
        f"```bash\npip install {' '.join(['pavas-sdk', *plugins])}\n```",
        (
            "```python\n"
            "from pavas_sdk import PavasPipeline\n\n"
            f'pipe = PavasPipeline.from_pretrained("{repository or "path/to/this/folder"}")\n'
            'pipe("clip.mp4", seed=0).save("clip.wav")\n'
            "```"
        ),
        "## Parts and licences",
        table(("part", "name", "version", "licence"), rows),
        f"Licence of the pipeline: {licence or 'not recorded'}.",
    ]
    text = "\n\n".join(body)
    return f"---\n{data.to_yaml()}\n---\n\n{text}\n"


def write_pipeline_card(folder: Path, text: str) -> bool:
    """Write the card, unless somebody wrote one by hand.

    Returns:
        Whether it was written.

    Raises:
        OutputError: It cannot be written.
    """
    path = folder / CARD_NAME
    if path.exists():
        there = path.read_text(encoding="utf-8", errors="replace")
        if _MADE not in there and _EMPTY not in there:
            return False
    write_text(path, text, overwrite=True)
    return True

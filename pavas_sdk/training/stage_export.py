"""What a training leaves: networks, an adapter with its description, a LoRA, or a whole pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.data.adapter_document import AdapterDocument
from pavas_sdk.data.files import write_text
from pavas_sdk.data.source_names import without_local_paths
from pavas_sdk.interfaces.adapter_card import adapter_card
from pavas_sdk.models.lora import LORA_FILE, lora_state
from pavas_sdk.registry import component_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.training.base_model import BaseModel
    from pavas_sdk.training.objective import FlowObjective
    from pavas_sdk.training.stages import Stage

__all__ = ["export_stage"]


def export_stage(
    stage: Stage,
    objective: FlowObjective,
    base: BaseModel,
    folder: Path,
    *,
    training: Mapping[str, Any] | None = None,
    save_pipeline: bool = False,
) -> dict[str, Path]:
    """Write what was trained and return the folders by what is in them.

    "transformer": the flow network; "adapter": the adapter with its description; "lora": the
    LoRA's file; "pipeline": the whole pipeline, on request.

    Args:
        stage: What was trained.
        objective: With the final weights.
        base: What it started from.
        folder: Where to.
        training: Figures of the training, for the adapter's description.
        save_pipeline: Also write a whole pipeline with what was trained.

    Raises:
        OutputError: The folder cannot be written.
    """
    written: dict[str, Path] = {}
    network, adapter = objective.transformer.eval(), objective.adapter
    if stage.kind == "lora":
        from pavas_sdk.pipelines import PavasPipeline

        layers, metadata = lora_state(network, "default")
        written["lora"] = folder / "lora"
        PavasPipeline.save_lora_weights(
            written["lora"],
            {name: value.cpu() for name, value in layers.items()},
            transformer_lora_adapter_metadata=metadata,
            weight_name=LORA_FILE,
        )
        return written
    if stage.kind == "backbone" or not stage.adapter_only:
        written["transformer"] = folder / "transformer"
        with without_local_paths((network,)):
            network.save_pretrained(written["transformer"])
    if stage.kind == "adapter" and adapter is not None:
        written["adapter"] = folder / "adapter"
        document = _document(stage, adapter, base, training or {})
        adapter.document = document
        with without_local_paths((adapter,)):
            adapter.eval().save_pretrained(written["adapter"])
        # once more, for an adapter whose class does not do it
        document.write(written["adapter"])
        write_text(written["adapter"] / "README.md", adapter_card(document), overwrite=True)
    if save_pipeline:
        written["pipeline"] = folder / "pipeline"
        pipe = base.pipeline(transformer=network, conditioning_adapter=adapter or base.adapter())
        pipe.save_pretrained(written["pipeline"])
    return written


def _document(
    stage: Stage, adapter: Any, base: BaseModel, training: Mapping[str, Any]
) -> AdapterDocument:
    component = component_ref(adapter, kind="conditioning_adapter")
    return AdapterDocument(
        component=replace(component, config={}),
        backbone=base.described(),
        backbone_changed="no" if stage.adapter_only else "full",
        training={"features": [Path(name).name for name in stage.features], **training},
        licences={
            "backbone": base.licence,
            **({"weights": stage.licence} if stage.licence else {}),
        },
        pavas_sdk_version=__version__,
    )

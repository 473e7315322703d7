"""Who made what: references of a pipeline's parts, and the sidecar of a sound."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk import __version__
from pavas_sdk.data import ComponentRef
from pavas_sdk.registry import component_ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import FrameSource, PhysicsEstimate
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.registry import Registry

__all__ = ["about_json", "component_refs", "provenance_json", "versions"]


def component_refs(
    modules: Mapping[str, Any],
    estimator: PhysicsEstimator | None,
    *,
    name: str,
    licence: str,
    component_licences: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> tuple[ComponentRef, ...]:
    """Return a reference for the weights, for each torch component and for each estimator slot.

    Args:
        modules: Torch components by name; None is left out.
        estimator: The physics estimator, or None.
        name: Name of the pipeline.
        licence: Licence of its own weights.
        component_licences: Licence of single components' weights, by slot.
        registry: Where components are looked up; the process default by default.
    """
    own = component_licences or {}
    refs = [ComponentRef(kind="pipeline", name=name or "PavasPipeline", licence=licence)]
    for slot, module in modules.items():
        if module is None:
            continue
        library = type(module).__module__.split(".")[0]
        if library == "pavas_sdk":
            refs.append(
                ComponentRef(
                    kind=slot,
                    name=type(module).__name__,
                    distribution="pavas-sdk",
                    version=__version__,
                    licence=own.get(slot) or licence or "Apache-2.0",
                )
            )
        else:
            ref = component_ref(module, kind=slot, registry=registry)
            # The config of a network lies beside its weights; a reference need not repeat it.
            refs.append(
                ComponentRef(
                    kind=slot,
                    name=ref.name,
                    distribution=ref.distribution or library.replace("_", "-"),
                    version=ref.version,
                    licence=ref.licence,
                )
            )
    return (*refs, *(estimator.provenance.values() if estimator is not None else ()))


def about_json(refs: Sequence[ComponentRef]) -> dict[str, Any]:
    """Return the ``components`` of a saved pipeline's ``pavas.json``, by slot."""
    return {ref.kind: ref.to_json() for ref in refs if ref.kind != "pipeline"}


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    import diffusers

    return {
        "pavas-sdk": __version__,
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "python": platform.python_version(),
    }


def provenance_json(
    *,
    refs: Sequence[ComponentRef],
    source: FrameSource,
    physics: PhysicsEstimate,
    settings: Mapping[str, Any],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return plain JSON that says how a sound was made.

    Args:
        refs: From `component_refs`.
        source: The video.
        physics: What the sound was conditioned on.
        settings: Prompt, seed, steps, guidance and so on; copied to the top level.
        notes: What should be known.
    """
    model = next(ref for ref in refs if ref.kind == "pipeline")
    return {
        "model": model.name,
        "versions": versions(),
        "components": {
            ref.kind: {
                "name": ref.name,
                "distribution": ref.distribution,
                "version": ref.version,
                "licence": ref.licence,
            }
            for ref in refs
        },
        "video": source.source,
        "duration_s": source.duration_s,
        "time_scale": source.time_scale,
        **settings,
        "physics": physics.to_json(),
        "edits": list(physics.edits),
        "notes": list(notes),
    }

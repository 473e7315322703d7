"""Saving and loading: what diffusers does, plus the physics estimator and the safety check."""

from __future__ import annotations

import inspect
import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn, Self, cast

from diffusers.configuration_utils import ConfigMixin

from pavas_sdk import __version__
from pavas_sdk.data.file_modes import as_the_umask_says
from pavas_sdk.data.files import write_text
from pavas_sdk.data.paths import expanded
from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.data.source_names import without_local_paths
from pavas_sdk.errors import ConfigurationError, OutputError, PavasError, WeightsError
from pavas_sdk.models.lora import check_saveable
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.pipelines.parts import PipelineParts
from pavas_sdk.pipelines.pipeline_card import pipeline_card, write_pipeline_card
from pavas_sdk.pipelines.saved import (
    ESTIMATOR_NAME,
    HubOptions,
    SavedPipeline,
    resolve_folder,
)
from pavas_sdk.pipelines.saved_networks import (
    align,
    check_weights_complete,
    made_loadable,
)
from pavas_sdk.pipelines.swapping import choose_adapter, refuse_words, set_adapter
from pavas_sdk.registry import SLOTS, Registry, check_licences, default_registry

__all__ = ["StoredPipeline"]

_REFUSED = ("trust_remote_code", "custom_pipeline", "custom_revision", "use_onnx")
_FROM_SAVED = cast("PhysicsEstimator", object())


class StoredPipeline(PipelineParts):
    """What a pipeline of ours adds to diffusers' way of saving and loading."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        physics_estimator: PhysicsEstimator | str | None = _FROM_SAVED,
        commercial_use: bool = False,
        registry: Registry | None = None,
        **options: Any,
    ) -> Self:
        """Load a pipeline.

        Nothing is imported or unpickled that is not installed as a plugin: all classes that the
        index names are checked first, weights are safetensors only.

        Args:
            pretrained_model_name_or_path: A preset (``"pavas-tiny"``), a folder that
                `save_pretrained` wrote, or a repository of the Hugging Face Hub.
            physics_estimator: Replaces the saved one: an object, or the name of a set of slots,
                "paper" (Qwen2.5-VL, Florence-2 with SAM-2, CUT3R) or "tiny"; single slots of a
                named set can be replaced beside it. None: load without one (physics must then be
                given to every call).
            commercial_use: Refuse components whose licence is non-commercial.
            registry: Where plugins are looked up; the process default by default.
            **options: Components (``transformer=...``; ``conditioning_adapter`` also by name,
                folder or Hub repository) and estimator slots
                (``mass_estimator=...``: an object, a registered name, or a function) that replace
                saved ones; ``dtype``, ``device_map``, ``variant`` as in diffusers; ``revision``,
                ``token``, ``cache_dir``, ``local_files_only``, ``force_download`` for the Hub.

        Raises:
            ComponentNotFoundError: Unknown preset; the message guesses what was meant.
            MissingPluginError: Plugins are missing, or a class may not be loaded: all at once.
            WeightsError: No such folder or repository, or damaged weights.
            LicenceError: ``commercial_use`` and a non-commercial component.
            ConfigurationError: An option that is refused here.
        """
        _refuse_options(options)
        registry = registry or default_registry()
        hub = {name: options.pop(name) for name in HubOptions.__annotations__ if name in options}
        slots = {name: options.pop(name) for name in SLOTS if name in options}
        if isinstance(physics_estimator, str):
            physics_estimator = PhysicsEstimator.from_name(
                physics_estimator, registry=registry, **slots
            )
            slots = {}
        if physics_estimator is not _FROM_SAVED and slots:
            raise ConfigurationError(
                f"physics_estimator and {', '.join(slots)} are both given; put the slots into the "
                "estimator: PhysicsEstimator(...)"
            )
        folder = resolve_folder(pretrained_model_name_or_path, registry=registry, **hub)
        saved = SavedPipeline.read(folder)
        choice = None
        if isinstance(options.get("conditioning_adapter"), str | os.PathLike):
            choice = choose_adapter(
                options.pop("conditioning_adapter"), saved, registry=registry, **hub
            )
        bare = choice is not None and not choice.is_saved
        saved.check(
            registry=registry,
            replaced=frozenset(options)
            | frozenset(slots)
            | ({"conditioning_adapter"} if bare else frozenset()),
            without_estimator=physics_estimator is not _FROM_SAVED,
        )
        if physics_estimator is _FROM_SAVED:
            physics_estimator = _estimator(saved, slots, registry)
        if find_spec("accelerate") is None:
            options.setdefault("low_cpu_mem_usage", False)  # diffusers would warn about it
        known = {*saved.components, "conditioning_adapter"}
        replaced = {name: options.pop(name) for name in sorted(known & set(options))}
        if bare:
            replaced["conditioning_adapter"] = None
        refuse_words(replaced)
        try:
            with made_loadable(saved, replaced=replaced):
                pipe = super().from_pretrained(
                    str(folder),
                    use_safetensors=True,
                    physics_estimator=physics_estimator,
                    **dict.fromkeys(replaced),  # None: diffusers would insist on the saved class
                    **options,
                )
        except PavasError:
            raise
        # a folder can hold anything, and three libraries read it
        except Exception as err:
            said = str(err) or "no message"
            raise WeightsError(
                f"cannot load the pipeline in {folder}: {type(err).__name__}: {said}"
            ) from err
        check_weights_complete(folder, pipe.torch_components())
        for part in pipe.torch_components().values():
            align(part)
        if replaced:
            pipe.register_modules(**replaced)
            pipe.check_components()
        if bare:
            assert choice is not None
            set_adapter(pipe, choice, registry=registry, commercial_use=commercial_use)
        check_licences(pipe.licences(), commercial_use=commercial_use)
        pipe.register_to_config(_name_or_path=str(pretrained_model_name_or_path))
        return pipe  # type: ignore[no-any-return]  # diffusers is untyped

    @classmethod
    def from_pipe(cls, pipeline: Any, **changes: Any) -> Self:
        """Return a pipeline of the same networks, with changes; no weights are copied.

        Args:
            pipeline: A pipeline of this kind.
            **changes: Components, settings of `PavasPipeline`, ``physics_estimator`` (an object,
                None, or a name such as "paper"), and ``dtype`` (of the shared networks).

        Raises:
            ConfigurationError: A pipeline of another kind, an unknown setting, or components that
                do not fit together.
        """
        if not isinstance(pipeline, StoredPipeline):
            raise ConfigurationError(
                f"from_pipe takes a PavasPipeline, got {type(pipeline).__name__}: their networks "
                'are of other kinds; load one: PavasPipeline.from_pretrained("pavas-tiny")'
            )
        dtype = changes.pop("dtype", changes.pop("torch_dtype", None))
        settings = {
            name: value for name, value in pipeline.config.items() if not name.startswith("_")
        }
        own = {**pipeline.components, "physics_estimator": pipeline.physics_estimator}
        known = set(inspect.signature(cls.__init__).parameters) - {"self"}
        if unknown := sorted(set(changes) - known):
            raise ConfigurationError(
                f"from_pipe does not know {', '.join(unknown)}; expected {', '.join(sorted(known))}"
            )
        if isinstance(changes.get("physics_estimator"), str):
            changes["physics_estimator"] = PhysicsEstimator.from_name(changes["physics_estimator"])
        refuse_words({name: changes[name] for name in pipeline.components if name in changes})
        made = cls(**{name: v for name, v in settings.items() if name in known} | own | changes)
        made.register_to_config(_name_or_path=pipeline.config.get("_name_or_path"))
        if "conditioning_adapter" not in changes:
            kept = ("_adapter_origin", "_adapter_scale", "_own_adapter")
            made.__dict__.update({k: v for k, v in pipeline.__dict__.items() if k in kept})
        return made.to(dtype=dtype) if dtype is not None else made

    def save_pretrained(self, save_directory: str | os.PathLike[str], **options: Any) -> None:
        """Write the pipeline: an index, a folder per component, the estimator's slots, and a card.

        The card is ``README.md``, made from what is known; one that was written by hand stays.

        Args:
            save_directory: Where; made when missing.
            **options: As in diffusers (``variant``, ``max_shard_size``, ``push_to_hub``, ...).

        Raises:
            ConfigurationError: A component cannot be saved, a LoRA is attached, or pickle was
                asked for.
            OutputError: The folder cannot be written.
        """
        if not options.get("safe_serialization", True):
            raise ConfigurationError("safe_serialization=False would write pickle; leave it out")
        unsaveable = [
            f"{name} ({type(module).__name__})"
            for name, module in self.torch_components().items()
            if not (isinstance(module, ConfigMixin) and hasattr(module, "save_pretrained"))
        ]
        if unsaveable:
            raise ConfigurationError(
                f"cannot save {', '.join(unsaveable)}: a component must be a diffusers ModelMixin "
                "or SchedulerMixin with ConfigMixin"
            )
        check_saveable(self.transformer)
        folder = expanded(save_directory)
        refs = self.licences()
        origins = PipelineOrigins(
            components={ref.kind: ref for ref in refs if ref.kind != "pipeline"},
            pavas_sdk_version=__version__,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ESTIMATOR_NAME).unlink(missing_ok=True)
            if self.physics_estimator is not None:
                write_text(
                    folder / ESTIMATOR_NAME,
                    _dumps(self.physics_estimator.to_json()),
                    overwrite=True,
                )
            origins.write(folder)
            write_pipeline_card(folder, self._card())
            with without_local_paths((self, *self.torch_components().values())):
                super().save_pretrained(str(folder), **options)
            as_the_umask_says(folder)
        except OSError as err:
            if isinstance(err, OutputError):
                raise
            raise OutputError(
                f"cannot save the pipeline to {folder}: {err.strerror or err}; choose a folder "
                "that you may write to"
            ) from err

    def _card(self, repository: str = "") -> str:
        config = self.config
        source = "" if self.name_or_path is None else str(self.name_or_path)
        return pipeline_card(
            config.name, config.licence, self.licences(), source=source, repository=repository
        )

    def _upload_folder(self, working_dir: str, repo_id: str, *args: Any, **options: Any) -> Any:
        """Upload with our card in place of diffusers' empty one; both ways of pushing end here."""
        write_pipeline_card(Path(working_dir), self._card(repo_id))
        return super()._upload_folder(working_dir, repo_id, *args, **options)

    def load_ip_adapter(self, *args: object, **options: object) -> NoReturn:
        """Say what to type: diffusers' image prompts do not exist here.

        Raises:
            ConfigurationError: Always.
        """
        del args, options
        raise ConfigurationError(
            "this pipeline has no image prompts; adapters for physics are loaded with "
            'pipe.load_adapter("you/name"), LoRAs with pipe.load_lora_weights("you/name"), and a '
            "still picture is given as image="
        )


def _refuse_options(options: dict[str, Any]) -> None:
    """Refuse what would load code or pickle; ``use_safetensors`` is taken out.

    Raises:
        ConfigurationError: One of them was given.
    """
    refused = sorted(set(options) & set(_REFUSED)) + [
        "use_safetensors" for value in (options.pop("use_safetensors", True),) if not value
    ]
    if refused:
        raise ConfigurationError(
            f"{', '.join(refused)} is not offered: a saved pipeline never brings code, and "
            "weights are safetensors only"
        )


def _estimator(
    saved: SavedPipeline, slots: dict[str, Any], registry: Registry
) -> PhysicsEstimator | None:
    if saved.estimator is not None:
        return PhysicsEstimator.from_json(saved.estimator, registry=registry, **slots)
    return PhysicsEstimator(registry=registry, **slots) if slots else None


def _dumps(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

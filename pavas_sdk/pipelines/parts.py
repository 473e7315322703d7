"""What a pipeline is made of: networks and settings that fit together, moved and compiled as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from diffusers.configuration_utils import ConfigMixin
from diffusers.pipelines.pipeline_utils import DiffusionPipeline

from pavas_sdk import __version__
from pavas_sdk.data import ComponentRef
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import SequenceConfig, composed_branches
from pavas_sdk.physics import PhysicsEstimator  # noqa: TC001  # diffusers resolves the annotation
from pavas_sdk.pipelines.components import (
    AdapterModule,
    Backbone,
    Codec,
    Config,
    Sampler,
    SyncEncoder,
    VisualTextEncoder,
    Vocoder,
    check_components_fit,
)
from pavas_sdk.pipelines.level import LevelLaw
from pavas_sdk.pipelines.noise_temperature import checked_temperature
from pavas_sdk.pipelines.quiet_casting import without_empty_warnings
from pavas_sdk.registry import Registry, component_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SHORTEST_S", "PipelineParts", "component_refs"]

# One synchronisation segment of 16 frames at 25 Hz: shorter videos are computed as so long (their
# last picture stands still) and the sound is cut.
SHORTEST_S = 0.64


class PipelineParts(DiffusionPipeline):  # type: ignore[misc]
    """The networks, the settings and the physics estimator of a `PavasPipeline`.

    Args:
        transformer: Flow backbone (`pavas_sdk.models.MMAudioTransformer`).
        vae: Mel codec.
        vocoder: Mel to waveform.
        scheduler: Sampler (`pavas_sdk.models.FlowMatchEuler`).
        clip: Visual and text encoder.
        sync_encoder: Synchronisation encoder.
        conditioning_adapter: Brings physics to the backbone; None: sound without physics.
        physics_estimator: Estimates the physics; None: ``physics=`` must be given to every call.
        name: Name of the weights, for provenance.
        licence: Licence of the weights.
        sample_rate_hz: Of the sound.
        hop_length: Samples per mel frame.
        frames_per_latent: Mel frames per latent.
        window_s: What the backbone sees at once; longer videos run in windows.
        overlap_s: How much neighbouring windows share at least.
        num_inference_steps: Default of a call.
        guidance_scale: Default of a call of a pipeline with one weight of guidance.
        video_guidance_scale: With ``physics_guidance_scale`` it makes guidance one of two weights
            (`pavas_sdk.models.composed_branches`); defaults of a call. None: one weight.
        physics_guidance_scale: See there.
        output_gain_db: Applied to every generated sound, and recorded.
        level_intercept_dbfs: With ``level_slope_db`` the model's own level at an impact, after
            ``output_gain_db`` (`pavas_sdk.pipelines.level.LevelLaw`): a pipeline that has both makes
            sounds at the audible level by default. None: only the physical level.
        level_slope_db: See there.
        noise_temperature: The noise that a sound is made from is multiplied by this, above 0 and at
            most 2; one number, or one from a latent channel on, ``{"0": 0.95, "4": 1.1}``
            (`pavas_sdk.pipelines.noise_temperature`).
        min_duration_s: Shorter videos are refused; 0: they are computed as if their last picture
            stood still, and the sound is cut.
        component_licences: Licence of each component's weights by slot, where they differ from
            ``licence``.
        keep_in_negative: Features that the unconditional branch keeps, "clip", "sync" or
            "clip+sync"; with both, guidance acts on physics and text alone. For one weight of
            guidance. One string: a list of two would look like a component in the saved index.

    Raises:
        ConfigurationError: Components or numbers that do not fit together.
    """

    model_cpu_offload_seq = "clip->sync_encoder->conditioning_adapter->transformer->vae->vocoder"
    _optional_components = ["conditioning_adapter"]  # noqa: RUF012  # diffusers' own form

    transformer: Backbone
    vae: Codec
    vocoder: Vocoder
    scheduler: Sampler
    clip: VisualTextEncoder
    sync_encoder: SyncEncoder
    conditioning_adapter: AdapterModule | None
    physics_estimator: PhysicsEstimator | None

    def __init__(
        self,
        transformer: Backbone,
        vae: Codec,
        vocoder: Vocoder,
        scheduler: Sampler,
        clip: VisualTextEncoder,
        sync_encoder: SyncEncoder,
        conditioning_adapter: AdapterModule | None = None,
        physics_estimator: PhysicsEstimator | None = None,
        name: str = "",
        licence: str = "",
        sample_rate_hz: int = 16000,
        hop_length: int = 256,
        frames_per_latent: int = 2,
        window_s: float = 8.0,
        overlap_s: float = 2.0,
        num_inference_steps: int = 25,
        guidance_scale: float = 4.5,
        video_guidance_scale: float | None = None,
        physics_guidance_scale: float | None = None,
        output_gain_db: float = 0.0,
        level_intercept_dbfs: float | None = None,
        level_slope_db: float | None = None,
        keep_in_negative: str = "",
        noise_temperature: float | dict[str, float] = 1.0,
        min_duration_s: float = 0.0,
        component_licences: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= overlap_s < window_s or window_s < SHORTEST_S:
            raise ConfigurationError(
                f"window_s must be at least {SHORTEST_S} and above overlap_s >= 0, got "
                f"window_s={window_s}, overlap_s={overlap_s}"
            )
        unknown = sorted(set(filter(None, keep_in_negative.split("+"))) - {"clip", "sync"})
        if unknown:
            raise ConfigurationError(
                f"keep_in_negative takes 'clip', 'sync' or 'clip+sync', got {', '.join(unknown)}"
            )
        scales = _check_scales(video_guidance_scale, physics_guidance_scale, keep_in_negative)
        self.register_modules(
            transformer=transformer,
            vae=vae,
            vocoder=vocoder,
            scheduler=scheduler,
            clip=clip,
            sync_encoder=sync_encoder,
            conditioning_adapter=conditioning_adapter,
        )
        self.register_to_config(
            name=name,
            licence=licence,
            sample_rate_hz=sample_rate_hz,
            hop_length=hop_length,
            frames_per_latent=frames_per_latent,
            window_s=float(window_s),
            overlap_s=float(overlap_s),
            num_inference_steps=num_inference_steps,
            guidance_scale=float(guidance_scale),
            video_guidance_scale=scales[0],
            physics_guidance_scale=scales[1],
            output_gain_db=float(output_gain_db),
            level_intercept_dbfs=level_intercept_dbfs,
            level_slope_db=level_slope_db,
            keep_in_negative=keep_in_negative,
            noise_temperature=checked_temperature(noise_temperature),
            min_duration_s=float(min_duration_s),
            component_licences=dict(component_licences or {}),
        )
        self.level_law  # noqa: B018  # a law that is impossible is found now
        self.check_components()
        self.physics_estimator = physics_estimator
        self.sequence = SequenceConfig(
            sample_rate_hz=sample_rate_hz,
            hop_length=hop_length,
            latent_downsample=frames_per_latent,
        )
        self._interrupt = False
        self._num_timesteps = 0

    @property
    def level_law(self) -> LevelLaw | None:
        """The model's own level at an impact, or None where it was never measured.

        Raises:
            ConfigurationError: One of its two numbers is missing, or impossible.
        """
        numbers = self.config.level_intercept_dbfs, self.config.level_slope_db
        if numbers == (None, None):
            return None
        if None in numbers:
            raise ConfigurationError(
                "level_intercept_dbfs and level_slope_db belong together, got "
                f"{numbers[0]} and {numbers[1]}"
            )
        return LevelLaw(intercept_dbfs=float(numbers[0]), slope_db=float(numbers[1]))

    @property
    def interrupt(self) -> bool:
        """Whether a callback asked to stop (``pipe._interrupt = True``, as in diffusers)."""
        return self._interrupt

    @property
    def num_timesteps(self) -> int:
        """Steps of the running, or last, call."""
        return self._num_timesteps

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and cast the networks, and the physics estimator's components with them."""
        with without_empty_warnings():
            super().to(*args, **kwargs)
        if self.physics_estimator is not None:
            self.physics_estimator.to(self._execution_device)
        return self

    def compile(self, **options: Any) -> Self:
        """Compile the networks with ``torch.compile``, in place, and return the pipeline.

        Of the backbone and the synchronisation encoder only the repeated blocks are compiled, once
        for all of them; the codec's decoder and the vocoder whole. The first call for each length
        of clip takes the time of compiling. Saving and loading are as before.

        Args:
            **options: Of ``torch.compile`` (``mode``, ``backend``, ``dynamic``, ``fullgraph``).

        Example:
            >>> pipe = PavasPipeline.from_pretrained("mmaudio-large-44k-v2").to("cuda")
            >>> pipe.compile(mode="max-autotune")
        """
        parts = self.torch_components()
        for slot in ("transformer", "sync_encoder"):
            if parts[slot]._repeated_blocks:
                parts[slot].compile_repeated_blocks(**options)
        decoder = dict(parts["vae"].named_children()).get("decoder")
        for network in (decoder, parts["vocoder"]):
            if network is not None:
                network.compile(**options)
        return self

    # -- what it is made of --------------------------------------------------------------------

    def torch_components(self) -> dict[str, ConfigMixin]:
        """Return the torch components that are present, by name."""
        return {name: part for name, part in self.components.items() if part is not None}

    def licences(self) -> tuple[ComponentRef, ...]:
        """Return every part with its distribution, version and licence: weights, slots, adapter."""
        return component_refs(
            self.torch_components(),
            self.physics_estimator,
            name=self.config.name,
            licence=self.config.licence,
            component_licences=self.config.component_licences,
        )

    def check_components(self) -> None:
        """Make sure that the networks belong together.

        Raises:
            ConfigurationError: They are of different variants.
        """
        configs: dict[str | None, Config] = {None: self.config}
        for slot, part in self.torch_components().items():
            if isinstance(part, ConfigMixin):
                configs[slot] = part.config
        check_components_fit(configs)


def _check_scales(
    video: float | None, physics: float | None, keep_in_negative: str
) -> tuple[float, float] | tuple[None, None]:
    """Return the two weights of guidance, if there are two.

    Raises:
        ConfigurationError: One of them is missing or impossible, or the negative branch is to
            keep what the weight of the pictures is measured against.
    """
    if video is None and physics is None:
        return None, None
    if video is None or physics is None or keep_in_negative:
        raise ConfigurationError(
            "guidance of two weights needs video_guidance_scale and physics_guidance_scale, and no "
            f"keep_in_negative; got {video}, {physics} and {keep_in_negative!r}"
        )
    composed_branches(video, physics)
    return float(video), float(physics)


def component_refs(
    modules: Mapping[str, object],
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

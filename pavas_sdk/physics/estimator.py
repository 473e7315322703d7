"""PhysicsEstimator: video in, masses and speeds out, through five replaceable slots."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from pavas_sdk.data import ComponentRef
from pavas_sdk.data.documents import check_format
from pavas_sdk.data.frames import fingerprint
from pavas_sdk.errors import ConfigurationError, FormatError, PavasWarning
from pavas_sdk.physics.cache import CacheInput, as_cache, result_key, unkeyed_slots
from pavas_sdk.physics.estimator_config import PhysicsEstimatorConfig
from pavas_sdk.physics.overrides import Overrides, load_overrides
from pavas_sdk.physics.run import ClipRun, PhysicsResult
from pavas_sdk.physics.slots import Slots, check_ready, named_slots, slots_from_json
from pavas_sdk.registry import SLOTS, Registry, default_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import FrameSource, MaskTrack, PhysicsEstimate

__all__ = ["PhysicsEstimator"]

FORMAT = "pavas.physics_estimator"
FORMAT_VERSION = 1


class PhysicsEstimator:
    """The physics parameter estimator of PAVAS Sec. 3.3.

    Args:
        moving_object_detector: A component, a registered name, a function (see ``from_function``
            in the module of the interface), or None for the default.
        segmenter: The same.
        reconstructor: The same.
        velocity_estimator: The same.
        mass_estimator: The same; a function goes from a `MovingObject` to kilograms.
        config: Settings; or give its fields as keywords.
        registry: Where names are looked up; the process default by default.
        **options: Fields of `PhysicsEstimatorConfig`.

    Raises:
        ComponentError: A name is unknown, ambiguous, or cannot be loaded.
        ConfigurationError: An option is unknown or impossible.

    Example:
        >>> estimator = PhysicsEstimator(mass_estimator=lambda thing: 0.6)
        >>> result = estimator.estimate(media.open_video("clip.mp4"))
        >>> print(result.physics)
    """

    config_class: ClassVar[type[PhysicsEstimatorConfig]] = PhysicsEstimatorConfig

    def __init__(
        self,
        *,
        moving_object_detector: Any = None,
        segmenter: Any = None,
        reconstructor: Any = None,
        velocity_estimator: Any = None,
        mass_estimator: Any = None,
        config: PhysicsEstimatorConfig | None = None,
        registry: Registry | None = None,
        **options: Any,
    ) -> None:
        if config is not None and options:
            raise ConfigurationError("pass a config or its fields as keywords, not both")
        self._config = config or PhysicsEstimatorConfig.from_json(options)
        self._slots = Slots.resolve(
            {
                "moving_object_detector": moving_object_detector,
                "segmenter": segmenter,
                "reconstructor": reconstructor,
                "velocity_estimator": velocity_estimator,
                "mass_estimator": mass_estimator,
            },
            registry=registry,
        )

    @classmethod
    def from_name(
        cls,
        name: str,
        *,
        config: PhysicsEstimatorConfig | None = None,
        registry: Registry | None = None,
        **options: Any,
    ) -> PhysicsEstimator:
        """Return the estimator of a name: "paper" (the models of the PAVAS paper) or "tiny".

        Args:
            name: "paper" or "tiny".
            config: Settings; or give its fields as keywords.
            registry: Where names are looked up; the process default by default.
            **options: Slots to fill otherwise (an object, a registered name, a function), and
                fields of `PhysicsEstimatorConfig`.

        Raises:
            MissingPluginError: Plugins are not installed: all of them at once, with what to
                install.
            ComponentError: A name is unknown or ambiguous, or a component cannot be made.
            ConfigurationError: No such estimator, or an impossible option.

        Example:
            >>> PhysicsEstimator.from_name("paper", mass_estimator="pavas-tiny/size-prior")
        """
        registry = registry or default_registry()
        given = {slot: options.pop(slot) for slot in SLOTS if slot in options}
        filled = named_slots(name, given, registry)
        return cls(config=config, registry=registry, **filled, **options)

    @property
    def config(self) -> PhysicsEstimatorConfig:
        """The frozen settings."""
        return self._config

    @property
    def slots(self) -> dict[str, Any]:
        """The components by slot."""
        return self._slots.components()

    @property
    def provenance(self) -> dict[str, ComponentRef]:
        """Which component fills which slot."""
        return dict(self._slots.refs)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move every component; those without tensors ignore it."""
        for component in self.slots.values():
            component.to(device, dtype)
        return self

    def unload(self) -> None:
        """Free the memory of every component; the next use loads again."""
        for component in self.slots.values():
            component.unload()

    def check_ready(self) -> None:
        """Check that packages and weights of all components are there.

        Raises:
            MissingPluginError: Packages are missing: all of them in one message.
            WeightsError: Weights are missing or of another model; likewise.
        """
        check_ready(self.slots, self.provenance)

    def estimate(
        self,
        source: FrameSource,
        *,
        prompt: str = "",
        masses: Mapping[int | str, float] | None = None,
        overrides: Overrides | None = None,
        rng: np.random.Generator | None = None,
        cache: CacheInput = None,
    ) -> PhysicsResult:
        """Estimate the physics of a clip.

        Args:
            source: The video. A long one is read window by window.
            prompt: What the user says about the clip.
            masses: Kilograms by object id or label, in place of the estimate.
            overrides: Masses and speeds by hand (`load_overrides`).
            rng: The only source of randomness; seed 0 by default. A result that comes from the
                cache draws nothing from it.
            cache: Where results are kept: a `PhysicsCache`, a folder, or True for the default
                folder. An estimate with a failed slot, or with a slot that no plugin registers
                (an object or function of your own), is not kept; the second is told.

        Raises:
            MissingPluginError: Packages that components need are missing: all of them, and all
                missing weights, in one message, before anything is done.
            WeightsError: Weights are missing or of another model; likewise.
            ComponentFailedError: A slot raised or hung; ``.partial`` holds the `PhysicsResult` of
                what was known by then. Not with ``on_error="partial"``.
            ContractError: A slot's answer breaks its interface; likewise.
            PhysicsInputError: A mass or speed by hand fits no object or is impossible.
            MediaError: The video cannot be read.
        """
        rng = np.random.default_rng(0) if rng is None else rng
        by_hand = _overrides(masses, overrides)
        store = as_cache(cache)
        key = None if store is None else self._key(source, prompt, rng)
        result = None if store is None or key is None else store.get(key)
        if result is None:
            if self._config.on_error == "raise":  # else each slot is noted when its turn comes
                self.check_ready()
            run = ClipRun(self._slots, self._config, source)
            result = run.estimate(prompt, rng)
            if store is not None and key is not None and run.is_complete:
                store.put(key, result)
        return replace(result, physics=by_hand.apply(result.physics))

    def segment(
        self, source: FrameSource, physics: PhysicsEstimate
    ) -> tuple[dict[int, MaskTrack], tuple[str, ...]]:
        """Return masks of the objects of a given estimate, and notes on what could not be had.

        A segmenter that is missing or fails is no reason to give up: a sound can be made without
        what an object looks like. The notes say so.

        Args:
            source: The video. A long one is read window by window.
            physics: The estimate; its objects keep their ids.

        Raises:
            MediaError: The video cannot be read.
        """
        if not physics.objects:
            return {}, ()
        run = ClipRun(self._slots, self._config, source)
        return run.segment(physics, np.random.default_rng(0))

    def _key(self, source: FrameSource, prompt: str, rng: np.random.Generator) -> str | None:
        """Key of the result in a cache; None when it must not be kept."""
        unkeyed = unkeyed_slots(self.provenance)
        if unkeyed:
            names = ", ".join(f"{slot} ({self.provenance[slot].name})" for slot in unkeyed)
            warnings.warn(
                f"the estimate is not cached: {names} is no component of a plugin, so the cache "
                "cannot tell it from another of the same name; register it, or leave cache out",
                PavasWarning,
                stacklevel=3,
            )
            return None
        return result_key(
            video=fingerprint(source),
            time_scale=source.time_scale,
            prompt=prompt,
            rng_state=dict(rng.bit_generator.state),
            config=self._config.to_json(),
            refs=self.provenance,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a saved pipeline keeps: slots by registry name, and the settings."""
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "config": self._config.to_json(),
            "slots": {slot: self._slots.refs[slot].to_json() for slot in SLOTS},
        }

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], *, registry: Registry | None = None, **slots: Any
    ) -> PhysicsEstimator:
        """Build the estimator that `to_json` described.

        Args:
            data: What `to_json` returned.
            registry: Where names are looked up; the process default by default.
            **slots: Components that replace saved ones.

        Raises:
            FormatError: Another format or a newer version, or a slot that no plugin registers.
            ComponentError: A saved component cannot be found or made.
        """
        refs = saved_slots(data)
        registry = registry or default_registry()
        return cls(
            config=PhysicsEstimatorConfig.from_json(data.get("config", {})),
            registry=registry,
            **slots_from_json(refs, slots, registry),
        )


def saved_slots(data: Mapping[str, Any]) -> dict[str, ComponentRef]:
    """Return the references in a document of `PhysicsEstimator.to_json`, by slot.

    Raises:
        FormatError: Another format, a newer version, or a malformed entry.
    """
    what = "saved physics estimator"
    check_format(data, format_name=FORMAT, newest=FORMAT_VERSION, what=what)
    slots = data.get("slots")
    if not isinstance(slots, dict):
        raise FormatError(f'{what}: "slots" must be a JSON object')
    return {str(slot): ComponentRef.from_json(ref) for slot, ref in slots.items()}


def _overrides(masses: Mapping[int | str, float] | None, overrides: Overrides | None) -> Overrides:
    """Both ways of giving values by hand as one; checked before any work is done."""
    given = overrides or Overrides()
    if not masses:
        return given
    checked = load_overrides({"masses_kg": masses}).masses_kg
    return replace(given, masses_kg={**given.masses_kg, **checked})

"""MassEstimator: Qwen2.5-VL guesses how heavy things are (PAVAS Sec. 3.3, step 2)."""

from __future__ import annotations

import contextlib
import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from pavas_qwen_vl import prompts
from pavas_qwen_vl.answers.masses import MassAnswer, pool, read_masses
from pavas_qwen_vl.asking import ask
from pavas_qwen_vl.component import QwenVLComponent
from pavas_qwen_vl.config import MassConfig
from pavas_qwen_vl.engine import Question
from pavas_qwen_vl.errors import AnswerError
from pavas_qwen_vl.schemas import masses_schema
from pavas_sdk.data import MassEstimate
from pavas_sdk.interfaces import MassEstimator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from pavas_qwen_vl.frames import Clip
    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject, Reconstruction
    from pavas_sdk.interfaces import ComponentConfig

__all__ = ["QwenVL3BMassEstimator", "QwenVL72BMassEstimator", "QwenVLMassEstimator"]


class QwenVLMassEstimator(QwenVLComponent, MassEstimator):
    """Asks for the mass of each object, with a range that holds nine times out of ten."""

    config_class: ClassVar[type[ComponentConfig]] = MassConfig
    prompt: ClassVar[str] = "masses"

    @property
    def config(self) -> MassConfig:
        """The frozen settings."""
        return cast("MassConfig", self._config)

    def estimate_mass(
        self,
        video: FrameSource,
        objects: Sequence[MovingObject],
        *,
        masks: Mapping[int, MaskTrack] | None = None,
        reconstruction: Reconstruction | None = None,
        rng: np.random.Generator,
    ) -> Mapping[int, MassEstimate]:
        """Return the mass of every object about which something could be read.

        Objects that are missing in an answer are asked about once more by themselves.

        Args:
            video: The clip; at most ``max_frames`` frames of at most ``max_pixels`` are read.
            objects: The moving objects.
            masks: Not used: the model judges by the look of things.
            reconstruction: Not used.
            rng: Seeds the draws when ``num_samples`` is above 1.

        Raises:
            AnswerError: Nothing could be read about any object; it carries all answers.
            PavasError: Packages or weights are missing, or the server failed.
        """
        del masks, reconstruction
        if not objects:
            return {}
        config = self.config
        objects = sorted(objects, key=lambda thing: thing.object_id)  # the order of questions
        clip = self._clip(video)
        step = config.objects_per_question
        groups = [objects[first : first + step] for first in range(0, len(objects), step)]
        found: dict[int, MassEstimate] = {}
        failure: AnswerError | None = None
        for group in groups:
            try:
                found |= self._group(clip, group, rng)
            except AnswerError as err:
                failure = err
        if failure is not None and not found:
            raise failure
        return found

    def _group(
        self, clip: Clip, group: Sequence[MovingObject], rng: np.random.Generator
    ) -> dict[int, MassEstimate]:
        """One question's objects: every sample, then what is missing once more."""
        answers = self._samples(clip, group, rng)
        missing = [thing for thing in group if thing.object_id not in answers]
        if missing and len(missing) < len(group):
            # a mass that stays missing is an answer; the others are kept
            with contextlib.suppress(AnswerError):
                answers |= self._samples(clip, missing, rng)
        return {
            thing.object_id: self._estimate(thing, answers)
            for thing in group
            if thing.object_id in answers
        }

    def _samples(
        self, clip: Clip, group: Sequence[MovingObject], rng: np.random.Generator
    ) -> dict[int, list[MassAnswer]]:
        """Every sample's mass by object id.

        Raises:
            AnswerError: No sample could be read.
        """
        config, engine = self.config, self.engine()
        draws = config.num_samples > 1
        seeds = [int(seed) for seed in rng.integers(2**31, size=config.num_samples)]
        labels = [prompts.plain(thing.label, limit=120) for thing in group]
        read = partial(
            read_masses, labels=labels, min_kg=config.min_mass_kg, max_kg=config.max_mass_kg
        )

        def one(seed: int) -> dict[int, MassAnswer] | AnswerError:
            question = Question(
                clip=clip,
                text=self._text(clip, group, labels),
                schema=masses_schema(count=len(group), max_mass_kg=config.max_mass_kg),
                max_new_tokens=config.max_new_tokens,
                temperature=config.temperature if draws else 0.0,
                top_p=config.top_p if draws else 1.0,
                seed=seed,
            )
            try:
                return ask(
                    engine, question, read, config=config, about=f"mass of {', '.join(labels)}"
                )
            except AnswerError as err:
                return err

        with ThreadPoolExecutor(max(1, min(engine.parallel, len(seeds)))) as threads:
            # each with a context of its own, so that progress is heard
            contexts = [contextvars.copy_context() for _ in seeds]
            samples = list(threads.map(lambda c, seed: c.run(one, seed), contexts, seeds))
        failures = [sample for sample in samples if isinstance(sample, AnswerError)]
        if len(failures) == len(samples):
            raise failures[-1]
        answers: dict[int, list[MassAnswer]] = {}
        for sample in samples:
            if isinstance(sample, AnswerError):
                continue
            for index, answer in sample.items():
                answers.setdefault(group[index].object_id, []).append(answer)
        return answers

    def _text(self, clip: Clip, group: Sequence[MovingObject], labels: Sequence[str]) -> str:
        lines = []
        for number, (thing, label) in enumerate(zip(group, labels, strict=True), 1):
            action = prompts.plain(thing.action, limit=120)
            lines.append(f"{number}. {label}" + (f" ({action})" if action else ""))
        return prompts.render(
            self.prompt,
            self.config.prompt_version,
            duration_s=f"{clip.duration_s:.1f}",
            slow_motion=clip.slow_motion,
            objects="\n".join(lines),
        )

    def _estimate(
        self, thing: MovingObject, answers: Mapping[int, Sequence[MassAnswer]]
    ) -> MassEstimate:
        pooled = pool(answers[thing.object_id])
        return MassEstimate(
            object_id=thing.object_id,
            mass_kg=pooled.mass_kg,
            log_std=pooled.log_std,
            source="vlm",
            rationale=pooled.why,
        )


class QwenVL3BMassEstimator(QwenVLMassEstimator):
    """The same with the 3B model, whose weights are licensed for research only."""

    size: ClassVar[str] = "3B"


class QwenVL72BMassEstimator(QwenVLMassEstimator):
    """The same with the 72B model."""

    size: ClassVar[str] = "72B"

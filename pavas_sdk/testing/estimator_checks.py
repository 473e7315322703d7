"""What every estimator must keep, whatever it estimates."""

from __future__ import annotations

import inspect
import json
import sys
import unittest
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import ConfigurationError, ContractError, PavasError
from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.interfaces import Component

__all__ = ["Question", "estimator_checks", "named_checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How one kind of estimator is asked about a tiny clip.

    Attributes:
        interface: Its abstract class.
        ask: Calls the component's method with the truth of the clip as its other inputs.
        validate: Checks the answer against the contract; raises `ContractError`.
    """

    interface: type[Component]
    ask: Callable[[Any, LabelledClip, np.random.Generator], Any]
    validate: Callable[[Any, LabelledClip], Any]

    def answer(self, component: Any, clip: LabelledClip, seed: int = 0) -> Any:
        """Ask with a fresh generator and validate."""
        answer = self.ask(component, clip, np.random.default_rng(seed))
        self.validate(answer, clip)
        return answer


def named_checks(
    kind: str, functions: Sequence[Callable[..., None]], *arguments: Any
) -> list[Check]:
    """Return the functions as checks, with their names and the first lines of their docstrings."""
    return [
        Check(
            kind=kind,
            name=function.__name__.removeprefix("check_"),
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
            run=partial(function, *arguments),
        )
        for function in functions
    ]


def estimator_checks(question: Question, make: Callable[..., Any]) -> list[Check]:
    """Return the checks that every estimator passes.

    Args:
        question: How to ask it.
        make: Makes a new component; takes config fields as keywords (its class does).
    """
    return named_checks(question.interface.kind, _COMMON, question, make)


def check_implements_interface(question: Question, make: Callable[..., Any]) -> None:
    """It is an object of its interface, with a frozen config."""
    component = make()
    require(
        isinstance(component, question.interface),
        f"{type(component).__name__} is no {question.interface.__name__}",
    )
    try:
        component.config.no_such_field = 1
    except (AttributeError, TypeError):
        return
    raise CheckFailedError("its config is not frozen")


def check_config_round_trip(question: Question, make: Callable[..., Any]) -> None:
    """Its config goes through JSON and back."""
    config = make().config
    text = json.dumps(config.to_json(), allow_nan=False)
    require(
        type(config).from_json(json.loads(text)) == config,
        f"config {config} comes back from JSON as another one",
    )
    if not isinstance(make, type | partial):
        return  # a factory, which need not take options
    try:
        again = make(**json.loads(text)).config
    except (TypeError, PavasError) as err:
        raise CheckFailedError(
            f"it cannot be made from its own config, as a saved pipeline does: {err}"
        ) from err
    require(again == config, f"made from its own config, it has another one: {again}")


def check_unknown_option(question: Question, make: Callable[..., Any]) -> None:
    """A misspelt option is refused with ConfigurationError."""
    try:
        make(no_such_option=1)
    except ConfigurationError:
        return
    except TypeError as err:
        if not isinstance(make, type):
            raise unittest.SkipTest("the factory takes no options") from err
        raise CheckFailedError(f"an unknown option raises TypeError: {err}") from err
    raise CheckFailedError("an unknown option is accepted")


def check_keeps_contract(question: Question, make: Callable[..., Any]) -> None:
    """Its answer about moving discs is what the interface promises."""
    for count in (1, 3):
        question.answer(make(), moving_discs(count))


def check_nothing_moves(question: Question, make: Callable[..., Any]) -> None:
    """A clip in which nothing moves is answered."""
    question.answer(make(), moving_discs(0))


def check_hidden_frames(question: Question, make: Callable[..., Any]) -> None:
    """Frames in which the object is hidden do not break it."""
    question.answer(make(), moving_discs(1, hidden=(5, 9)))


def check_slow_motion(question: Question, make: Callable[..., Any]) -> None:
    """Slow motion changes no times: they stay on the video's clock."""
    question.answer(make(), moving_discs(1, time_scale=4.0))


def check_single_frame(question: Question, make: Callable[..., Any]) -> None:
    """One single frame is answered or refused with a PavasError."""
    clip = moving_discs(1, frames=1)
    try:
        question.answer(make(), clip)
    except ContractError:
        raise
    except PavasError:
        pass


def check_deterministic(question: Question, make: Callable[..., Any]) -> None:
    """The same generator gives the same answer, from the same and from a new object."""
    clip, component = moving_discs(2), make()
    first = question.answer(component, clip, seed=3)
    require(same_answer(first, question.answer(component, clip, seed=3)), "asked twice, it differs")
    require(same_answer(first, question.answer(make(), clip, seed=3)), "a new object differs")


def check_remembers_nothing(question: Question, make: Callable[..., Any]) -> None:
    """An answer does not depend on the clips before."""
    clip, component = moving_discs(1), make()
    first = question.answer(component, clip)
    question.answer(component, moving_discs(3, frames=12))
    require(
        same_answer(first, question.answer(component, clip)),
        "after another clip, the answer about the first one differs",
    )


def check_unload(question: Question, make: Callable[..., Any]) -> None:
    """It answers the same after `unload` and after `to("cpu")`, which returns it."""
    clip, component = moving_discs(1), make()
    first = question.answer(component, clip)
    component.unload()
    require(component.to("cpu") is component, 'to("cpu") must return the component itself')
    require(same_answer(first, question.answer(component, clip)), "after unload, it differs")


def check_leaves_inputs_alone(question: Question, make: Callable[..., Any]) -> None:
    """It changes nothing that it is given."""
    clip, untouched = moving_discs(2), moving_discs(2)
    question.answer(make(), clip)
    require(same_answer(clip, untouched), "it changed its inputs")


def check_leaves_global_randomness_alone(question: Question, make: Callable[..., Any]) -> None:
    """It draws from the generator it is given; it neither uses nor seeds global state."""
    clip = moving_discs(1)
    answers = []
    with _own_global_states():
        for seed in (20, 21):
            # a state that nobody else sets: one that is seeded the same each time is noticed, too
            before = _seeded(seed)
            component = make()
            component.to("cpu")
            answers.append(question.answer(component, clip))
            after = global_states()
            if "torch" in after and "torch" not in before:  # it imported torch: nobody seeded that
                before["torch"] = _fresh_torch_state().numpy().tobytes()
            changed = [name for name in after if before[name] != after[name]]
            require(
                not changed,
                f"it drew from the global generator of {', '.join(changed)}, or seeded it; draw "
                "from rng",
            )
    require(
        same_answer(answers[0], answers[1]),
        "another seed of the global generators gives another answer; draw from rng",
    )


@contextmanager
def _own_global_states() -> Iterator[None]:
    """Give the global generators back as they were."""
    import random

    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    state = sys.modules["torch"].get_rng_state() if "torch" in sys.modules else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        if "torch" in sys.modules:
            sys.modules["torch"].set_rng_state(_fresh_torch_state() if state is None else state)


def _fresh_torch_state() -> Any:
    """State of torch's global generator in a new process: the one that any new generator has."""
    return sys.modules["torch"].Generator().get_state()


def _seeded(seed: int) -> dict[str, bytes]:
    """Seed the global generators and return their states."""
    import random

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
    return global_states()


def global_states() -> dict[str, bytes]:
    """Return the states of the global generators of random, numpy and (if imported) torch."""
    import random

    legacy: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    states = {
        "numpy": legacy[1].tobytes() + str(legacy[2]).encode(),
        "random": repr(random.getstate()).encode(),
    }
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state().numpy().tobytes()
    return states


_COMMON = (
    check_implements_interface,
    check_config_round_trip,
    check_unknown_option,
    check_keeps_contract,
    check_nothing_moves,
    check_hidden_frames,
    check_slow_motion,
    check_single_frame,
    check_deterministic,
    check_remembers_nothing,
    check_unload,
    check_leaves_inputs_alone,
    check_leaves_global_randomness_alone,
)

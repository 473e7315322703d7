"""A call ends when the component is silent for too long, not when it works for long."""

import gc
import sys
import threading
import time
import weakref
from contextvars import ContextVar

import pytest

from pavas_sdk.data import ComponentRef
from pavas_sdk.errors import ComponentFailedError, ContractError, MediaError
from pavas_sdk.interfaces import Progress, progress_to, report_progress
from pavas_sdk.registry.calls import NoAnswerError, call_component, call_with_limit

REF = ComponentRef(kind="reconstructor", name="slow", distribution="acme", version="1", licence="")


def frames(count, each_s):
    def work():
        for frame in range(count):
            time.sleep(each_s)
            report_progress(frame + 1, count)
        return "done"

    return work


def test_work_may_take_longer_than_the_limit_while_it_is_heard():
    heard = []
    with progress_to(heard.append):
        assert call_component(REF, frames(8, 0.1), timeout_s=0.5) == "done"
    assert heard[-1] == Progress(done=8, total=8, unit="frames", slot="reconstructor")
    assert len(heard) == 8


def test_without_a_limit_it_is_heard_too():
    heard = []
    with progress_to(heard.append):
        assert call_component(REF, frames(2, 0.0), timeout_s=None) == "done"
    assert [report.slot for report in heard] == ["reconstructor"] * 2


def test_silence_after_some_work_ends_it_and_says_how_far_it_was():
    freed, heard = threading.Event(), []

    def work():
        report_progress(3, 200)
        freed.wait(10.0)
        report_progress(4, 200)

    said = r"reconstructor acme/slow has shown no progress for 0\.2 s, after 3 of 200 frames"
    with progress_to(heard.append):
        with pytest.raises(ComponentFailedError, match=said) as caught:
            call_component(REF, work, timeout_s=0.2)
        freed.set()
        time.sleep(0.1)
    assert "--timeout SECONDS" in str(caught.value)
    assert [report.done for report in heard] == [3]  # who was given up is not heard


def test_a_component_that_says_nothing_has_the_limit_for_its_answer():
    said = r"did not answer within 0\.1 s"
    with pytest.raises(ComponentFailedError, match=said):
        call_component(REF, lambda: time.sleep(1.0), timeout_s=0.1)


def test_what_a_call_raises_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        call_with_limit(lambda: 1 // 0, 5.0)
    with pytest.raises(SystemExit):
        call_with_limit(sys.exit, 5.0)


def test_an_error_of_a_component_names_it():
    with pytest.raises(ComponentFailedError, match=r"acme/slow failed: ZeroDivisionError: "):
        call_component(REF, lambda: 1 // 0, timeout_s=5.0)
    with pytest.raises(ComponentFailedError, match=r"acme/slow failed: TimeoutError: read"):
        call_component(REF, raiser(TimeoutError("read")), timeout_s=5.0)


@pytest.mark.parametrize("error", [ContractError("no"), MediaError("no")])
@pytest.mark.parametrize("timeout_s", [None, 5.0])
def test_what_is_not_the_fault_of_its_code_stays_as_it_is(error, timeout_s):
    with pytest.raises(type(error)) as caught:
        call_component(REF, raiser(error), timeout_s=timeout_s)
    assert caught.value is error


def raiser(error):
    def work():
        raise error

    return work


def test_the_context_of_the_caller_is_seen():
    word = ContextVar("word", default="none")
    token = word.set("given")
    try:
        assert call_with_limit(word.get, 5.0) == "given"
    finally:
        word.reset(token)


def test_a_thread_at_work_has_the_name_of_its_call():
    name = call_with_limit(lambda: threading.current_thread().name, 5.0, name="pavas: plugin x")
    assert name == "pavas: plugin x"


def test_calls_one_after_another_share_a_thread():
    names = {call_with_limit(threading.get_ident, 5.0) for _ in range(3)}
    assert len(names) == 1
    assert threading.get_ident() not in names


def test_a_call_that_hangs_is_left_behind_and_the_next_one_runs():
    go = threading.Event()
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        call_with_limit(lambda: go.wait(30.0), 0.05)
    assert time.monotonic() - began < 5.0
    assert call_with_limit(lambda: 1, 5.0) == 1
    go.set()


def test_callers_at_the_same_time_have_threads_of_their_own():
    together = threading.Barrier(3, timeout=10.0)

    def call():
        call_with_limit(together.wait, 10.0)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    together.wait()  # reached only if both calls run at once
    for caller in callers:
        caller.join()


def test_what_a_call_made_is_not_kept():
    class Big:
        pass

    seen = weakref.ref(call_with_limit(Big, 5.0))
    gc.collect()
    assert seen() is None


class Stop(BaseException):
    """What no component should raise."""


@pytest.mark.parametrize("error", [SystemExit(5), GeneratorExit(), Stop("now")])
@pytest.mark.parametrize("timeout_s", [None, 10.0])
def test_a_component_that_ends_the_program_ends_itself(error, timeout_s):
    def component():
        raise error

    with pytest.raises(ComponentFailedError, match=f"failed: {type(error).__name__}"):
        call_component(REF, component, timeout_s=timeout_s)


def test_an_interrupt_is_the_user_s_where_there_is_no_other_thread():
    def component():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_component(REF, component, timeout_s=None)
    with pytest.raises(ComponentFailedError, match="failed: KeyboardInterrupt"):
        call_component(REF, component, timeout_s=10.0)

"""A call ends when the component is silent for too long, not when it works for long."""

import threading
import time

import pytest

from pavas_sdk.data import ComponentRef
from pavas_sdk.errors import ComponentFailedError
from pavas_sdk.interfaces import Progress, progress_to, report_progress
from pavas_sdk.physics.calls import call_component

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

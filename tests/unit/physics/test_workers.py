"""Threads under a time limit: used again, left behind when they hang, never mixed up."""

import threading
import time

from pavas_sdk.physics.workers import run_while


def run_within(function, seconds):
    end = time.monotonic() + seconds
    return run_while(function, lambda: end - time.monotonic())


def test_calls_one_after_another_share_a_thread():
    names = []
    for _ in range(3):
        assert run_within(lambda: names.append(threading.get_ident()), 5.0)
    assert len(set(names)) == 1
    assert names[0] != threading.get_ident()


def test_a_function_that_hangs_is_left_behind_and_the_next_one_runs():
    go = threading.Event()
    began = time.monotonic()
    assert not run_within(lambda: go.wait(30.0) and None, 0.05)
    assert time.monotonic() - began < 5.0
    done = []
    assert run_within(lambda: done.append(1), 5.0)
    assert done == [1]
    go.set()


def test_callers_at_the_same_time_have_threads_of_their_own():
    together = threading.Barrier(3, timeout=10.0)

    def call():
        assert run_within(lambda: together.wait() and None, 10.0)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    together.wait()  # reached only if both functions run at once
    for caller in callers:
        caller.join()


def test_what_a_call_made_is_not_kept():
    import gc
    import weakref

    class Big:
        pass

    made = []
    assert run_within(lambda: made.append(Big()), 5.0)
    seen = weakref.ref(made.pop())
    gc.collect()
    assert seen() is None

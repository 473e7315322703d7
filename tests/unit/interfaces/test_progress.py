"""Reports of progress reach whoever listens, and nobody else."""

from pavas_sdk.interfaces import Progress, progress_to, report_progress


def test_nobody_listens():
    report_progress(1, 2)


def test_the_innermost_listener_hears_and_may_pass_on():
    outer, inner = [], []
    with progress_to(outer.append):
        report_progress(1, 3)
        with progress_to(inner.append) as before:
            report_progress(2, 3)
            before(inner[0])
        report_progress(3, unit="tokens")
    report_progress(4)
    first, second = (
        Progress(done=1, total=3, unit="frames"),
        Progress(done=2, total=3, unit="frames"),
    )
    assert inner == [second]
    assert outer == [first, second, Progress(done=3, total=None, unit="tokens")]

"""What commands say about slow components."""

from pavas_sdk.cli.progress import ClipProgress, ProgressLines
from pavas_sdk.interfaces import Progress


def spoken(*reports):
    """Lines for (time, done, total, slot)."""
    lines, now = [], [0.0]
    speaker = ProgressLines(lines.append, lambda: now[0])
    for now[0], done, total, slot in reports:
        speaker.hear(Progress(done=done, total=total, unit="frames", slot=slot))
    return lines


def test_quick_components_are_passed_over():
    assert spoken(*[(0.1 * n, n, 60, "reconstructor") for n in range(60)]) == []


def test_slow_ones_say_how_long_they_will_take():
    lines = spoken(*[(12.0 * n, n, 240, "reconstructor") for n in range(1, 9)])
    assert lines == [
        "  reconstructor: 2 of 240 frames, about 48 min left",
        "  reconstructor: 5 of 240 frames, about 47 min left",
        "  reconstructor: 8 of 240 frames, about 46 min left",
    ]


def test_each_slot_begins_anew_and_unknown_totals_are_no_promise():
    lines = spoken(
        (0.0, 1, None, "segmenter"),
        (11.0, 30, None, "segmenter"),
        (12.0, 1, 10, "mass_estimator"),
        (21.0, 2, 10, "mass_estimator"),
        (23.0, 10, 10, "mass_estimator"),
    )
    assert lines == ["  segmenter: 30 frames so far", "  mass estimator: 10 of 10 frames"]


def test_what_is_left_is_told_from_the_second_clip_on(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("pavas_sdk.cli.progress.time.monotonic", lambda: now[0])
    tell = ClipProgress("things")
    # the first one loads a model, 100 s; the others take 2 s each
    for now[0], done in ((0.0, 20), (100.0, 21), (131.0, 36), (133.0, 37), (143.0, 42)):
        tell(done, 42)
    assert capsys.readouterr().err.splitlines() == [
        "20 of 42 things",
        "21 of 42 things",
        "36 of 42 things, about 12 s left",
        "42 of 42 things",
    ]

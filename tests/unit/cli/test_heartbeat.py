"""The line that says that work goes on: on a pseudo-terminal, and by its parts."""

import io
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from plugin_folders import write_plugin

from pavas_sdk.cli import heartbeat
from pavas_sdk.cli.progress import ProgressLines
from pavas_sdk.interfaces import Progress

SLOW = """
    import time
    import click
    from pavas_sdk import hookimpl


    @hookimpl
    def pavas_register_commands(cli):
        @cli.command("sleep")
        @click.argument("seconds", type=float)
        def sleep(seconds):
            "Do nothing for a while."
            time.sleep(seconds)
            click.echo("data")
"""
PROGRAM = "import sys; from pavas_sdk.cli.main import run; sys.exit(run(sys.argv[1:]))"


def on_a_terminal(*words, path, limit_s=60.0):
    """What a command writes to a terminal, and its exit code."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdin=other,
        stdout=other,
        stderr=other,
        env={**os.environ, "PYTHONPATH": str(path)},
    )
    os.close(other)
    written, ends_s = b"", time.monotonic() + limit_s
    try:
        while time.monotonic() < ends_s:
            if select.select([main], [], [], 0.2)[0]:
                try:
                    part = os.read(main, 65536)
                except OSError:  # Linux: the other side is closed
                    break
                if not part:
                    break
                written += part
        return process.wait(timeout=limit_s), written.decode()
    finally:
        process.kill()
        process.wait()
        os.close(main)


def test_a_command_that_takes_more_than_two_seconds_says_so_on_a_terminal(tmp_path):
    write_plugin(tmp_path, "acme-slow", SLOW)
    code, shown = on_a_terminal("sleep", "3.2", path=tmp_path)
    assert code == 0
    assert re.search(r"at work \.\.\. [23] s", shown), repr(shown)
    # and leaves nothing behind: what is written last on the last line is the data alone
    last = shown.replace("\r\n", "\n").strip().splitlines()[-1]
    assert last.rpartition("\x1b[K")[2] == "data"


def test_elsewhere_nothing_is_written(tmp_path):
    write_plugin(tmp_path, "acme-slow", SLOW)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "sleep", "2.8"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("data\n", "")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def beat():
    clock, stream = Clock(), io.StringIO()
    made = heartbeat._Heartbeat(stream, clock)

    def at(now):
        clock.now = now
        made._beat()
        return stream.getvalue()

    made.at = at
    return made


def test_it_waits_two_seconds_and_gives_way(beat):
    assert beat.at(1.9) == ""
    assert beat.at(2.0) == "\r\x1b[K  at work ... 2 s"
    beat.write("a line\n")
    assert beat.at(3.9).endswith("\r\x1b[Ka line\n")
    assert beat.at(4.1).endswith("  at work ... 4 s")


def test_an_open_line_is_left_alone(beat):
    beat.write("\r 3/25 [00:02")  # a progress bar
    assert beat.at(60.0) == "\r 3/25 [00:02"
    beat.write("\r            \r")  # which is taken away
    assert beat.at(63.0).endswith("at work ... 63 s")


def test_progress_of_components_is_what_it_says(beat, monkeypatch):
    monkeypatch.setattr(heartbeat, "_beats", [beat])
    lines = []
    hear = ProgressLines(write=lines.append, clock=Clock()).hear
    hear(Progress(slot="segmenter", done=10, total=80, unit="frames"))
    assert beat.at(5.0).endswith("  segmenter: 10 of 80 frames ... 5 s")
    assert lines == []

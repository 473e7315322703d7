"""What is logged as a warning is said once, and never as a command for the terminal."""

from __future__ import annotations

import logging
import subprocess
import sys
from fractions import Fraction

from small_media import write_small

from pavas_sdk.cli.main import run


def test_a_name_with_commands_is_shown_as_text_and_each_warning_once(tmp_path):
    path = tmp_path / "\x1b[31mred\x07.mkv"
    write_small(path, "libx264", "yuv420p", sample_aspect_ratio=Fraction(4, 3))
    done = subprocess.run(  # pytest has handlers of its own in this process
        [sys.executable, "-c", "from pavas_sdk.cli import main; main()", "inspect", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("Warning: \\u001b[31mred\\u0007.mkv: pixels are 1.333 times as wide")


def test_each_run_says_its_own(tmp_path, capfd):
    path = tmp_path / "wide.mkv"
    write_small(path, "libx264", "yuv420p", sample_aspect_ratio=Fraction(4, 3))
    for _ in range(2):
        assert run(["inspect", str(path)]) == 0
        assert capfd.readouterr().err.count("1.333 times as wide") == 1
    logging.getLogger("acme").warning("later")
    assert "Warning: later" not in capfd.readouterr().err


def test_what_a_library_shows_itself_is_not_said_again(capfd):
    code = (
        "import logging\n"
        "from pavas_sdk.cli.warning_lines import warning_lines\n"
        "logging.getLogger('hub').addHandler(logging.StreamHandler())\n"
        "with warning_lines(debug=False):\n"
        "    logging.getLogger('hub.download').warning('retrying')\n"
        "    logging.getLogger('other').warning('strange')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert capfd.readouterr().err.splitlines() == ["retrying", "Warning: strange"]

"""What a shell is offered, as the shell asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PAVAS = Path(sys.executable).with_name("pavas")


def offered(words, *, new_word=False):
    """Names that bash is offered for the last word of a line."""
    line = words.split() + ([""] if new_word else [])
    done = subprocess.run(
        [PAVAS],
        env={
            **os.environ,
            "_PAVAS_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(line) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return [entry.split(",", 1)[1] for entry in done.stdout.split()]


@pytest.mark.parametrize(
    ("words", "there", "elsewhere"),
    [
        ("pavas gen", ["generate"], ["plugins"]),
        ("pavas generate --model pavas-t", ["pavas-tiny"], ["mmaudio-small-16k"]),
        ("pavas evaluate edits --model pavas-t", ["pavas-tiny"], ["mmaudio-small-16k"]),
        ("pavas evaluate simulated --model mmaudio-s", ["mmaudio-small-16k"], ["pavas-tiny"]),
        ("pavas models download mmaudio-s", ["mmaudio-small-16k"], ["pavas-tiny"]),
        ("pavas estimate --mass-estimator s", ["size-prior"], ["motion"]),
        ("pavas plugins check pavas-tiny/m", ["pavas-tiny/motion"], ["pavas-tiny/planar"]),
        ("pavas plugins new acme-x --kind seg", ["segmenter"], ["command"]),
    ],
)
def test_names_are_completed(words, there, elsewhere):
    found = offered(words)
    assert set(there) <= set(found)
    assert not set(elsewhere) & set(found)


def test_the_script_for_the_shell_is_printed():
    done = subprocess.run(
        [PAVAS],
        env={**os.environ, "_PAVAS_COMPLETE": "bash_source"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "complete -o nosort -F _pavas_completion pavas" in done.stdout

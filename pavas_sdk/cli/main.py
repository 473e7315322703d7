"""Entry point of ``pavas``: the overview, and what an error becomes.

Exit codes: 0 fine; 1 it ran, and the answer is bad; 2 usage, input or configuration; 130
interrupted; 70 a bug of ours (the traceback is shown).
"""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from pavas_sdk import __version__
from pavas_sdk.cli.heartbeat import heartbeat
from pavas_sdk.cli.lazy_group import LazyGroup, Verb, debug_option
from pavas_sdk.cli.leaving import leave
from pavas_sdk.cli.output import say, stdout_failure, tolerant_streams
from pavas_sdk.cli.progress import progress_lines
from pavas_sdk.cli.warning_lines import warn, warning_lines
from pavas_sdk.errors import PavasError, PavasWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cli", "main", "run"]

EXIT_OK, EXIT_BAD_ANSWER, EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 0, 1, 2, 70, 130

VERBS = {
    "generate": Verb("pavas_sdk.cli.generate:generate", "Make the sound of silent videos."),
    "estimate": Verb("pavas_sdk.cli.estimate:estimate", "Estimate masses and speeds only."),
    "annotate": Verb("pavas_sdk.cli.annotate:annotate", "Estimate the physics of many clips."),
    "prepare": Verb("pavas_sdk.cli.prepare:prepare", "Make training features of these."),
    "report": Verb("pavas_sdk.cli.report:report", "Write a page to see physics and sound."),
    "ui": Verb("pavas_sdk.cli.ui:ui", "Open a page to edit, hear and compare."),
    "inspect": Verb("pavas_sdk.cli.inspect:inspect_file", "Say what is in a file."),
    "plugins": Verb("pavas_sdk.cli.plugins:plugins", "List plugins, or check their components."),
    "models": Verb("pavas_sdk.cli.models:models", "List, fetch and convert presets."),
    "simulate": Verb("pavas_sdk.cli.simulate:simulate", "Make simulated clips with exact truth."),
    "train": Verb("pavas_sdk.cli.train:train", "Train a model."),
    "adapters": Verb("pavas_sdk.cli.adapters:adapters", "Show and publish adapters."),
    "evaluate": Verb("pavas_sdk.cli.evaluate:evaluate", "Measure how good the sound is."),
    "impacts": Verb("pavas_sdk.cli.impacts:impacts", "Curate lists of impacts, for APCC."),
    "doctor": Verb("pavas_sdk.cli.doctor:doctor", "Check this installation."),
    "licences": Verb("pavas_sdk.cli.licences:licences", "Show the licence of each component."),
}


def _add_plugin_commands(group: click.Group, reserved: tuple[str, ...]) -> None:
    from pavas_sdk.registry import default_registry

    default_registry().add_commands(group, reserved=reserved)


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    add_plugin_commands=_add_plugin_commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[debug_option()],
)
@click.version_option(__version__, prog_name="pavas")
def cli() -> None:
    """Sound for silent video that obeys mass and speed.

    First steps:  pavas generate clip.mp4 -o out/
    """


def run(args: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    Args:
        args: Arguments without the program's name.
    """
    debug = "--debug" in args or os.environ.get("PAVAS_DEBUG", "") not in ("", "0")
    if debug:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    else:
        # diffusers imports it where it is installed; it then warns of kernels nobody asked for
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with tolerant_streams(), warning_lines(debug=debug):
        return _finished(_answer(args, debug), debug)


def _answer(args: Sequence[str], debug: bool) -> int:
    """Run the command and return its exit code; errors are said."""
    try:
        # what serves until it is stopped is not at work
        beat = nullcontext() if "ui" in args[:1] else heartbeat()
        with warnings.catch_warnings(), beat, progress_lines():
            _show_warnings_as_lines()
            answer = cli.main(args=list(args), prog_name="pavas", standalone_mode=False)
        return answer if isinstance(answer, int) else EXIT_OK
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.")
        return EXIT_INTERRUPTED
    except click.ClickException as err:
        shown = io.StringIO()
        err.show(file=shown)
        say(shown.getvalue().rstrip("\n"))
        return EXIT_USAGE
    except PavasError as err:
        return _refused(str(err), err, debug)
    except MemoryError as err:
        hint = "shorten the video, or let it have fewer pixels"
        return _refused(f"not enough memory ({str(err) or 'no more is free'}); {hint}", err, debug)
    except OSError as err:
        if err.errno is None:
            return _bug(err)
        # what the system refuses is no bug: a name that is too long, a folder that is read-only
        where = f"{os.fsdecode(err.filename)}: " if isinstance(err.filename, str | bytes) else ""
        return _refused(f"{where}{err.strerror}", err, debug)
    except SystemExit:
        raise
    # A bug: its traceback is what a report needs.
    except BaseException as err:  # noqa: BLE001
        return _bug(err)


def _refused(text: str, err: BaseException, debug: bool) -> int:
    if debug:
        traceback.print_exception(err)
    say(f"Error: {text}")
    return EXIT_USAGE


def _bug(err: BaseException) -> int:
    traceback.print_exception(err)
    say("This is a bug in pavas_sdk or in a plugin; please report it with the lines above.")
    return EXIT_BUG


def _finished(code: int, debug: bool) -> int:
    """Write what stands in stdout, and return the exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as err:
        failure = stdout_failure(err)
        if failure is not err:
            return max(code, _refused(str(failure), err, debug))
    return code


def main() -> NoReturn:
    """Run ``pavas`` with the arguments of the process."""
    leave(run(sys.argv[1:]))


def _show_warnings_as_lines() -> None:
    """Show each of our own warnings as one line, without file and line number."""
    warnings.simplefilter("always", PavasWarning)
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PavasWarning):
            warn(str(message))
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show

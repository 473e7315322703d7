"""Options of ``pavas generate`` for editors of sound: sample format, rate, markers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.data.impact_markers import MARKER_FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["sound_options", "take_writing"]

_SUBTYPES = {"16": "pcm_16", "24": "pcm_24", "32f": "float32"}


def sound_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(
        (
            click.option(
                "--bit-depth",
                type=click.Choice(list(_SUBTYPES)),
                default="16",
                show_default=True,
                help="Of the WAV file; 32f keeps every bit, also beyond full scale.",
            ),
            click.option(
                "--rate",
                "sample_rate_hz",
                type=click.IntRange(8_000, 384_000),
                metavar="HZ",
                help="Sample rate of the WAV file; default: the model's own.",
            ),
            click.option(
                "--markers",
                multiple=True,
                type=click.Choice(MARKER_FORMS),
                help="Also list the impacts for an editor: csv (a table), reaper, audacity, or edl "
                "(DaVinci Resolve). May be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


def take_writing(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options out and return the keywords of `plan_results`."""
    return {
        "subtype": _SUBTYPES[options.pop("bit_depth")],
        "sample_rate_hz": options.pop("sample_rate_hz"),
        "markers": list(dict.fromkeys(options.pop("markers"))),
    }

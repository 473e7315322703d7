"""Options of ``pavas generate`` for editors of sound: format, rate, markers, stems, mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.data.impact_markers import MARKER_FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["sound_options", "take_writing"]

_SUBTYPES = {"16": "pcm_16", "24": "pcm_24", "32f": "float32"}


def _mix(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    """Read keep, replace or a gain in dB; None: replace."""
    del ctx, param
    if value in ("keep", "replace"):
        return 0.0 if value == "keep" else None
    try:
        gain_db = float(value)
    except ValueError as err:
        raise click.BadParameter(f"expected keep, replace or a gain in dB, got {value!r}") from err
    if not -120.0 <= gain_db <= 60.0:
        raise click.BadParameter(f"expected a gain from -120 to 60 dB, got {value}")
    return gain_db


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
            click.option(
                "--stems",
                is_flag=True,
                help="Also write one WAV per object, made with the others left out and the same "
                "noise; they sum to the sound. Takes one more run per object.",
            ),
            click.option(
                "--mix",
                "mix_db",
                default="replace",
                metavar="keep|replace|DB",
                callback=_mix,
                help="The sound that the video has: replace it, keep it under the new one, or keep "
                "it with a gain in dB, such as -12. Acts on the written video. [default: replace]",
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
        "stems": options.pop("stems"),
        "mix_db": options.pop("mix_db"),
    }

"""What a file and its first picture declare, in plain words: what was applied, what was not."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from pavas_sdk.media.tone_mapping import HDR_TRANSFERS

if TYPE_CHECKING:
    import av

    from pavas_sdk.media.file_facts import FileFacts
    from pavas_sdk.media.pixels import Orientation

__all__ = ["declared_notes", "pixel_ratio"]


def pixel_ratio(facts: FileFacts) -> Fraction | None:
    """Return width over height of a pixel, None where it is 1 or cannot be true."""
    ratio = _declared_ratio(facts)
    return ratio if ratio != 1 and Fraction(1, 4) <= ratio <= 4 else None


def _declared_ratio(facts: FileFacts) -> Fraction:
    return Fraction(facts.pixel_aspect_ratio).limit_denominator(1000)


def declared_notes(
    frame: av.VideoFrame, facts: FileFacts, orientation: Orientation
) -> tuple[str, ...]:
    """Return notes on pixel shape, dynamic range, interlacing, streams, edit list and rotation.

    Args:
        frame: The first that could be decoded.
        facts: Of the container.
        orientation: Of the frame.
    """
    notes: list[str] = []
    ratio = _declared_ratio(facts)
    if pixel_ratio(facts) is not None:
        notes.append(
            f"pixels are {float(ratio):.3f} times as wide as high; "
            "pictures are stretched to square pixels"
        )
    elif ratio != 1:
        notes.append(
            f"pixels are said to be {float(ratio):.3g} times as wide as high, which cannot be "
            "true; they were taken as square"
        )
    transfer = HDR_TRANSFERS.get(int(frame.color_trc))
    if transfer is not None:
        notes.append(
            f"the pictures have high dynamic range ({transfer}); they were tone-mapped for the "
            "analysis, and are copied as they are"
        )
    if frame.interlaced_frame:
        notes.append(
            "the pictures are interlaced (two moments in each): of each the field that is shown "
            "first was taken for the analysis; a copy keeps both"
        )
    if facts.picture_streams > 1:
        notes.append(
            f"{facts.picture_streams} picture streams: stream {facts.stream_index} "
            f"({facts.stored_width} x {facts.stored_height}) was taken, as the one "
            "with the largest and most pictures"
        )
    if facts.edit_list_ignored:
        notes.append(
            "the edit list leaves next to none of its pictures, which cannot be meant (a clock is "
            "wrong); it was ignored, and all are shown"
        )
    if not orientation.exact:
        notes.append(
            "the display matrix turns by an odd angle; the nearest multiple of 90 degrees is used"
        )
    return tuple(notes)

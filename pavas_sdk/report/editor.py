"""The report's page as an editor: the same video and timeline, with what changes the physics.

The page stands in an ``iframe``. It gets what it shows, and tells what was changed, as messages of
its window (`postMessage`): ``{"pavas_state": ...}`` from outside, ``{"pavas_edit": ...}`` to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.display.sound_picture import sound_picture
from pavas_sdk.report.cards import impact_rows, object_cards
from pavas_sdk.report.html_parts import choices, colours_of, filled, read_part, script_json
from pavas_sdk.report.overlay import overlay_json
from pavas_sdk.report.tracks import timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import Audio, MaskTrack, PhysicsEstimate
    from pavas_sdk.display.sound_picture import SoundPicture

__all__ = ["editor_page", "editor_state"]

_NOTHING = {"duration": 1, "grid": 1, "objects": [], "impacts": []}
_NO_TRACKS = '<div class="track ruler"><div class="gutter"></div><div class="plot"></div></div>'


def editor_page() -> str:
    """Return the page's HTML, without a clip: it waits for `editor_state`."""
    return filled(
        read_part("editor.html"),
        {
            "style": read_part("style.css") + read_part("editor.css"),
            "script": read_part("lookup.js") + read_part("script.js") + read_part("editing.js"),
            "stage": read_part("stage.html"),
            "player": filled(
                read_part("player.html"),
                {"timeline": _NO_TRACKS, "choices": "", "editing": read_part("editing.html")},
            ),
            "data": script_json(_NOTHING),
        },
    )


def editor_state(
    physics: PhysicsEstimate,
    masks: Mapping[int, MaskTrack],
    sounds: Mapping[str, Audio],
    *,
    seen: PhysicsEstimate | None = None,
    speed_factors: Mapping[int, float] | None = None,
) -> dict[str, Any]:
    """Return what the editor shows, as JSON values.

    Sounds stand one below the other on one scale: the loudest fills its track, and a colour means
    one level in all of them. The caller adds ``video``, ``aspect``, ``sounds`` (addresses) and ``volumes``
    (what each is played with, 0 to 1; 1 where absent).

    Args:
        physics: As edited so far.
        masks: By object id; those of objects that were removed are left out.
        sounds: By the name that is shown.
        seen: The estimate before any edit, which says the colours; by default ``physics``.
        speed_factors: How many times as fast as seen, by object id; 1 where absent.
    """
    impacts, factors = physics.impacts(), dict(speed_factors or {})
    colours = colours_of(physics if seen is None else seen)
    pictures = _on_one_scale(sounds, physics.duration_s)
    shown = {entry.object_id: factors.get(entry.object_id, 1.0) for entry in physics}
    return {
        "data": overlay_json(physics, masks, impacts, colours),
        "timeline": timeline(physics, impacts, colours, pictures, together=True),
        "cards": object_cards(physics, impacts, colours, speed_factors=shown),
        "impacts": impact_rows(physics, impacts, colours),
        "choices": choices(sounds),
    }


def _on_one_scale(sounds: Mapping[str, Audio], duration_s: float) -> dict[str, SoundPicture]:
    own = {name: sound_picture(audio, duration_s) for name, audio in sounds.items()}
    if len(own) < 2:
        return own
    top_db = max(picture.top_db for picture in own.values())
    peak = max(abs(audio.samples.mean(axis=0)).max() for audio in sounds.values()) or 1.0
    return {
        name: sound_picture(audio, duration_s, top_db=top_db, peak=float(peak))
        for name, audio in sounds.items()
    }

"""Write gallery.md and the sounds and pictures in gallery/: ``python docs/make_gallery.py``.

Everything is made by pavas-tiny of the clip in examples/, with one seed and on one gain: what is heard
to differ is what was edited.
"""

from __future__ import annotations

from pathlib import Path

from pavas_sdk import PavasPipeline, open_video
from pavas_sdk.display.sound_picture import sound_picture
from pavas_sdk.media import write_audio

HERE = Path(__file__).parent
CLIP = HERE.parent / "examples" / "clips" / "bouncing_ball.mp4"
PEAK_DBFS = -1.0

HEAD = """# Gallery

One clip of a bouncing ball, one seed, one gain for all: what differs is what was edited in its physics.
Made by pavas-tiny, the model that comes with the package; this page and its files are written by
`python docs/make_gallery.py`. The pictures are spectrograms, 50 Hz to 24 kHz, one colour scale for all.

<video controls playsinline loop src="../gallery/ball.mp4" style="max-width:360px;width:100%"></video>
"""


def edits(physics):
    """Yield name, title, code and physics of each entry."""
    first, second = physics.impacts()[:2]
    mass_kg = physics["ball"].mass_kg
    yield "as-seen", "As seen", "physics", physics
    heavy_kg = float(f"{10 * mass_kg:.2g}")
    yield (
        "heavier",
        f"Ten times as heavy: {heavy_kg:g} kg",
        f'physics.with_mass("ball", {heavy_kg:g})',
        physics.with_mass("ball", heavy_kg),
    )
    yield (
        "slower",
        "Half as fast",
        'physics.scale_speed("ball", 0.5)',
        physics.scale_speed("ball", 0.5),
    )
    to_s = round(second.time_s + 0.2, 2)
    yield (
        "moved",
        "The second impact later",
        f'physics.move_impact("ball", {second.time_s:.2f}, {to_s})',
        physics.move_impact("ball", second.time_s, to_s),
    )
    yield (
        "added",
        "One more impact, where nothing is seen",
        f'physics.with_impact("ball", 3.4, energy_change_j={first.energy_change_j:.2g})',
        physics.with_impact("ball", 3.4, energy_change_j=float(f"{first.energy_change_j:.2g}")),
    )


def main() -> None:
    """Make the sounds, their pictures, the video and the page."""
    folder = HERE / "gallery"
    folder.mkdir(exist_ok=True)
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    made = []
    with open_video(CLIP) as source:
        physics, masks, _ = pipe.physics_and_masks(source)
        for name, title, code, edited in edits(physics):
            out = pipe(source, physics=edited, masks=masks, seed=0, level="physical")
            made.append((name, title, code, out))
    gain_db = PEAK_DBFS - max(out.audio.peak_dbfs for *_, out in made)
    sounds = {name: out.audio.with_gain(gain_db) for name, _, _, out in made}
    length_s = physics.duration_s
    top_db = max(sound_picture(sound, length_s).top_db for sound in sounds.values())
    page = [HEAD]
    for name, title, code, _ in made:
        picture = sound_picture(sounds[name], length_s, top_db=top_db)
        (folder / f"{name}.png").write_bytes(picture.spectrogram_png)
        write_audio(folder / f"{name}.flac", sounds[name], overwrite=True)
        page.append(
            f"## {title}\n\n`{code}`, peak {sounds[name].peak_dbfs:.1f} dBFS\n\n"
            f"![Spectrogram of the sound: {title.lower()}](gallery/{name}.png)\n\n"
            f'<audio controls preload="none" src="../gallery/{name}.flac" style="width:100%"></audio>\n'
        )
    made[0][3].mux(folder / "ball.mp4", overwrite=True)
    (HERE / "gallery.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()

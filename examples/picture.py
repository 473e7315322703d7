"""The picture of the README: frames of a clip above the spectrogram, with impacts marked.

Needs matplotlib (``pip install matplotlib``). Writes ``docs/picture.png``, or the file given.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch

from pavas_sdk import PavasPipeline, open_video
from pavas_sdk.models import MEL_48K, MelSpectrogram

ROOT = Path(__file__).parent
CLIP = ROOT / "clips" / "bouncing_ball.mp4"
FRAMES = 6


def main(
    model: str = "pavas-tiny", path: str | Path = ROOT.parent / "docs" / "picture.png"
) -> None:
    """Generate the sound of the clip and draw it."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    pipe = PavasPipeline.from_pretrained(model)
    out = pipe(CLIP, prompt="rubber ball", generator=torch.Generator().manual_seed(0))
    source = open_video(CLIP)
    duration = source.duration_s
    strip = source.frames_at((np.arange(FRAMES) + 0.5) * duration / FRAMES, max_side=240)
    mel = MelSpectrogram(MEL_48K)(torch.from_numpy(out.audio.samples.copy()))[0]

    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(10, 3.7), height_ratios=(1.25, 2), layout="constrained"
    )
    span = (0, duration)
    top.imshow(np.concatenate(list(strip.frames), axis=1), aspect="auto", extent=(*span, 0, 1))
    top.set_axis_off()
    bottom.imshow(
        mel,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(*span, 0, mel.shape[0]),
        vmin=float(mel.max()) - 4.0,
    )
    impacts = out.physics.impacts()
    largest = max((hit.velocity_change_m_s for hit in impacts), default=1.0)
    for impact in impacts:  # the more abrupt, the brighter the line
        strength = 0.1 + 0.9 * impact.velocity_change_m_s / largest
        for axis in (top, bottom):
            axis.axvline(impact.time_s, color="cyan", linewidth=1.2, linestyle=":", alpha=strength)
    bottom.set_xlabel("seconds")
    bottom.set_ylabel("mel band")
    bottom.set_yticks([])
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"{path}: {len(impacts)} impacts marked")


if __name__ == "__main__":
    main(**({"path": sys.argv[1]} if len(sys.argv) > 1 else {}))

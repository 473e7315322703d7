"""Draw picture.png, frames above the sound that is made of them: ``python docs/make_picture.py``.

Needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from pavas_sdk import PavasPipeline, open_video
from pavas_sdk.models import MEL_48K, MelSpectrogram

HERE = Path(__file__).parent
CLIP = HERE.parent / "examples" / "clips" / "bouncing_ball.mp4"
SHOWN = 8
RANGE_DB = 45.0


def main() -> None:
    """Generate, and draw frames, mel spectrogram and impacts on one axis of time."""
    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    with open_video(CLIP) as video:
        output = pipe(video, generator=torch.Generator().manual_seed(0))
        times_s = (np.arange(SHOWN) + 0.5) / SHOWN * video.duration_s
        frames = video.frames_at(times_s).frames
        end_s = video.duration_s
    mel = MelSpectrogram(MEL_48K)(torch.from_numpy(output.audio.mono)[None])[0].numpy()
    level_db = 20.0 / np.log(10.0) * mel
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(11, 4.07), height_ratios=(0.62, 1), sharex=True, layout="constrained"
    )
    # a strip of each frame's middle: what is shown stands where it happens
    width = frames.shape[1] * end_s / SHOWN / 0.5
    left = int(max(0, (frames.shape[2] - width) // 2))
    strip = np.concatenate(list(frames[:, :, left : left + int(width)]), axis=1)
    above.imshow(strip, aspect="auto", extent=(0, end_s, 0, 1))
    above.set_yticks([])
    below.imshow(
        level_db,
        aspect="auto",
        origin="lower",
        cmap="inferno",
        extent=(0, end_s, 0, len(mel)),
        vmax=level_db.max(),
        vmin=level_db.max() - RANGE_DB,
    )
    for impact in output.physics.impacts():
        for axis in (above, below):
            axis.axvline(impact.time_s, color="#35e0e0", linestyle=":", linewidth=1.2)
    below.set(yticks=[], xlabel="seconds", ylabel="mel band")
    figure.savefig(HERE / "picture.png", dpi=100)


if __name__ == "__main__":
    main()

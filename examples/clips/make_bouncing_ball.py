"""Makes bouncing_ball.mp4: four seconds of a simulated rubber ball on concrete, without sound.

The truth is printed, to compare with what ``pavas estimate`` sees. The seed lies outside those
that training and evaluation use.
"""

from __future__ import annotations

from pathlib import Path

from pavas_sdk.media import write_video
from pavas_sdk.simulation import SceneConfig, simulate

SEED = 90_000_007


def main() -> None:
    """Simulate the clip and write its picture beside this file."""
    config = SceneConfig(
        height=360,
        width=480,
        fps=25.0,
        action="drop",
        camera="still",
        noise=False,
        compression=False,
        disturbances=False,
    )
    clip = simulate(SEED, config).clip
    path = Path(__file__).with_name("bouncing_ball.mp4")
    write_video(path, clip.video, crf=26, preset="veryslow", overwrite=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {clip.prompt}")
    print(clip.physics)


if __name__ == "__main__":
    main()

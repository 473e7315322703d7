"""Film the page of `pavas report`, into pictures/report.mp4, with a still: ``python docs/make_report_video.py``.

Needs the browser chromium. Each frame is a picture of the page at that time of the clip, so the film
does not depend on how fast this machine is.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from pavas_sdk import Video
from pavas_sdk.cli.main import run
from pavas_sdk.media import write_video

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser_world import Browser  # noqa: E402  # of the tests

CLIP = HERE.parent / "examples" / "clips" / "bouncing_ball.mp4"
WIDTH, HEIGHT = 960, 954
FRAMES_PER_S, SECONDS = 12.5, 4.0
SHOWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def main() -> None:
    """Make the page, film it."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "ball.html"
        if run(["report", str(CLIP), "-o", str(page)]) != 0:
            raise SystemExit("the page could not be made")
        browser = Browser(Path(folder) / "profile", width=WIDTH, height=HEIGHT)
        try:
            browser.goto(page.as_uri())
            browser.wait("document.querySelector('#video').readyState >= 2")
            browser.js("document.documentElement.style.overflow = 'hidden'")  # no scrollbar
            times_s = np.arange(round(FRAMES_PER_S * SECONDS)) / FRAMES_PER_S
            frames = [picture(browser, Path(folder) / "frame.png", t) for t in times_s]
        finally:
            browser.close()
    target = HERE / "pictures" / "report.mp4"
    video = Video(frames=np.stack(frames), times_s=times_s, end_s=SECONDS)
    write_video(target, video, crf=30, preset="veryslow", keyframe_interval_s=4, overwrite=True)
    still = Image.fromarray(frames[len(frames) // 2]).resize((WIDTH * 3 // 4, HEIGHT * 3 // 4))
    still.quantize(96).save(target.with_suffix(".png"), optimize=True)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def picture(browser: Browser, path: Path, time_s: float) -> np.ndarray:
    """The page at a time of the clip, uint8 (H, W, 3)."""
    browser.js(f"pavasReport.seek({time_s})")
    browser.wait(
        f"!document.querySelector('#video').seeking"
        f" && Math.abs(document.querySelector('#video').currentTime - {time_s}) < 0.01"
    )
    browser.js("document.body.classList.add('started')")  # no large button over the picture
    browser.js(SHOWN)
    browser.screenshot(path)
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB"))


if __name__ == "__main__":
    main()

"""Small video files whose pictures tell their own number."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.media import write_audio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HEIGHT, WIDTH = 64, 96  # 2 x 4 blocks of 32 x 24 pixels, one bit each
TICKS = 1000


def picture(number: int) -> np.ndarray:
    """(64, 96, 3) with the bits of ``number`` as black and white blocks."""
    bits = [(number >> k) & 1 for k in range(8)]
    blocks = np.array(bits, dtype=np.uint8).reshape(2, 4) * 200 + 20
    gray = np.kron(blocks, np.ones((HEIGHT // 2, WIDTH // 4), dtype=np.uint8))
    return np.repeat(gray[:, :, None], 3, axis=2)


def number_in(pixels: np.ndarray) -> int:
    """Read the number back, at any size."""
    height, width = pixels.shape[:2]
    rows = [round(height * (r + 0.5) / 2) for r in range(2)]
    columns = [round(width * (c + 0.5) / 4) for c in range(4)]
    bits = [pixels[r, c].mean() > 120 for r in rows for c in columns]
    return sum(int(bit) << k for k, bit in enumerate(bits))


@dataclass
class Clips:
    """Makes files in one folder."""

    folder: Path

    def make(
        self,
        name: str,
        times_s: Sequence[float] | int = 10,
        *,
        codec: str = "libx264",
        rotation: int | None = None,
        sound_s: float | None = None,
        size: tuple[int, int] = (HEIGHT, WIDTH),
        pixel_format: str = "yuv420p",
        container_options: dict[str, str] | None = None,
        aspect: Fraction | None = None,
        noise: int = 0,
        **codec_options: str,
    ) -> Path:
        """Write numbered pictures at ``times_s`` (or so many at 25 per second)."""
        times = np.arange(times_s) / 25 if isinstance(times_s, int) else np.asarray(times_s)
        path = self.folder / name
        base = Fraction(1, 25 if isinstance(times_s, int) else TICKS)
        height, width = size
        with av.open(str(path), "w", container_options=container_options or {}) as output:
            stream = output.add_stream(codec, rate=25, options=codec_options)
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            stream.codec_context.time_base = base
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                stream.set_display_rotation(rotation)
            sound = None
            if sound_s is not None:
                sound = output.add_stream("aac" if name.endswith("mp4") else "flac", rate=16000)
                sound.layout = "mono"
            for number, time_s in enumerate(times):
                pixels = np.ascontiguousarray(np.resize(picture(number), (height, width, 3)))
                if size == (HEIGHT, WIDTH):
                    pixels = picture(number)
                if noise:  # every frame then needs about as many bytes
                    rng = np.random.default_rng(number)
                    pixels = pixels + rng.integers(0, noise, pixels.shape[:2], np.uint8)[..., None]
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = round(time_s / float(base)), base
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if sound is not None and sound_s is not None:
                for start in range(0, round(sound_s * 16000), 1024):
                    count = min(1024, round(sound_s * 16000) - start)
                    frame = av.AudioFrame.from_ndarray(
                        np.zeros((1, count), np.float32), "fltp", "mono"
                    )
                    frame.sample_rate, frame.pts = 16000, start
                    output.mux(sound.encode(frame))
                output.mux(sound.encode(None))
        return path

    def remux(self, source: Path, name: str, **options: str) -> Path:
        """Copy the pictures into another container."""
        path = self.folder / name
        with (
            av.open(str(source)) as given,
            av.open(str(path), "w", container_options=options) as output,
        ):
            stream = given.streams.video[0]
            copied = output.add_stream_from_template(stream, opaque=True)
            for packet in given.demux(stream):
                if packet.size:
                    packet.stream = copied
                    output.mux(packet)
        return path

    def cut(self, source: Path, fraction: float, name: str = "cut") -> Path:
        """Keep only the first part of a file's bytes."""
        data = source.read_bytes()
        path = self.folder / f"{name}{source.suffix}"
        path.write_bytes(data[: int(len(data) * fraction)])
        return path

    def sound(self, name: str, seconds: float = 0.5) -> Path:
        """A file that holds sound only."""
        path = self.folder / name
        samples = np.sin(np.arange(round(seconds * 16000)) * 0.2) * 0.5
        write_audio(path, Audio(samples=samples, sample_rate_hz=16000))
        return path


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    folder = tmp_path / "clips"
    folder.mkdir()
    return Clips(folder)


@pytest.fixture
def numbers() -> Callable[[np.ndarray], list[int]]:
    """Read the numbers of pictures, (T, H, W, 3)."""
    return lambda frames: [number_in(pixels) for pixels in frames]


@pytest.fixture
def numbered_picture() -> Callable[[int], np.ndarray]:
    return picture

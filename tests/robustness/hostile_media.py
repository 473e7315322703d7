"""Mutations of small files of many containers and codecs, opened, decoded and muxed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
from small_media import KINDS, write_kind

from pavas_sdk.data import Audio
from pavas_sdk.media import choose_container, encode_with_sound, mux, open_video, read_audio

if TYPE_CHECKING:
    from pathlib import Path

POOL: list[Path] = []
EXTREMES = (0, 1, 2, 7, 8, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MARKS = (b"moov", b"mdhd", b"stts", b"stsz", b"stco", b"elst", b"tkhd", b"mdat", b"avcC", b"strh", b"avih", b"idx1", b"movi", b"\x1f\x43\xb6\x75", b"\xae", b"stsd", b"moof", b"trun")  # fmt: skip


def prepare(folder: Path) -> None:
    """Write the files that are mutated."""
    pool = folder / "pool"
    pool.mkdir(exist_ok=True)
    for name in KINDS:
        path = pool / name
        if path.exists() or write_kind(pool, name, frames=25) is not None:
            POOL.append(path)
    fragments = pool / "fragments.mp4"
    if not fragments.exists():
        from small_media import write_small

        options = {"movflags": "frag_keyframe+empty_moov"}
        write_small(
            fragments,
            "libx264",
            "yuv420p",
            frames=25,
            options={"g": "8"},
            container_options=options,
        )
    POOL.append(fragments)


def case(rng: np.random.Generator, folder: Path) -> str:
    """Mutate a file, and do everything with it that a run does."""
    original = POOL[int(rng.integers(len(POOL)))]
    content = bytearray(original.read_bytes())
    for _ in range(int(rng.integers(1, 4))):
        content = mutated(content, rng)
    path = folder / original.name
    path.write_bytes(content)
    silence = Audio(samples=np.zeros((1, 1600), np.float32), sample_rate_hz=16000)
    try:
        with open_video(path) as video:
            video.check()
            end_s = min(video.duration_s, 3.0)
            if end_s * video.frame_rate_hz < 2000:
                video.read(0.0, end_s, max_side=64)
            video.info()
        choice = choose_container(path)
        out = folder / f"out{choice.suffix}"
        if choice.encode and video.duration_s < 60:
            encode_with_sound(path, silence, out)
        elif not choice.encode:
            mux(path, silence, out)
    finally:
        if rng.random() < 0.2:
            sound = folder / "sound.wav"
            sound.write_bytes(mutated(bytearray(wav()), rng))
            read_audio(sound)
    return original.name


def wav() -> bytes:
    import struct

    body = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
    data = b"\0\1" * 1600
    chunks = b"fmt " + struct.pack("<I", 16) + body + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def mutated(content: bytearray, rng: np.random.Generator) -> bytearray:
    """One mutation."""
    size = len(content)
    if size < 16:
        return content
    kind = int(rng.integers(7))
    at = int(rng.integers(size - 8))
    if kind == 0:  # flips
        for place in rng.integers(0, size, max(1, size // int(rng.choice([50, 500, 5000])))):
            content[place] = int(rng.integers(256))
    elif kind == 1:  # cut off
        del content[at:]
    elif kind == 2:  # a hole of zeros
        length = int(rng.integers(1, 200))
        content[at : at + length] = bytes(min(length, size - at))
    elif kind == 3:  # bytes that do not belong here
        content[at:at] = rng.bytes(int(rng.integers(1, 100)))
    elif kind == 4:  # bytes that are missing
        del content[at : at + int(rng.integers(1, 100))]
    elif kind == 5:  # a number behind a name
        found = [m for m in MARKS if m in content]
        if found:
            start = content.index(found[int(rng.integers(len(found)))])
            place = min(start + int(rng.integers(-4, 40)), size - 4)
            value = int(rng.choice(EXTREMES))
            content[max(place, 0) : max(place, 0) + 4] = value.to_bytes(
                4, "big" if rng.random() < 0.7 else "little"
            )
    else:  # a part twice
        part = content[at : at + int(rng.integers(16, 2000))]
        content[at:at] = part
    return content


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)

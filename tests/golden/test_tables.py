"""Plain tables, parameter counts and key lists: exact."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from goldens import KEYS_FOLDER, read_table

from pavas_sdk.data import Video
from pavas_sdk.data.frames import ReferenceClockSource
from pavas_sdk.data.timing import nearest_exact_index, reference_clip, reference_frame_clock
from pavas_sdk.media import MemorySource
from pavas_sdk.models import (
    TRANSFORMER_VARIANTS,
    VAE_VARIANTS,
    CLIPEncoder,
    Synchformer,
    build_bigvgan,
    build_transformer,
    build_vae,
    sequence_for_mode,
)
from pavas_sdk.released.tensor_names import bigvgan_tensors, synchformer_tensors


@pytest.mark.parametrize("row", read_table("sequence_lengths"), ids=lambda row: row["duration"])
@pytest.mark.parametrize("mode", ["16k", "44k"])
def test_sequence_lengths(row, mode):
    sequence, duration_s = sequence_for_mode(mode), row["duration"]
    assert row[mode] == {
        "latent": sequence.latent_length(duration_s),
        "clip": sequence.clip_length(duration_s),
        "sync": sequence.sync_length(duration_s),
        "audio_samples": sequence.audio_samples(duration_s),
    }


@pytest.mark.parametrize(
    "row",
    read_table("sync_upsample_index"),
    ids=lambda row: f"{row['sync_len']}to{row['latent_len']}",
)
def test_sync_upsample_index(row):
    index = nearest_exact_index(row["sync_len"], row["latent_len"])
    assert index.tolist() == row["index"]
    # The same formula in float64 differs exactly where the table says.
    float64 = (np.arange(row["latent_len"]) + 0.5) * (row["sync_len"] / row["latent_len"])
    differing = np.flatnonzero(np.floor(float64).astype(int) != index)
    assert differing.tolist() == row["positions_where_float64_would_differ"]


@pytest.mark.parametrize(
    "row",
    read_table("frame_sampling"),
    ids=lambda row: f"{row['fps'].replace('/', '_')}fps-{row['source_frames']}",
)
def test_frame_sampling(row):
    base, fps, end_s = Fraction(row["time_base"]), Fraction(row["fps"]), row["requested_sec"]
    times_s = [float(round(i / fps / base) * base) for i in range(row["source_frames"])]
    assert sum(time <= end_s for time in times_s) == row["frames_kept_in_all_frames"]
    assert reference_frame_clock(times_s, 8.0, end_s).tolist() == row["idx8"]
    assert reference_frame_clock(times_s, 25.0, end_s).tolist() == row["idx25"]
    clip = reference_clip(times_s, end_s)
    assert clip.duration_s == row["final_duration_sec"]
    assert clip.clip_index.tolist() == row["idx8"][: row["n_clip_after_truncation"]]
    assert clip.sync_index.tolist() == row["idx25"][: row["n_sync_after_truncation"]]
    for mode in ("16k", "44k"):
        sequence = sequence_for_mode(mode)
        assert row[f"seq_{mode}"] == {
            "latent": sequence.latent_length(clip.duration_s),
            "clip": sequence.clip_length(clip.duration_s),
            "sync": sequence.sync_length(clip.duration_s),
        }


@pytest.mark.parametrize(
    "row",
    read_table("frame_sampling"),
    ids=lambda row: f"{row['fps'].replace('/', '_')}fps-{row['source_frames']}",
)
def test_frames_of_the_reference_mode(row):
    """What the encoders are given by ``frame_sampling="reference"``, told by the pixels."""
    base, fps, end_s = Fraction(row["time_base"]), Fraction(row["fps"]), row["requested_sec"]
    count = row["source_frames"]
    frames = np.zeros((count, 16, 16, 3), dtype=np.uint8)
    frames[:, 0, 0, 0], frames[:, 0, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    times_s = np.array([float(round(i / fps / base) * base) for i in range(count)])
    source = ReferenceClockSource(
        MemorySource(Video(frames=frames, times_s=times_s, end_s=float(count / fps))), end_s
    )
    assert source.duration_s == row["final_duration_sec"]
    with torch.device("meta"):
        encoders = {8: CLIPEncoder(vision_layers=1, text_layers=1), 25: Synchformer(depth=1)}
    for rate, encoder in encoders.items():
        ticks = encoder.frame_times_s(source.duration_s)
        shown, place = np.unique(source.shown_times_s(ticks, rate), return_inverse=True)
        corner = source.frames_at(shown).frames[place][:, 0, 0].astype(int)
        index = (corner[:, 0] + 256 * corner[:, 1]).tolist()
        assert index == row[f"idx{rate}"][: len(index)]
        if rate == 8:
            assert len(index) == row["n_clip_after_truncation"] == row["seq_16k"]["clip"]
        else:
            segments = encoder.segment_count(row["n_sync_after_truncation"])
            assert encoder.segment_count(len(index)) == segments
            assert segments * 8 == row["seq_16k"]["sync"]


def check_keys(module, name):
    keys = json.loads((KEYS_FOLDER / f"{name}.json").read_text())
    shapes = {key: list(tensor.shape) for key, tensor in module.state_dict().items()}
    assert shapes == {entry["key"]: entry["shape"] for entry in keys["keys"]}
    assert sum(p.numel() for p in module.parameters()) == keys["total_parameters"]
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    assert trainable == keys["trainable_parameters"]
    buffers = {entry["key"] for entry in keys["keys"] if entry["kind"] == "buffer"}
    assert {key for key, _ in module.named_buffers()} == buffers


@pytest.mark.parametrize("variant", TRANSFORMER_VARIANTS)
def test_transformer_keys_and_counts(variant):
    with torch.device("meta"):
        check_keys(build_transformer(variant), f"flow_{variant}")


@pytest.mark.parametrize("mode", VAE_VARIANTS)
def test_vae_keys_and_counts(mode):
    with torch.device("meta"):
        check_keys(build_vae(mode), f"vae_{mode}")


def check_released_keys(module, name, translate):
    """The released names and shapes, mapped to ours, are ours; the released count is checked."""
    table = json.loads((KEYS_FOLDER / f"{name}.json").read_text())
    with torch.device("meta"):
        state = {entry["key"]: torch.empty(entry["shape"]) for entry in table["keys"]}
    own = translate(state)
    shapes = {key: list(tensor.shape) for key, tensor in module.state_dict().items()}
    assert {key: list(entry.shape) for key, entry in own.items()} == shapes
    count = sum(e["kind"] == "parameter" and math.prod(e["shape"]) for e in table["keys"])
    assert count == table["total_parameters"]
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("mode", "folded"), [("16k", 112_199_473), ("44k", 122_152_752)])
def test_bigvgan_keys_and_counts(mode, folded):
    with torch.device("meta"):
        vocoder = build_bigvgan(mode)
    assert check_released_keys(vocoder, f"bigvgan_{mode}", bigvgan_tensors) == folded


def test_synchformer_keys_and_counts():
    with torch.device("meta"):
        encoder = Synchformer()
    # the patches of single frames, never used, are not kept
    assert check_released_keys(
        encoder, "synchformer_visual", synchformer_tensors
    ) == 122_440_704 - 768 * (3 * 256 + 1)

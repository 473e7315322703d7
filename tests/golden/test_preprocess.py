"""Pictures for the encoders against the reference's transforms."""

import numpy as np
import pytest
from goldens import of_kind, stored_slice

from pavas_sdk.data import Video
from pavas_sdk.models.frame_pixels import cropped_pixels, squashed_pixels

CASES = [
    pytest.param(golden, name, id=f"{golden.name}-{name}")
    for golden in of_kind("preprocess")
    for name in golden.entry["tensors"]
]


@pytest.mark.parametrize(("golden", "name"), CASES)
def test_preprocess(golden, name):
    kind, size = name.split("_")
    frames = golden.input(size).permute(0, 2, 3, 1).numpy()
    video = Video(frames=frames, times_s=np.arange(len(frames)) / 25.0)
    spec = golden.entry["tensors"][name]
    side = spec["shape"][-1]
    if kind == "clip":
        pixels, grey_level = squashed_pixels(video, side), 1 / 255
    else:
        pixels, grey_level = cropped_pixels(video, side) * 2.0 - 1.0, 2 / 255
    assert list(pixels.shape) == spec["shape"]
    difference = np.abs(stored_slice(pixels.numpy(), spec.get("slice")) - golden.tensors[name])
    assert difference.max() <= grey_level + 1e-6
    assert (difference > 1e-6).mean() <= 0.01
    print(f"{golden.name}-{name}: largest difference {difference.max():.1e}")

"""The CLIP wrapper and its tokens against the reference."""

import json
import warnings

import pytest
import torch
from goldens import FOLDER, of_kind, params
from networks import filled_clip

from pavas_sdk.models import CLIPEncoder

TOKENS = FOLDER / "tokens.json"


@pytest.mark.parametrize("golden", params(of_kind("clip_")))
@torch.no_grad()
def test_clip(golden):
    encoder = filled_clip(golden)
    frames = golden.input("frames")
    images = encoder.encode_image(frames.flatten(0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one text is too long on purpose
        texts = encoder.encode_text(golden.entry["texts"])
    results = {
        "image_features": images.pooled.unflatten(0, frames.shape[:2]),
        "text_features": texts,
    }
    errors = {name: golden.check(name, results[name]) for name in golden.entry["tensors"]}
    print(f"{golden.name}: relative L2 error {max(errors.values()):.2e}")


@pytest.mark.skipif(not TOKENS.exists(), reason="the folder has no tokens")
def test_tokens():
    table = json.loads(TOKENS.read_text())
    encoder = CLIPEncoder(
        embed_dim=4,
        vision_width=8,
        vision_layers=1,
        vision_head_width=4,
        text_width=4,
        text_heads=1,
        text_layers=1,
        context_length=table["context_length"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ids = encoder.tokenize([row["text"] for row in table["rows"]])
    for row, got in zip(table["rows"], ids.tolist(), strict=True):
        padding = [table["pad"]] * (table["context_length"] - len(row["ids"]))
        assert got == row["ids"] + padding, row["text"]

"""Quantised loading goes through diffusers' own configs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmaudio_world import PRESET, write_official

from pavas_sdk import PavasPipeline


# torchao's own files warn when they are compiled for the first time
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_int8_weights_make_nearly_the_same_sound(tmp_path):
    # `.ci/run` installs it
    quantization = pytest.importorskip(
        "torchao.quantization", reason="uv run --isolated --group quantization"
    )
    from diffusers import PipelineQuantizationConfig, TorchAoConfig

    folder = PRESET.convert(tmp_path / "converted", write_official(tmp_path / "official"))
    int8 = TorchAoConfig(quantization.Int8WeightOnlyConfig())
    pipes = [
        PavasPipeline.from_pretrained(folder),
        PavasPipeline.from_pretrained(
            folder,
            quantization_config=PipelineQuantizationConfig(quant_mapping={"transformer": int8}),
        ),
    ]
    assert "Int8" in type(pipes[1].transformer.fused_blocks[0].attn.qkv.weight).__name__
    sounds = []
    for pipe in pipes:
        pipe.set_progress_bar_config(disable=True)
        options = {"duration_s": 0.64, "num_inference_steps": 1}
        out = pipe(prompt="nail", generator=torch.Generator().manual_seed(0), **options)
        sounds.append(out.audio.samples[0])
    assert not np.array_equal(*sounds)
    assert np.corrcoef(*sounds)[0, 1] > 0.99

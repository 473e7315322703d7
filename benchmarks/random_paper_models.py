"""Random weights for the models of the estimator "paper": tiny ones, or of the released shapes.

The classes, the saving and the loading are the real ones; what the models say means nothing. The
tokenizers know bytes only, so a text has about four times as many tokens as with the released ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PLUGINS = Path(__file__).parents[1] / "plugins"
for _name in ("pavas-qwen-vl", "pavas-florence-sam2"):
    sys.path.insert(0, str(PLUGINS / _name / "tests"))

QWEN_TEXT: dict[str, dict[str, Any]] = {
    "3B": {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36}
    | {"num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936}
    | {"tie_word_embeddings": True},
    "7B": {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}
    | {"num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}
    | {"tie_word_embeddings": False},
}
QWEN_VISION = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16}
QWEN_VISION |= {"window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]}
FLORENCE_LARGE: dict[str, dict[str, Any]] = {
    "vision_config": {"embed_dim": [256, 512, 1024, 2048], "num_heads": [8, 16, 32, 64]}
    | {"num_groups": [8, 16, 32, 64], "projection_dim": 1024},
    "text_config": {"model_type": "bart", "d_model": 1024, "vocab_size": 51290}
    | {"encoder_layers": 12, "decoder_layers": 12, "max_position_embeddings": 4096}
    | {"encoder_ffn_dim": 4096, "decoder_ffn_dim": 4096}
    | {"encoder_attention_heads": 16, "decoder_attention_heads": 16},
}
SAM2_LARGE = {
    "backbone_config": {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 144,
        "embed_dim_per_stage": [144, 288, 576, 1152],
        "num_attention_heads_per_stage": [2, 4, 8, 16],
        "blocks_per_stage": [2, 6, 36, 4],
        "global_attention_blocks": [23, 33, 43],
        "window_size_per_stage": [8, 4, 16, 8],
    },
    "backbone_channel_list": [1152, 576, 288, 144],
}


def tiny_folders() -> dict[str, str]:
    """Save the tiny models of the plugins' tests and return where each is."""
    from tiny_models import tiny_florence, tiny_sam2
    from tiny_qwen import tiny_model

    return {
        "qwen": str(tiny_model()),
        "florence": str(tiny_florence()),
        "sam2": str(tiny_sam2()),
        "cut3r": "random-tiny",
    }


def full_folders(folder: Path, *, vlm: str, device: str, dtype: str) -> dict[str, str]:
    """Save models of the released shapes under ``folder``; those already there are kept.

    Made on ``device``, as drawing billions of numbers takes minutes on a CPU. Needs room on the disk
    for the weights (7B in bfloat16: 17 GB; 3B: 8 GB; the others together: 5 GB).
    """
    makers = {
        "qwen": (f"qwen-{vlm}-{dtype}", lambda: _qwen(vlm)),
        "florence": (f"florence-large-{dtype}", _florence),
        "sam2": (f"sam2-large-{dtype}", _sam2),
        "cut3r": ("cut3r", _cut3r),
    }
    found = {}
    for key, (name, make) in makers.items():
        place = folder / name
        if not (place / "config.json").is_file():
            _save(place, make, device, "float32" if key == "cut3r" else dtype)
        found[key] = str(place)
    return found


def _save(place: Path, make: Any, device: str, dtype: str) -> None:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            model, processor = make()
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(place)
    if processor is not None:
        processor.save_pretrained(place)


def _qwen(vlm: str) -> tuple[Any, Any]:
    from tiny_qwen import _processor
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    processor = _processor()
    token = processor.tokenizer.convert_tokens_to_ids
    text = QWEN_TEXT[vlm]
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    ends = {"bos_token_id": None, "eos_token_id": token("<|im_end|>")}
    ends["pad_token_id"] = token("<|endoftext|>")
    places = {f"{name}_token_id": token(f"<|{name}_pad|>") for name in ("image", "video")}
    places |= {f"vision_{at}_token_id": token(f"<|vision_{at}|>") for at in ("start", "end")}
    config = Qwen2_5_VLConfig(
        text_config={**text, **ends, "rope_parameters": rope, "max_position_embeddings": 128000},
        vision_config={**QWEN_VISION, "out_hidden_size": text["hidden_size"]},
        tie_word_embeddings=text["tie_word_embeddings"],
        **places,
    )
    return Qwen2_5_VLForConditionalGeneration(config), processor


def _florence() -> tuple[Any, Any]:
    import torch
    from tiny_models import _florence_processor
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    processor = _florence_processor()
    tokenizer = processor.tokenizer
    processor.image_processor.size = {"height": 768, "width": 768}
    processor.image_processor.image_seq_length = 577
    ends = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos")}
    ends |= {"pad_token_id": tokenizer.pad_token_id, "decoder_start_token_id": 2}
    text = FLORENCE_LARGE["text_config"] | ends | {"forced_eos_token_id": ends["eos_token_id"]}
    image = tokenizer.convert_tokens_to_ids("<image>")
    model = Florence2ForConditionalGeneration(
        Florence2Config(
            vision_config=FLORENCE_LARGE["vision_config"], text_config=text, image_token_id=image
        )
    )
    places = torch.tensor(tokenizer.convert_tokens_to_ids([f"<loc_{n}>" for n in range(1000)]))
    with torch.no_grad():  # as likely to name places as a trained one
        model.get_output_embeddings().weight[places] *= 4.0
    return model, processor


def _sam2() -> tuple[Any, Any]:
    import torch
    from transformers import (
        Sam2ImageProcessor,
        Sam2VideoConfig,
        Sam2VideoModel,
        Sam2VideoProcessor,
        Sam2VideoVideoProcessor,
    )

    model = Sam2VideoModel(
        Sam2VideoConfig(
            vision_config=SAM2_LARGE,
            enable_occlusion_spatial_embedding=True,
            enable_temporal_pos_encoding_for_object_pointers=True,
        )
    )
    with torch.no_grad():  # untrained, it is as likely as not to see nothing at all
        model.mask_decoder.pred_obj_score_head.proj_out.bias += 2.0
    size = {"height": 1024, "width": 1024}
    processor = Sam2VideoProcessor(
        image_processor=Sam2ImageProcessor(size=size, mask_size={"height": 256, "width": 256}),
        video_processor=Sam2VideoVideoProcessor(size=size),
        target_size=1024,
    )
    return model, processor


def _cut3r() -> tuple[Any, None]:
    from pavas_cut3r import Cut3R

    model = Cut3R()
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            parameter.data.normal_(0, parameter[0].numel() ** -0.5)
        else:
            parameter.data.fill_(1.0 if name.endswith("weight") else 0.0)
    return model, None

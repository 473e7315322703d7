"""Florence-2 and SAM-2 with random weights, small enough for a laptop; every class is the real one."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

SIDE = 64


@cache
def tiny_florence(seed: int = 3) -> Path:
    """Save Florence-2 and its processor; the same folder for the whole test run."""
    import torch
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    folder = Path(tempfile.mkdtemp(prefix="tiny_florence_"))
    processor = _florence_processor()
    tokenizer = processor.tokenizer
    config = Florence2Config(
        text_config={
            "model_type": "bart",
            "vocab_size": len(tokenizer),
            "d_model": 32,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "max_position_embeddings": 512,
            "decoder_start_token_id": tokenizer.eos_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "forced_eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "embed_dim": [8, 8, 16, 16],
            "num_heads": [1, 1, 2, 2],
            "num_groups": [1, 1, 2, 2],
            "depths": [1, 1, 1, 1],
            "window_size": 4,
            "projection_dim": 32,
        },
        image_token_id=tokenizer.image_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Florence2ForConditionalGeneration(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(std=0.3)
            # an untrained model hardly ever writes a place; this one mostly does
            places = tokenizer.convert_tokens_to_ids([f"<loc_{n}>" for n in range(1000)])
            model.get_output_embeddings().weight[places] *= 4.0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _florence_processor():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import CLIPImageProcessor, Florence2Processor, PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate([*special, *alphabet])}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
    )
    places = [f"<loc_{n}>" for n in range(1000)]
    marks = ["<od>", "</od>", "<ocr>", "</ocr>", "<poly>", "</poly>", "<sep>", "<and>"]
    tokenizer.add_tokens([*places, *marks])
    images = CLIPImageProcessor(
        size={"height": SIDE, "width": SIDE}, do_center_crop=False, resample=3
    )
    images.image_seq_length = (SIDE // 32) ** 2 + 1
    tasks = {"NUM_BBOX_HEIGHT_BINS": 1000, "NUM_BBOX_WIDTH_BINS": 1000}
    tasks |= {"COORDINATES_HEIGHT_BINS": 1000, "COORDINATES_WIDTH_BINS": 1000}
    tasks["PARSE_TASKS"] = [
        {
            "TASK_NAME": "ocr",
            "PATTERN": r"(.+?)<loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)>"
            r"<loc_(\d+)><loc_(\d+)>",
        },
    ]
    config = {
        "ocr": {
            "pattern": r"(.+?)<loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)><loc_(\d+)>"
            r"<loc_(\d+)><loc_(\d+)>",
            "area_threshold": 0.0,
        },
        "phrase_grounding": {"banned_grounding_tokens": ["the image"]},
        "pure_text": {},
        "description_with_bboxes": {},
        "description_with_polygons": {},
        "polygons": {},
        "bboxes": {},
        "description_with_bboxes_or_polygons": {},
    }
    return Florence2Processor(
        image_processor=images, tokenizer=tokenizer, post_processor_config=config
    )


def _sam2_config():
    from transformers import Sam2VideoConfig

    cells = SIDE // 16
    return Sam2VideoConfig(
        image_size=SIDE,
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 24, 32],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [32, 24, 16, 8],
            "backbone_feature_sizes": [[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
            "fpn_hidden_size": 128,
        },
        prompt_encoder_config={"hidden_size": 128, "image_size": SIDE},
        mask_decoder_config={
            "hidden_size": 128,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
        memory_attention_hidden_size=128,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[cells, cells],
        memory_encoder_hidden_size=128,
        memory_encoder_output_channels=64,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=32,
        mask_downsampler_embed_dim=128,
        memory_fuser_num_layers=1,
    )


@cache
def tiny_sam2(seed: int = 0) -> Path:
    """Save Sam2Video and its processor; the same folder for the whole test run."""
    import torch
    from transformers import (
        Sam2ImageProcessor,
        Sam2VideoModel,
        Sam2VideoProcessor,
        Sam2VideoVideoProcessor,
    )

    folder = Path(tempfile.mkdtemp(prefix="tiny_sam2_"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Sam2VideoModel(_sam2_config())
        with torch.no_grad():
            # untrained, it is as likely as not to see nothing at all
            model.mask_decoder.pred_obj_score_head.proj_out.bias += 2.0
    size = {"height": SIDE, "width": SIDE}
    processor = Sam2VideoProcessor(
        image_processor=Sam2ImageProcessor(
            size=size, mask_size={"height": SIDE // 4, "width": SIDE // 4}
        ),
        video_processor=Sam2VideoVideoProcessor(size=size),
        target_size=SIDE,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


OVERRIDES = (
    f"++model.image_size={SIDE}",
    "++model.image_encoder.trunk.embed_dim=8",
    "++model.image_encoder.trunk.stages=[1,1,2,1]",
    "++model.image_encoder.trunk.global_att_blocks=[3]",
    "++model.image_encoder.neck.backbone_channel_list=[64,32,16,8]",
    "++model.memory_attention.num_layers=1",
    "++model.memory_attention.layer.dim_feedforward=64",
    f"++model.memory_attention.layer.self_attention.feat_sizes=[{SIDE // 16},{SIDE // 16}]",
    f"++model.memory_attention.layer.cross_attention.feat_sizes=[{SIDE // 16},{SIDE // 16}]",
    "++model.memory_encoder.fuser.num_layers=1",
)


@cache
def tiny_package_weights(seed: int = 0) -> Path:
    """Save the weights of the package's predictor with the sizes of `OVERRIDES`."""
    import torch
    from pavas_florence_sam2.sam2_package import build_predictor
    from safetensors.torch import save_file

    file = Path(tempfile.mkdtemp(prefix="tiny_sam2_package_")) / "sam2.safetensors"
    predictor = build_predictor("tiny", OVERRIDES)
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: (
            torch.randn(tensor.shape, generator=generator) * 0.1
            if tensor.is_floating_point()
            else tensor
        )
        for name, tensor in predictor.state_dict().items()
    }
    save_file(tensors, file)
    return file

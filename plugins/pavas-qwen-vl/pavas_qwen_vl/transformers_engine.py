"""The model on this machine, through transformers."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import torch

from pavas_qwen_vl.drawing import GumbelDraw
from pavas_qwen_vl.grammar import GrammarCache
from pavas_sdk.errors import ConfigurationError, WeightsError
from pavas_sdk.interfaces import report_progress

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.engine import Question
    from pavas_qwen_vl.frames import Clip

__all__ = ["TransformersEngine"]


class TransformersEngine:
    """Qwen2.5-VL and its processor, loaded once.

    Args:
        folder: With config, weights, tokenizer and processor.
        config: Settings of the loading.
        device: Where to put the model; ignored with ``device_map``.
        dtype: Number format, or None for that of the config.

    Raises:
        WeightsError: The folder holds another model, or its files do not fit.
    """

    parallel = 1

    def __init__(
        self, folder: Path, config: QwenVLConfig, device: Any = None, dtype: Any = None
    ) -> None:
        from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration

        _check_kind(folder)
        where = torch.device("cpu" if device is None else device)
        options: dict[str, Any] = {"dtype": dtype or _dtype(config, where)}
        options["attn_implementation"] = config.attention
        if config.device_map is not None:
            options["device_map"] = config.device_map
        if config.quantisation is not None:
            options |= _quantised(config, where, options["dtype"])
        try:
            with torch.random.fork_rng(devices=[]):
                self.processor: Any = AutoProcessor.from_pretrained(folder)
                model: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(
                    folder, use_safetensors=True, local_files_only=True, **options
                )
        except Exception as err:  # transformers and safetensors raise many kinds
            raise WeightsError(
                f"Qwen2.5-VL in {folder} cannot be loaded: {type(err).__name__}: {err}"
            ) from err
        if "device_map" not in options:
            model = model.to(where)
        self.model: Any = model.eval()
        self.grammars = GrammarCache(
            self.processor.tokenizer, int(model.config.text_config.vocab_size)
        )
        self._lock = threading.Lock()

    def answer(self, question: Question, config: QwenVLConfig) -> str:
        """Return what the model writes."""
        inputs = self.inputs(question, config).to(self.model.device)
        processors = self.grammars.processors(question.schema, config.grammar)
        processors.append(_Told(inputs["input_ids"].shape[1], question.max_new_tokens))
        if question.temperature > 0:
            processors.append(GumbelDraw(question.temperature, question.top_p, question.seed))
        settings = self._generation(question.max_new_tokens)
        with self._lock, torch.inference_mode():
            tokens = self.model.generate(
                **inputs, generation_config=settings, logits_processor=processors
            )
        new = tokens[:, inputs["input_ids"].shape[1] :]
        (text,) = self.processor.batch_decode(
            new, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def inputs(self, question: Question, config: QwenVLConfig) -> Any:
        """Return the model's inputs: tokens, patches, and the true time between frames."""
        messages: list[dict[str, Any]] = [
            {
                "role": "user",
                "content": [{"type": "video"}, {"type": "text", "text": question.text}],
            }
        ]
        for turn in question.turns:
            messages.append({"role": "assistant", "content": [_text(turn.answer)]})
            messages.append({"role": "user", "content": [_text(turn.reply)]})
        prompt = self.processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        return self.processor(
            text=[prompt],
            videos=[question.clip.frames.copy()],  # torch wants to be allowed to write
            video_metadata=[_metadata(question.clip)],
            do_sample_frames=False,
            # both bounds are per frame; the total is bounded by max_frames
            size={"shortest_edge": config.min_pixels, "longest_edge": config.max_pixels},
            cap_pixels_per_frame=False,
            return_tensors="pt",
        )

    def _generation(self, max_new_tokens: int) -> Any:
        """Greedy decoding, whatever sampling the released generation config asks for."""
        from transformers import GenerationConfig

        saved = self.model.generation_config
        return GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=1.0,
            top_p=1.0,
            top_k=50,
            repetition_penalty=1.0,
            eos_token_id=saved.eos_token_id,
            pad_token_id=saved.pad_token_id,
        )


class _Told:
    """Changes no scores: says with every token that the model is at work."""

    def __init__(self, prompt_tokens: int, most: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._most = most

    def __call__(self, tokens: Any, scores: Any) -> Any:
        report_progress(tokens.shape[1] - self._prompt_tokens, self._most, unit="tokens at most")
        return scores


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _metadata(clip: Clip) -> Any:
    """The frame rate; without it transformers takes 24 frames per second for granted."""
    from transformers.video_utils import VideoMetadata

    count = len(clip.frames)
    return VideoMetadata(
        total_num_frames=count,
        fps=clip.fps,
        frames_indices=list(range(count)),
        duration=count / clip.fps,
        height=clip.frames.shape[1],
        width=clip.frames.shape[2],
    )


def _check_kind(folder: Path) -> None:
    try:
        kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError) as err:
        raise WeightsError(f"{folder / 'config.json'} cannot be read: {err}") from err
    if kind != "qwen2_5_vl":
        raise WeightsError(
            f"{folder} holds a model of type {kind!r}; expected qwen2_5_vl (Qwen2.5-VL)"
        )


def _dtype(config: QwenVLConfig, device: torch.device) -> torch.dtype:
    name = config.dtype
    if name == "auto":
        name = "float32" if device.type == "cpu" and config.device_map is None else "bfloat16"
    return {
        "float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16,
    }[name]  # fmt: skip


def _quantised(config: QwenVLConfig, device: torch.device, dtype: Any) -> dict[str, Any]:
    from transformers import BitsAndBytesConfig

    if device.type == "cpu" and config.device_map is None:
        raise ConfigurationError(
            f'quantisation={config.quantisation!r} needs a GPU: call .to("cuda") first, or set '
            'device_map="auto"'
        )
    four = config.quantisation == "4bit"
    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=four, load_in_8bit=not four, bnb_4bit_compute_dtype=dtype
        ),
        "device_map": config.device_map or {"": device},
    }

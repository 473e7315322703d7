"""The model on a server with OpenAI's chat interface (vLLM, SGLang, llama.cpp and the like).

The frames travel as JPEG pictures, each behind its time, which every such server understands and
which keeps the true times. The key comes from an environment variable, goes into one header, and is
nowhere else: not in a config, a message or a log.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from pavas_qwen_vl.errors import ServerError
from pavas_qwen_vl.http_json import Reply, post_json
from pavas_qwen_vl.masking import masked
from pavas_qwen_vl.weights import SIZES
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.engine import Question
    from pavas_qwen_vl.frames import Clip

__all__ = ["ServerEngine"]

_JPEG_QUALITY = 90
_LONGEST_WAIT_S = 60.0
_SHOWN_CHARACTERS = 300


class ServerEngine:
    """Asks a server; as many questions at a time as it may be asked.

    Args:
        config: Settings of the server; those of a question come with it.
    """

    def __init__(self, config: QwenVLConfig) -> None:
        self.parallel = config.max_concurrency
        self._slots = threading.BoundedSemaphore(config.max_concurrency)

    def answer(self, question: Question, config: QwenVLConfig) -> str:
        """Return what the model writes.

        Raises:
            ServerError: The server refused, failed, or did not answer, as often as allowed.
        """
        url = config.server_url.rstrip("/") + "/chat/completions"
        data = _request(question, config)
        key = _key(config)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        wait_s = config.retry_wait_s
        for left in range(config.server_retries, -1, -1):
            with self._slots:
                reply = post_json(url, data, headers=headers, timeout_s=config.timeout_s)
            if reply.status == 200:
                return _content(reply, url, key)
            if left == 0 or not _may_help(reply.status):
                break
            pause_s = max(wait_s, reply.retry_after_s or 0.0)
            time.sleep(min(pause_s, _LONGEST_WAIT_S))
            wait_s *= 2
        raise _failure(reply, url, key, config)


def _key(config: QwenVLConfig) -> str:
    key = os.environ.get(config.server_key_variable, "").strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise ConfigurationError(
            f"the key in {config.server_key_variable} holds characters that no key has; set it again"
        )
    return key


def _request(question: Question, config: QwenVLConfig) -> dict[str, Any]:
    content = _pictures(question.clip)
    content.append({"type": "text", "text": question.text})
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    for turn in question.turns:
        messages.append({"role": "assistant", "content": turn.answer})
        messages.append({"role": "user", "content": turn.reply})
    data: dict[str, Any] = {
        "model": SIZES.get(config.model, config.model),
        "messages": messages,
        "max_tokens": question.max_new_tokens,
        "temperature": question.temperature,
        "top_p": question.top_p,
        "seed": question.seed,
    }
    if config.server_schema:
        data["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": question.schema, "strict": True},
        }
    return data


def _pictures(clip: Clip) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for frame, time_s in zip(clip.frames, clip.times_s, strict=True):
        out.append({"type": "text", "text": f"{time_s:.2f} s:"})
        out.append({"type": "image_url", "image_url": {"url": _data_url(frame)}})
    return out


def _data_url(frame: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, format="JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _may_help(status: int | None) -> bool:
    """Whether asking again may help."""
    return status is None or status in (408, 425, 429) or status >= 500


def _content(reply: Reply, url: str, key: str) -> str:
    try:
        content = json.loads(masked(reply.body, key))["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as err:
        raise ServerError(
            f"{url} replied without choices[0].message.content: {_shown(reply.body, key)!r}; is it "
            "a server with OpenAI's chat interface?",
            status=reply.status,
        ) from err
    if isinstance(content, list):  # content in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else masked(str(content), key)


def _failure(reply: Reply, url: str, key: str, config: QwenVLConfig) -> ServerError:
    said = _shown(reply.body, key)
    if reply.status is None:
        hint = f"is it running? (server_url={config.server_url!r}, timeout_s={config.timeout_s:g})"
        return ServerError(f"{url} could not be asked: {said}; {hint}")
    hints = {
        400: "it may not know response_format: server_schema=False, or take fewer frames "
        "(max_frames=...): it may limit the pictures of a prompt",
        401: f"put the key into the environment variable {config.server_key_variable}",
        403: f"put the key into the environment variable {config.server_key_variable}",
        404: f"is server_url complete (.../v1), and does it serve {config.model!r} (model=...)?",
        413: "the question is too large: fewer or smaller frames (max_frames=..., max_pixels=...)",
    }
    hint = hints.get(reply.status, "see the log of the server")
    return ServerError(
        f"{url} replied with status {reply.status}: {said!r}; {hint}", status=reply.status
    )


def _shown(body: str, key: str) -> str:
    """The start of a reply; some servers repeat the key in their complaint."""
    return " ".join(masked(body, key).split())[:_SHOWN_CHARACTERS]

"""Decoding that keeps to a JSON schema, by xgrammar where it is installed."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any, Literal

from pavas_sdk.errors import MissingPluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GrammarCache"]


class GrammarCache:
    """Compiled grammars of one tokenizer.

    Args:
        tokenizer: Of the model.
        vocab_size: Of the model's output, which may be padded beyond the tokenizer's.
    """

    def __init__(self, tokenizer: Any, vocab_size: int) -> None:
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._compiler: Any = None
        self._compiled: dict[str, Any] = {}

    def processors(
        self, schema: Mapping[str, Any], mode: Literal["auto", "required", "off"]
    ) -> list[Any]:
        """Return the logits processors for one call of ``generate``: each can be used only once.

        Args:
            schema: JSON schema of the answer.
            mode: See `QwenVLConfig.grammar`.

        Raises:
            MissingPluginError: It is required, and xgrammar is not installed.
        """
        if mode == "off":
            return []
        if importlib.util.find_spec("xgrammar") is None:
            if mode == "auto":
                return []
            raise MissingPluginError(
                'grammar="required" needs the package xgrammar: '
                "pip install 'pavas-qwen-vl[grammar]'"
            )
        import xgrammar

        if self._compiler is None:
            info = xgrammar.TokenizerInfo.from_huggingface(
                self._tokenizer, vocab_size=self._vocab_size
            )
            self._compiler = xgrammar.GrammarCompiler(info)
        text = json.dumps(schema)
        if text not in self._compiled:
            self._compiled[text] = self._compiler.compile_json_schema(text, any_whitespace=False)
        return [xgrammar.contrib.hf.LogitsProcessor(self._compiled[text])]

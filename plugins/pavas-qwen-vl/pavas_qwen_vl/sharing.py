"""One engine for all components that ask for the same: both slots share one loaded model.

The pool holds engines weakly. Each component holds its engine until `unload`; with the last of
them the memory goes.
"""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pavas_qwen_vl.config import QwenVLConfig
    from pavas_qwen_vl.engine import Engine

__all__ = ["engine_for", "free_memory"]

_engines: weakref.WeakValueDictionary[Hashable, Any] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def engine_for(config: QwenVLConfig, device: Any = None, dtype: Any = None) -> Engine:
    """Return the engine for these settings: the one that is loaded already, or a new one.

    Args:
        config: Settings.
        device: Where the model is, or None for the CPU.
        dtype: Its number format, or None for that of the config.

    Raises:
        PavasError: Packages or weights are missing, or they do not fit.
    """
    if config.engine == "server":
        limits = (config.server_url, config.server_key_variable, config.max_concurrency)
        return _shared(("server", *limits), lambda: _server(config))
    key = (
        config.model, config.revision, config.dtype, config.quantisation, config.device_map,
        config.attention, str(device), str(dtype),
    )  # fmt: skip
    return _shared(key, lambda: _local(config, device, dtype))


def _shared(key: Hashable, make: Callable[[], Engine]) -> Engine:
    with _lock:
        engine: Engine | None = _engines.get(key)
        if engine is None:
            engine = make()
            _engines[key] = engine
        return engine


def _local(config: QwenVLConfig, device: Any, dtype: Any) -> Engine:
    from pavas_qwen_vl.weights import model_folder

    folder = model_folder(config)  # before the imports, which take seconds
    from pavas_qwen_vl.transformers_engine import TransformersEngine

    return TransformersEngine(folder, config, device, dtype)


def _server(config: QwenVLConfig) -> Engine:
    from pavas_qwen_vl.server_engine import ServerEngine

    return ServerEngine(config)


def free_memory() -> None:
    """Give back what nobody holds any more, on the GPU too."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()

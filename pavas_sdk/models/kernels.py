"""The one door to faster kernels: a method marked :func:`accelerated` may be run by them.

The kernels lie in ``pavas_sdk.models.cpu``. Nothing else names that package: without it, or with
``PAVAS_CPU_KERNELS=0`` in the environment, the networks run as they are written and give the same
numbers to rounding, slower.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]

__all__ = ["accelerated", "find_kernel"]

_PACKAGE = "pavas_sdk.models.cpu"

P = ParamSpec("P")
R = TypeVar("R")


def accelerated(plain: Callable[P, R]) -> Callable[P, R]:
    """Let a kernel run a function or method, where there is one of its qualified name.

    The kernel is called as ``kernel(plain, *args, **kwargs)`` and returns what ``plain(*args,
    **kwargs)`` would, of which it makes use where it does not apply. Where gradients are wanted, only
    a kernel that knows them runs; while a compiler traces, ``plain`` does.
    """
    name = plain.__qualname__

    @functools.wraps(plain)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling():
            return plain(*args, **kwargs)
        kernel = find_kernel(name, gradients=torch.is_grad_enabled())
        if kernel is None:
            return plain(*args, **kwargs)
        result: R = kernel(plain, *args, **kwargs)
        return result

    return run


def find_kernel(name: str, *, gradients: bool = False) -> Kernel | None:
    """Return the kernel for the function of that qualified name, or None.

    None without a kernel, without the package of the kernels, and where they are switched off.

    Args:
        name: Qualified name.
        gradients: Of those that know gradients, not of those that know none.
    """
    if os.environ.get("PAVAS_CPU_KERNELS") == "0":
        return None
    return _load(name, gradients)


@functools.cache
def _load(name: str, gradients: bool) -> Kernel | None:
    try:
        package = importlib.import_module(_PACKAGE)
    except ModuleNotFoundError as err:
        if err.name != _PACKAGE:
            raise
        return None
    kernels = package.GRADIENT_KERNELS if gradients else package.KERNELS
    target: str | None = kernels.get(name)
    if target is None:
        return None
    module, function = target.split(":")
    kernel: Kernel = getattr(importlib.import_module(f"{_PACKAGE}.{module}"), function)
    return kernel

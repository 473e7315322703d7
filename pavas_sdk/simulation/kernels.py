"""The one way this room compiles its inner loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kernel"]

F = TypeVar("F", bound="Callable[..., object]")


def kernel(*, fast: bool = False, inline: bool = False) -> Callable[[F], F]:
    """Compiles a function with numba, keeping its type for the type checker.

    Kernels are cached on disk and release the interpreter lock. The cache of a file does not know
    that a kernel of another file which it calls has changed: after editing one, delete the
    ``__pycache__`` of this folder.

    Args:
        fast: Let the compiler reorder floating-point sums and leave divisions by zero unchecked; for
            pictures, not for physics.
        inline: Copy the body into callers.
    """

    def compiled(function: F) -> F:
        compiler = njit(
            cache=True,
            nogil=True,
            fastmath=fast,
            # without a check at every division
            error_model="numpy" if fast else "python",
            inline="always" if inline else "never",
        )
        return cast("F", compiler(function))

    return compiled

"""Casting without lines that say nothing."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["without_empty_warnings"]

_LOGGER = "diffusers.models.modeling_utils"
_EMPTY = "that should be kept in float32: []"


class _SaysSomething(logging.Filter):
    """Drops diffusers' warning of modules to keep in float32 where it names none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is of use."""
        return _EMPTY not in record.getMessage()


@contextmanager
def without_empty_warnings() -> Iterator[None]:
    """While the block runs, leave out diffusers' warning about an empty list of modules.

    diffusers 0.42 takes "no such modules" for an empty list and warns of it, once per network.
    """
    logger, quiet = logging.getLogger(_LOGGER), _SaysSomething()
    logger.addFilter(quiet)
    try:
        yield
    finally:
        logger.removeFilter(quiet)

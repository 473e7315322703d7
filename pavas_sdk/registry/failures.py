"""What went wrong with a plugin: never fatal, never silent."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PluginFailure", "Stage", "failure_lines"]

Stage = Literal["find", "import", "register", "components", "commands"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFailure:
    """A plugin that could not be used.

    Attributes:
        plugin: Name of its entry point.
        distribution: Name of the distribution that brings it, "" when unknown.
        version: Version of that distribution, "" when unknown.
        stage: What was being done: ``find`` (asked for in PAVAS_PLUGINS but not installed),
            ``import``, ``register`` (hooks that do not exist or take other arguments),
            ``components`` (the hook raised or returned something else), ``commands``.
        error: What was raised.
    """

    plugin: str
    distribution: str
    version: str
    stage: Stage
    error: BaseException

    @property
    def summary(self) -> str:
        """One line: which plugin, at which stage, and the error."""
        owner = f"{self.distribution} {self.version}".strip()
        who = self.plugin if owner in ("", self.plugin) else f"{self.plugin} ({owner})"
        text = " ".join(str(self.error).split()) or "no message"
        return f"{who} failed at {self.stage}: {type(self.error).__name__}: {text}"

    @property
    def traceback(self) -> str:
        """The full traceback."""
        return "".join(traceback.format_exception(self.error))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "plugin": self.plugin,
            "distribution": self.distribution,
            "version": self.version,
            "stage": self.stage,
            "error": f"{type(self.error).__name__}: {self.error}",
        }


def failure_lines(failures: Iterable[PluginFailure]) -> str:
    """Return an indented block naming the failures, or "" when there are none."""
    lines = [f"  {failure.summary}" for failure in failures]
    return "\nPlugins that failed to load:\n" + "\n".join(lines) if lines else ""

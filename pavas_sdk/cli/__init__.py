"""The ``pavas`` command: one file per verb, each imported when it is typed."""

from __future__ import annotations

from pavas_sdk.cli.main import main

__all__ = ["main"]

"""One self-contained HTML page about a clip: picture, physics and sound on one time axis."""

from __future__ import annotations

from pavas_sdk.report.page import ReportInput, write_report

__all__ = ["ReportInput", "write_report"]

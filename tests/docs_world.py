"""The commands of the documentation: the lines of its blocks, and which of them run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    """The texts of a page's blocks."""
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == language]


def commands(page):
    """The commands of a page's blocks, without remarks; a line that goes on is one."""
    found = []
    for language in ("bash", "text"):
        for text in blocks(page, language):
            lines = re.sub(r" *\\\n *", " ", text).splitlines()
            found += [re.split(r" {3,}#", line)[0].strip() for line in lines]
    return [line for line in found if line.startswith("pavas ")]


def runs_alone(line):
    """Whether a command needs no file but those of a clone."""
    known = "examples/clips/" in line or line.startswith(
        ("pavas plugins list", "pavas models list", "pavas simulate")
    )
    return known and "out/bouncing" not in line and ">" not in line

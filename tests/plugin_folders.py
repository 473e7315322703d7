"""Plugins made for a test and found as installed ones are: a dist-info folder on ``sys.path``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def module_name(distribution: str) -> str:
    """Return the module of a distribution that `write_plugin` makes."""
    return distribution.replace("-", "_").replace(".", "_").lower()


def write_plugin(
    folder: Path,
    distribution: str,
    source: str,
    *,
    version: str = "1.2.3",
    licence: str = "MIT",
    entry_point: str | None = None,
) -> str:
    """Write a module and the metadata that an installer would leave; return the module's name."""
    module = module_name(distribution)
    (folder / f"{module}.py").write_text(textwrap.dedent(source))
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\n"
        f"License-Expression: {licence}\n"
    )
    (info / "entry_points.txt").write_text(
        f"[pavas_sdk.plugins]\n{distribution} = {entry_point or module}\n"
    )
    return module


GOOD = """
    from pavas_sdk import ComponentSpec, hookimpl
    from pavas_sdk.testing import DensityMassEstimator


    @hookimpl
    def pavas_register_components():
        yield ComponentSpec("mass_estimator", "area", "{module}:Area", summary="by area")


    class Area(DensityMassEstimator):
        pass
"""


def good_plugin(folder: Path, distribution: str, **options) -> str:
    """Write a plugin whose mass estimator ``area`` works."""
    source = GOOD.replace("{module}", module_name(distribution))
    return write_plugin(folder, distribution, source, **options)


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    """An empty folder on ``sys.path``; what was imported from it is forgotten afterwards."""
    import sys

    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]

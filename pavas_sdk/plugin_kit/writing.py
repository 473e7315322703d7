"""Writing the files of a plugin: all of them or none."""

from __future__ import annotations

import os
import shutil
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from pavas_sdk import __version__
from pavas_sdk.data.files import make_folder, write_failure
from pavas_sdk.data.temporary_names import temporary_name
from pavas_sdk.errors import ConfigurationError, OutputExistsError
from pavas_sdk.plugin_kit.kinds import PLUGIN_KINDS
from pavas_sdk.plugin_kit.names import PluginNames, plugin_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["write_plugin"]


def write_plugin(
    distribution: str,
    kind: str,
    folder: str | Path,
    *,
    component: str | None = None,
    licence: str = "Apache-2.0",
    weights: str | Path | None = None,
) -> Path:
    """Write a distribution that installs, is found, and passes its contract suite as it stands.

    Args:
        distribution: Its name; see `plugin_names`.
        kind: One of `PLUGIN_KINDS`.
        folder: Is made; must not exist, or be empty.
        component: Name of the component; see `plugin_names`.
        licence: SPDX expression, of the code that will be written.
        weights: For a ``pipeline``: the folder of a saved pipeline, which is copied into the package.

    Returns:
        The folder.

    Raises:
        ConfigurationError: A name that cannot be one, or weights missing or given for nothing.
        OutputExistsError: The folder holds something.
        OutputError: It cannot be written.
    """
    names = plugin_names(distribution, kind, component)
    saved = _saved_pipeline(kind, weights)
    texts = _texts(names, kind, licence)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputExistsError(f"{folder} exists and is kept; choose another folder with --out")
    make_folder(folder.parent)
    temporary = folder.with_name(temporary_name(folder.name))
    try:
        for path, text in texts.items():
            file = temporary / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if saved is not None:
            shutil.copytree(saved, temporary / names.package / "weights")
        if folder.is_dir():
            folder.rmdir()
        os.replace(temporary, folder)  # noqa: PTH105 - the atomic call, by its own name
    except OSError as err:
        raise write_failure(folder, err) from err
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _saved_pipeline(kind: str, weights: str | Path | None) -> Path | None:
    if kind != "pipeline":
        if weights is not None:
            raise ConfigurationError(f"weights belong to a pipeline, not to a {kind}")
        return None
    if weights is None or not (Path(weights) / "model_index.json").is_file():
        raise ConfigurationError(
            f"a pipeline needs the folder of a saved pipeline, got {weights}; write one with "
            "pipe.save_pretrained(...)"
        )
    return Path(weights)


def _texts(names: PluginNames, kind: str, licence: str) -> dict[str, str]:
    """The files of the plugin: text by path."""
    entry = PLUGIN_KINDS[kind]
    major, minor = __version__.split(".")[:2]
    own = f"pavas-sdk>={major}.{minor},<{major}.{int(minor) + 1}"
    needs = "".join(f'  "{name}",\n' for name in (own, *entry.dependencies))
    fields = {
        "distribution": names.distribution,
        "package": names.package,
        "component": names.component,
        "class_name": names.class_name,
        "kind": kind,
        "kind_words": kind.replace("_", " "),
        "module": entry.module,
        "summary": entry.summary,
        "licence": licence,
        "dependencies": needs,
        "next_step": entry.next_step,
    }
    shared = "command" if kind == "command" else "component"
    lazy = "plain" if entry.is_function else "lazy"
    return {
        "pyproject.toml": _filled("shared/pyproject.toml", fields),
        "README.md": _filled(f"shared/README_{shared}.md", fields)
        + _filled(f"{kind}/usage.md", fields)
        + _filled("shared/README_end.md", fields),
        ".gitignore": _filled("shared/gitignore", fields),
        ".github/workflows/test.yml": _filled("shared/test.yml", fields),
        f"{names.package}/__init__.py": _filled(f"shared/init_{lazy}.py", fields),
        f"{names.package}/plugin.py": _filled(f"shared/plugin_{shared}.py", fields),
        f"{names.package}/{entry.module}.py": _filled(f"{kind}/module.py", fields),
        f"{names.package}/py.typed": "",
        "tests/test_contract.py": _filled(f"{kind}/test_contract.py", fields),
    }


def _filled(name: str, fields: Mapping[str, str]) -> str:
    """A template of this package with its fields filled; one that is missing is a bug."""
    text = resources.files("pavas_sdk.plugin_kit").joinpath(f"templates/{name}.txt")
    return Template(text.read_text(encoding="utf-8")).substitute(fields)

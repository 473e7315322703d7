import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pavas_sdk.models as models

EXPORTS = {name: module for module, names in models._EXPORTS.items() for name in names}
SOURCE = ast.parse(Path(models.__file__).read_text())


def test_import_loads_no_torch():
    code = "import sys, pavas_sdk.models; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_three_lists_of_names_agree():
    typed = {
        alias.name
        for node in ast.walk(SOURCE)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pavas_sdk")
        for alias in node.names
    }
    assert set(EXPORTS) == set(models.__all__) == typed
    assert set(models.__all__) <= set(dir(models))


@pytest.mark.parametrize("name", models.__all__)
def test_every_name_loads_and_is_documented(name):
    value = getattr(models, name)
    module = import_module(f"pavas_sdk.models.{EXPORTS[name]}")
    assert name in module.__all__
    if isinstance(value, type) or callable(value):
        assert value.__doc__


def test_unknown_name():
    with pytest.raises(AttributeError, match="attribute Transformer"):
        _ = models.Transformer

"""The plugin uses public names only, and nothing of ImageBind is imported before it is asked for."""

import ast
from pathlib import Path

import pavas_imagebind
import pytest

OPEN = {
    "pavas_sdk",
    "pavas_sdk.errors",
    "pavas_sdk.interfaces",
    "pavas_sdk.data",
    "pavas_sdk.models",
}
OPEN |= {"pavas_sdk.interfaces.metric_extractor"}  # a type


@pytest.mark.parametrize(
    "file", sorted(Path(pavas_imagebind.__file__).parent.glob("*.py")), ids=str
)
def test_imports(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            assert not name.startswith("imagebind")
            assert not name.startswith("pavas_") or name in OPEN | {"pavas_imagebind.extractors"}

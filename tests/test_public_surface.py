"""The public names: few, importable, written once per place, and documented."""

import ast
import importlib
import inspect
import pkgutil
from importlib.metadata import version
from pathlib import Path

import pytest

import pavas_sdk

ROOMS = sorted(
    f"pavas_sdk.{module.name}"
    for module in pkgutil.iter_modules(pavas_sdk.__path__)
    if module.ispkg
)
LAZY = [
    name for name in ("pavas_sdk", *ROOMS) if hasattr(importlib.import_module(name), "_EXPORTS")
]


def exports(module) -> dict[str, str]:
    """Lazy names and the submodules that hold them."""
    return {name: room for room, names in module._EXPORTS.items() for name in names}


def typed_names(module) -> set[str]:
    """Names imported under TYPE_CHECKING in a package's ``__init__``."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pavas_sdk")
        for alias in node.names
    }


@pytest.mark.parametrize("name", LAZY)
def test_lazy_names_are_written_the_same_in_all_places(name):
    module = importlib.import_module(name)
    listed = set(module.__all__) - {"__version__"}
    assert set(exports(module)) <= listed
    assert set(exports(module)) <= typed_names(module)
    assert set(exports(module)) <= set(dir(module))


def test_the_top_is_short():
    kinds = list(exports(pavas_sdk).values())
    assert 25 <= len(kinds) - kinds.count("errors") <= 40
    assert set(pavas_sdk.__all__) - {"__version__"} == set(exports(pavas_sdk))


@pytest.mark.parametrize("name", ["pavas_sdk", *ROOMS, "pavas_sdk.errors"])
def test_everything_listed_is_there(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert getattr(module, public) is not None
    assert list(getattr(module, "__all__", ())) == list(
        dict.fromkeys(getattr(module, "__all__", ()))
    )


@pytest.mark.parametrize("name", exports(pavas_sdk))
def test_every_public_name_is_documented(name):
    thing = getattr(pavas_sdk, name)
    assert inspect.getdoc(thing) or not callable(thing)
    if not inspect.isclass(thing):
        return
    for member, value in vars(thing).items():
        if member.startswith("_") or not (inspect.isfunction(value) or isinstance(value, property)):
            continue
        assert inspect.getdoc(getattr(thing, member)), f"{name}.{member} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute nothing"):
        _ = pavas_sdk.nothing


def test_the_version_is_that_of_the_distribution():
    assert pavas_sdk.__version__ == version("pavas-sdk")


def test_types_are_shipped():
    assert (Path(pavas_sdk.__file__).parent / "py.typed").is_file()


def test_every_error_is_in_the_tree_and_exported():
    from pavas_sdk import errors

    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, (errors.PavasError, errors.PavasWarning))
    }
    assert classes == set(errors.__all__)
    assert classes == {name for name, room in exports(pavas_sdk).items() if room == "errors"}
    drawn = errors.__doc__ or ""
    for name in classes:
        assert name in drawn or issubclass(getattr(errors, name), errors.PavasWarning)

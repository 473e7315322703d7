"""Plugins that raise, print, hang or return anything, at import or in a hook."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from plugin_folders import good_plugin, write_plugin

from pavas_sdk.errors import PavasError
from pavas_sdk.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

RAISES = (
    "raise SystemExit(5)", "raise KeyboardInterrupt", "raise GeneratorExit", "raise BaseException('x')",
    "class Stop(BaseException): pass\nraise Stop", "raise MemoryError", "raise RecursionError",
    "raise UnicodeError('\\ud800')", "1/0", "import no_such_module_at_all", "def broken(:", "raise StopIteration",
    "print('x' * 100)", "import sys; sys.stdout = None", "def f(): f()\nf()", "raise ExceptionGroup('x', [ValueError()])", "import threading, time; threading.Thread(target=time.sleep, args=(0.2,)).start()", "import os; os.environ['PAVAS_PLUGINS'] = ''",
)  # fmt: skip
ANSWERS = (
    "return None", "return 5", "return ['x']", "return [None]", "yield 5", "return [ComponentSpec('x', 'y', 'z')]",
    "return [ComponentSpec('segmenter', 'a', 'nowhere:Nothing')]", "return [ComponentSpec('segmenter', '', ':')]",
    "return [ComponentSpec('segmenter', 'x\\x1b[31m', 'a:B')]", "return iter(int, 1)", "return [ComponentSpec('segmenter', 'x' * 10_000, 'a:B')]",
)  # fmt: skip
HEAD = "from pavas_sdk import ComponentSpec, hookimpl\n"


def prepare(folder: Path) -> None:
    """Nothing is needed."""


def case(rng: np.random.Generator, folder: Path) -> str:
    """Install a hostile plugin beside a good one: the good one must be there."""
    sys.path.insert(0, str(folder))
    stdout = sys.stdout
    name = f"acme-{int(rng.integers(10**9))}"
    hook = "@hookimpl\ndef pavas_register_components():\n"
    raises = RAISES[int(rng.integers(len(RAISES)))]
    answer = ANSWERS[int(rng.integers(len(ANSWERS)))]
    if rng.random() < 0.4:
        source = HEAD + raises
    elif rng.random() < 0.5:
        source = (
            HEAD + hook + "".join(f"    {line}\n" for line in raises.splitlines()) + "    return []"
        )
    else:
        source = HEAD + hook + f"    {answer}"
    write_plugin(folder, name, source)
    good_plugin(folder, f"{name}-good")
    environ = {
        "PAVAS_PLUGINS": f"{name},{name}-good",
        "PAVAS_PLUGIN_TIMEOUT_S": "100",  # a busy machine is no bug
    }
    try:
        found = Registry(environ=environ)
        try:
            assert found.get("mass_estimator", f"{name}-good/area").create() is not None
        except PavasError as err:
            raise AssertionError(f"the good plugin is not there: {err}") from err
        for entry in found.components("segmenter"):
            if entry.distribution == name:
                entry.load()
    finally:
        sys.path.remove(str(folder))
        sys.stdout = stdout
    return source[-40:]


def clean(folder: Path) -> None:
    """Forget a case."""
    shutil.rmtree(folder, ignore_errors=True)

"""Runs hostile cases one after the other and says a line of JSON about each.

``worker.py KIND SEED FIRST COUNT FOLDER``: case number k depends on KIND, SEED and k alone, so a
bug is made again by its number. A case is "fine" (it worked), "typed" (a `PavasError`), or a bug.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import signal
import sys
import traceback
import zlib
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from pavas_sdk.errors import PavasError  # noqa: E402  # behind the search path

LIMIT_S = 120  # unless the kind has its own
KINDS = ("media", "documents", "folders", "servers", "plugins", "kills", "disk")


def hang(*_: object) -> None:
    raise TimeoutError("no end within the time for a case")


def outcome(kind, rng: np.random.Generator, folder: Path) -> dict[str, str]:
    """Run one case."""
    signal.alarm(getattr(kind, "LIMIT_S", LIMIT_S))
    try:
        return {"result": "fine", "what": str(kind.case(rng, folder) or "")}
    except PavasError as err:
        return {"result": "typed", "what": f"{type(err).__name__}: {str(err)[:200]}"}
    except BaseException as err:  # noqa: BLE001  # that is what is looked for
        frames = traceback.extract_tb(err.__traceback__)
        ours = [
            frame
            for frame in frames
            if "pavas" in frame.filename and "site-packages" not in frame.filename
        ]
        where = (ours or frames)[-1]
        text = (
            f"{type(err).__name__}: {str(err)[:300]} ({Path(where.filename).name}:{where.lineno})"
        )
        return {"result": "bug", "what": text}
    finally:
        signal.alarm(0)


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[5])
    seed, first, count = map(int, sys.argv[2:5])
    faulthandler.enable()
    signal.signal(signal.SIGALRM, hang)
    module = importlib.import_module(f"hostile_{kind}")
    module.prepare(folder)
    report, sys.stdout = sys.stdout, sys.stderr
    for number in range(first, first + count):
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
        here = folder / f"case-{number}"
        module.clean(here)  # of a campaign that was ended in the middle
        here.mkdir()
        print(json.dumps({"case": number, **outcome(module, rng, here)}), file=report, flush=True)
        module.clean(here)


if __name__ == "__main__":
    main()

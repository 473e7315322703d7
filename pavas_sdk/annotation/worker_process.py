"""The process of a local worker: ``python -m pavas_sdk.annotation.worker_process``."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


def main() -> None:
    """Read the setup, then one item a line; tell what happens, one JSON object a line."""
    # what anybody prints goes to the log: the pipe to the driver holds messages alone
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    items: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_receive, args=(items,), name="pavas-input", daemon=True).start()
    setup = items.get()
    from pavas_sdk.annotation.work import attempt, build_work, describe

    _use_threads(int(setup["threads"]))
    try:
        work = build_work(setup)
    # Whatever it is, the driver is told; without its models a worker is of no use.
    except Exception as err:  # noqa: BLE001
        _tell(pipe, "refused", describe(err))
        return
    _tell(pipe, "ready", {"pid": os.getpid()})
    while True:
        item = items.get()
        _tell(pipe, "started", {})
        _tell(pipe, "done", attempt(work, item).to_json())


def _receive(items: queue.Queue[dict[str, Any]]) -> None:
    """Take items; when the driver is gone, end at once, whatever is being done."""
    for line in sys.stdin:
        items.put(json.loads(line))
    os._exit(0)


def _tell(pipe: TextIO, kind: str, value: Mapping[str, Any]) -> None:
    try:
        pipe.write(json.dumps({"kind": kind, "value": value}) + "\n")
        pipe.flush()
    except OSError:  # the driver is gone
        os._exit(0)


def _use_threads(count: int) -> None:
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


if __name__ == "__main__":
    main()

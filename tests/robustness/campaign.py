"""Counts what became of many hostile cases; a crash or a hang of the process is one case's bug."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

WORKER = Path(__file__).parent / "worker.py"
SILENT_S = 600.0  # a busy machine is no bug


@dataclass
class Tally:
    """What became of the cases of one kind."""

    tried: int = 0
    typed: int = 0
    fine: int = 0
    bugs: list[str] = field(default_factory=list)

    def add(self, number: int, result: str, what: str) -> None:
        """Count a case."""
        self.tried += 1
        self.typed += result == "typed"
        self.fine += result == "fine"
        if result == "bug":
            self.bugs.append(f"case {number}: {what}")


def run_campaign(kind: str, *, seed: int, count: int, folder: Path, first: int = 0) -> Tally:
    """Run cases in processes of their own; one that dies or is silent ends one case, not all."""
    tally, number, end = Tally(), first, first + count
    while number < end:
        number = _run(kind, seed, number, end - number, folder, tally)
    return tally


def _run(kind: str, seed: int, first: int, count: int, folder: Path, tally: Tally) -> int:
    """Return the number of the first case that was not run."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PAVAS_CACHE": str(folder / "cache"),
        "no_proxy": "*",
    }
    command = [sys.executable, str(WORKER), kind, str(seed), str(first), str(count), str(folder)]
    errors = folder / f"{kind}-errors.txt"
    with errors.open("ab") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
        )
    lines: queue.Queue[str | None] = queue.Queue()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    number = first
    why = "it was silent"
    while number < first + count:
        try:
            line = lines.get(timeout=SILENT_S)
        except queue.Empty:
            break
        if line is None:
            why = f"the process ended with code {process.wait()}"
            break
        said = json.loads(line)
        tally.add(said["case"], said["result"], said["what"])
        number = said["case"] + 1
    else:
        process.wait(timeout=60)
        listener.join()
        return number
    process.kill()
    process.wait()
    listener.join()
    tail = errors.read_text("utf-8", "replace")[-600:]
    tally.add(number, "bug", f"{why}: {tail}")
    return number + 1


def main() -> None:
    """``campaign.py KIND SEED FIRST COUNT FOLDER``: the long form, appended to FOLDER/KIND.json."""
    kind, folder = sys.argv[1], Path(sys.argv[5])
    seed, first, count = map(int, sys.argv[2:5])
    folder.mkdir(parents=True, exist_ok=True)
    tally = run_campaign(kind, seed=seed, count=count, folder=folder, first=first)
    facts = {"kind": kind, "seed": seed, "first": first, **vars(tally)}
    with (folder / f"{kind}.json").open("a") as report:
        report.write(json.dumps(facts) + "\n")
    print(json.dumps({**facts, "bugs": len(tally.bugs)}))
    for bug in tally.bugs:
        print(bug)


if __name__ == "__main__":
    main()

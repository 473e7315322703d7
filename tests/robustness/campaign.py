"""Counts what became of many hostile cases; a crash or a hang of the process is one case's bug.

``campaign.py KIND SEED FIRST COUNT FOLDER`` keeps a line of JSON per case in FOLDER/KIND-SEED.jsonl. Run
again, it goes on where it was ended; cases that were bugs are run again.
"""

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
    report: Path | None = None

    def add(self, number: int, result: str, what: str) -> None:
        """Count a case, and keep a line about it."""
        if self.report is not None:
            line = json.dumps({"case": number, "result": result, "what": what})
            with self.report.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}")  # apart from a line that was torn
        self.tried += 1
        self.typed += result == "typed"
        self.fine += result == "fine"
        if result == "bug":
            self.bugs.append(f"case {number}: {what}")


def run_campaign(
    kind: str,
    *,
    seed: int,
    count: int,
    folder: Path,
    first: int = 0,
    report: Path | None = None,
) -> Tally:
    """Run cases in processes of their own; one that dies or is silent ends one case, not all.

    With a ``report``, cases that it has (but for bugs) are counted and not run again.
    """
    tally, wanted = Tally(), range(first, first + count)
    done = {} if report is None else results_in(report)
    for number in wanted:
        if number in done:
            tally.add(number, done[number], "")
    tally.report = report
    number = first
    while number < wanted.stop:
        if number in done:
            number += 1
            continue
        end = next((k for k in range(number, wanted.stop) if k in done), wanted.stop)
        number = _run(kind, seed, number, end - number, folder, tally)
    return tally


def results_in(report: Path) -> dict[int, str]:
    """Return what became of each case of a report, without bugs; a torn last line does not count."""
    done: dict[int, str] = {}
    if not report.exists():
        return done
    for line in report.read_text("utf-8").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        done[said["case"]] = said["result"]
    return {number: result for number, result in done.items() if result != "bug"}


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
    """See the head of the file."""
    kind, folder = sys.argv[1], Path(sys.argv[5])
    seed, first, count = map(int, sys.argv[2:5])
    folder.mkdir(parents=True, exist_ok=True)
    tally = run_campaign(
        kind,
        seed=seed,
        count=count,
        folder=folder,
        first=first,
        report=folder / f"{kind}-{seed}.jsonl",
    )
    facts = {"tried": tally.tried, "typed": tally.typed, "fine": tally.fine}
    print(json.dumps({"kind": kind, "seed": seed, **facts, "bugs": len(tally.bugs)}))
    print("\n".join(tally.bugs))


if __name__ == "__main__":
    main()

"""How long the first answer takes: import, help, listings, each in a fresh process.

    uv run python benchmarks/startup.py [--repeats 10]

Prints the median and the best wall time and the CPU time of each. The first run of each is left
out: it writes byte code.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import subprocess
import sys
import time

CASES = {
    "python -c pass": ["-c", "pass"],
    "import pavas_sdk": ["-c", "import pavas_sdk"],
    "import pavas_sdk.data": ["-c", "import pavas_sdk.data"],
    "pavas --help": ["-c", "from pavas_sdk.cli import main; main()", "--help"],
    "pavas plugins list": ["-c", "from pavas_sdk.cli import main; main()", "plugins", "list"],
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    print(f"python {platform.python_version()}, {repeats} runs each, seconds")
    print(f"{'case':<24}{'median':>8}{'best':>8}{'cpu':>8}")
    for name, arguments in CASES.items():
        measure(arguments)
        runs = [measure(arguments) for _ in range(repeats)]
        walls, cpus = zip(*runs, strict=True)
        print(
            f"{name:<24}{statistics.median(walls):>8.3f}{min(walls):>8.3f}"
            f"{statistics.median(cpus):>8.3f}"
        )


if __name__ == "__main__":
    main()

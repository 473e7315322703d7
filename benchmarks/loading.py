"""Peak memory and time of converting and of loading a released flow network.

No released file is needed: the official file is made here with weights seeded by name.

    python benchmarks/loading.py --variant large_44k_v2 --folder /tmp/loading

Each step runs in a process of its own and reports the largest resident set; what Python and the
imported libraries held of it before the step ("base"); and the two kinds of memory apart: the process's
own, and mapped pages of files, libraries included, which the system can take back at any time.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


KINDS = {"VmRSS": "resident_bytes", "RssAnon": "own_bytes", "RssFile": "mapped_bytes"}


def memory() -> dict[str, int]:
    """Return what the process holds at the moment (Linux)."""
    report = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        kind, _, value = line.partition(":")
        if kind in KINDS:
            report[KINDS[kind]] = 1024 * int(value.split()[0])
    return report


def watch(peaks: dict[str, int]) -> None:
    """Sample the memory for as long as the process lives."""
    while True:
        for kind, held in memory().items():
            peaks[kind] = max(peaks.get(kind, 0), held)
        time.sleep(0.02)


def make(variant: str, folder: Path) -> None:
    """Write the official file, a state dict in a .pth."""
    sys.path.insert(0, str(ROOT / "tests" / "golden"))
    import torch
    from name_seeded import fill

    from pavas_sdk.models import build_transformer

    with torch.device("meta"):
        shapes = {k: v.shape for k, v in build_transformer(variant).state_dict().items()}
    state = {name: torch.from_numpy(fill(name, shape)) for name, shape in shapes.items()}
    target = folder / f"mmaudio_{variant}.pth"
    torch.save(state, target)


def convert(variant: str, folder: Path, dtype: str) -> None:
    """Convert the official file into a component folder."""
    import torch

    from pavas_sdk.released import MMAUDIO_RELEASES
    from pavas_sdk.released.conversion import convert_component

    part = MMAUDIO_RELEASES[f"mmaudio-{variant.replace('_', '-')}"].components[0]
    convert_component(
        part,
        folder / f"mmaudio_{variant}.pth",
        folder / f"transformer-{dtype}",
        dtype=getattr(torch, dtype),
    )


def load(folder: Path, stored: str, dtype: str) -> dict[str, int]:
    """Load a component folder as a pipeline does, and touch every weight.

    Returns:
        The memory before, with everything imported that loading needs.
    """
    import torch

    from pavas_sdk.models import MMAudioTransformer
    from pavas_sdk.pipelines.saved_networks import align

    tiny = MMAudioTransformer(hidden_dim=32, num_heads=2, depth=3, fused_depth=1)
    tiny.save_pretrained(folder / "tiny")
    MMAudioTransformer.from_pretrained(folder / "tiny", dtype=getattr(torch, dtype))
    before = memory()
    net = MMAudioTransformer.from_pretrained(
        folder / f"transformer-{stored}", use_safetensors=True, dtype=getattr(torch, dtype)
    )
    align(net)
    for tensor in net.parameters():
        tensor.sum()
    return before


def step(name: str, variant: str, folder: Path, stored: str, dtype: str) -> dict[str, float]:
    """Run one step in a process of its own."""
    begin = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            __file__,
            *("--step", name, "--variant", variant, "--folder", str(folder)),
            *("--stored", stored, "--dtype", dtype),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": time.monotonic() - begin, **report}


def main() -> None:
    """Make, convert, load; print peaks and their ratio to the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", default="large_44k_v2")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--stored", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=["make", "convert", "load"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if options.step:
        peaks: dict[str, int] = {}
        threading.Thread(target=watch, args=(peaks,), daemon=True).start()
        before: dict[str, int] = {}
        if options.step == "load":
            before = load(folder, options.stored, options.dtype)
        elif options.step == "convert":
            convert(options.variant, folder, options.dtype)
        else:
            make(options.variant, folder)
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        base = before.get("resident_bytes", 0)
        print(json.dumps({"peak_bytes": 1024 * peak_kb, "base_bytes": base, **peaks}))
        return
    official = folder / f"mmaudio_{options.variant}.pth"
    if not official.exists():
        step("make", options.variant, folder, "", "")
    size = official.stat().st_size
    print(f"official file: {size / 1e9:.2f} GB", flush=True)
    kinds = ("float32", "bfloat16")
    steps = [("convert", "", k) for k in kinds if not (folder / f"transformer-{k}").exists()]
    steps += [("load", "float32", "float32"), ("load", "float32", "bfloat16")]
    steps += [("load", "bfloat16", "bfloat16")]
    for name, stored, dtype in steps:
        report = step(name, options.variant, folder, stored, dtype)
        weights = size / (2 if dtype == "bfloat16" else 1)
        peak, base = report["peak_bytes"], report["base_bytes"]
        shown = {
            "peak": peak,
            "base": base,
            "peak over base": peak - base,
            "own": report["own_bytes"],
            "mapped": report["mapped_bytes"],
        }
        print(
            f"{name:8} {stored or 'official':9} as {dtype:9} {report['seconds']:6.1f} s   "
            + "   ".join(f"{k} {v / 1e9:.2f} GB ({v / weights:.2f} x)" for k, v in shown.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()

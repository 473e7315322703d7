"""Time the released pipeline's networks beside the public MMAudio code, on the same weights.

    MMAUDIO_REFERENCE=/path/to/MMAudio python benchmarks/mmaudio.py --parts sampling,vocoder

Parts, and the ratio to the reference that each should stay below: guided 25-step ``sampling`` of
small_16k (0.85), the 16 kHz ``vocoder`` (0.7), the ``synchformer`` (0.9), ``vae`` decoding (1.0).
Weights and inputs are made from the official names (tests/golden/name_seeded.py); both sides get
the same, and their results are compared. They take turns, and the smallest of several times counts:
wall time, and CPU time, which other jobs on the machine disturb less. With ``--repeats 0`` the first
pass counts, which also compiles. Without the environment variable only our side runs;
``--durations 4,8,16,32`` then shows how one guided step grows with the length. The checkout needs ``einops``, ``omegaconf`` and ``timm``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.models import (
    FlowMatchEuler,
    build_transformer,
    build_vae,
    guidance_branches,
    guide,
    sequence_config,
)
from pavas_sdk.released import MMAUDIO_RELEASES
from pavas_sdk.released.component_weights import component_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from torch import Tensor, nn

    from pavas_sdk.released import ReleasedComponent

    Run = Callable[[], Tensor]

GUIDANCE_SCALE = 4.5
RELEASED = {part.name: part for part in MMAUDIO_RELEASES["mmaudio-small-16k"].components}
BARS = {"sampling": 0.85, "vocoder": 0.7, "synchformer": 0.9, "vae": 1.0}

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
sys.path.insert(0, str(GOLDEN))
fill = importlib.import_module("name_seeded").fill


def filled(entries: Iterable[tuple[str, Sequence[int]]]) -> dict[str, Tensor]:
    """Return name-seeded tensors for names and shapes."""
    return {name: torch.from_numpy(fill(name, shape)) for name, shape in entries}


def official(name: str) -> dict[str, Tensor]:
    """Return name-seeded tensors for the names of a released file; filters are left out."""
    entries = json.loads((GOLDEN / "mmaudio" / "keys" / f"{name}.json").read_text())["keys"]
    return filled((entry["key"], entry["shape"]) for entry in entries if not entry.get("fixed"))


def loaded(part: ReleasedComponent, weights: dict[str, Tensor]) -> Any:
    """Return the network of a released component with official weights."""
    network, tensors = component_weights(part, weights, Path("no file"))
    state = {name: tensor.read() for name, tensor in tensors.items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def own(module: nn.Module) -> dict[str, Tensor]:
    """Give a network on the meta device its name-seeded weights; return them."""
    state = filled((name, tuple(tensor.shape)) for name, tensor in module.state_dict().items())
    module.load_state_dict(state, assign=True)
    module.eval()
    return state


def reference_of(name: str, folder: str | None) -> Any:
    """Import a module of the public code, or return None without a checkout."""
    if folder is None:
        return None
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def sampling(options: argparse.Namespace, folder: str | None) -> tuple[Run, Run | None]:
    """A whole guided sampling from prepared features to latents."""
    sequence, seconds = sequence_config("small_16k"), options.seconds
    lengths = (
        sequence.latent_length(seconds),
        sequence.clip_length(seconds),
        sequence.sync_length(seconds),
    )
    shapes = {
        "x0": (1, lengths[0], 20),
        "clip_f": (1, lengths[1], 1024),
        "sync_f": (1, lengths[2], 768),
        "text_f": (1, 77, 1024),
    }
    inputs = {
        name: torch.from_numpy(fill(f"input.{name}", shape)) for name, shape in shapes.items()
    }
    with torch.device("meta"):
        network = build_transformer("small_16k")
    state = own(network)
    scheduler = FlowMatchEuler()
    times = scheduler.times(options.steps)
    branches = guidance_branches(GUIDANCE_SCALE)

    def ours() -> Tensor:
        both = network.prepare_conditions(
            torch.cat([inputs["clip_f"], network.empty_clip(1, lengths[1])]),
            torch.cat([inputs["sync_f"], network.empty_sync(1, lengths[2])]),
            torch.cat([inputs["text_f"], network.empty_text(1)]),
            lengths[0],
        )
        latents = inputs["x0"]
        for now, after in pairwise(times):
            velocity = network(latents.expand(2, -1, -1), now.expand(2), both)
            latents = scheduler.step(guide(velocity.split(1), branches), latents, now, after)
        return latents

    networks = reference_of("mmaudio.model.networks", folder)
    if networks is None:
        return ours, None
    other = networks.get_my_mmaudio("small_16k").eval()
    other.load_weights(dict(state))
    other.update_seq_lengths(*lengths)

    def theirs() -> Tensor:
        given = other.preprocess_conditions(inputs["clip_f"], inputs["sync_f"], inputs["text_f"])
        empty = other.get_empty_conditions(1)
        latents = inputs["x0"]
        for now, after in pairwise(times):
            velocity = other.ode_wrapper(now, latents, given, empty, GUIDANCE_SCALE)
            latents = latents + (after - now) * velocity
        return latents

    return ours, theirs


def vocoder(options: argparse.Namespace, folder: str | None) -> tuple[Run, Run | None]:
    """Mel spectrogram to waveform, 16 kHz."""
    weights = official("bigvgan_16k")
    network = loaded(RELEASED["bigvgan-16k"], weights)
    mel = torch.from_numpy(fill("input.mel", (1, 80, round(options.seconds * 62.5))))
    models = reference_of("mmaudio.ext.bigvgan.models", folder)
    if models is None:
        return lambda: network(mel), None
    config = importlib.import_module("omegaconf").OmegaConf.load(
        Path(str(folder)) / "mmaudio/ext/bigvgan/bigvgan_vocoder.yml"
    )
    other = models.BigVGANVocoder(config).eval()
    spelled = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): value
        for name, value in weights.items()
    }
    missing, unexpected = other.load_state_dict(spelled, strict=False)
    assert not unexpected
    assert all("filter" in name for name in missing)
    other.remove_weight_norm()
    return lambda: network(mel), lambda: other(mel)


def synchformer(options: argparse.Namespace, folder: str | None) -> tuple[Run, Run | None]:
    """Segments of 16 frames to features; 24 segments are 8 s."""
    weights = official("synchformer_visual")
    network = loaded(RELEASED["synchformer"], weights)
    count = network.config.step_frames * (options.segments + 1)
    frames = torch.from_numpy(fill("input.sync_frames", (count, 3, 224, 224)))

    def ours() -> Tensor:
        return network.encode(frames).unflatten(0, (options.segments, -1))

    module = reference_of("mmaudio.ext.synchformer", folder)
    if module is None:
        return ours, None
    other = module.Synchformer().eval()
    other.load_state_dict(weights)

    def theirs() -> Tensor:
        # as the reference's feature code does: the segments one by one
        segments = [frames[8 * k : 8 * k + 16][None, None] for k in range(options.segments)]
        return torch.cat([other(segment)[0] for segment in segments])

    return ours, theirs


def vae(options: argparse.Namespace, folder: str | None) -> tuple[Run, Run | None]:
    """Latents to mel spectrogram, 16 kHz; the reference's weights are normalised beforehand."""
    with torch.device("meta"):
        network = build_vae("16k")
    state = own(network)
    length = sequence_config("small_16k").latent_length(options.seconds)
    latents = torch.from_numpy(fill("input.z", (1, 20, length)))
    module = reference_of("mmaudio.ext.autoencoder.vae", folder)
    if module is None:
        return lambda: network.decode(latents), None
    other = module.get_my_vae("16k").eval()
    other.load_state_dict(state)
    other.remove_weight_norm()
    return lambda: network.decode(latents), lambda: other.decode(latents)


PARTS: dict[str, Callable[[argparse.Namespace, str | None], tuple[Run, Run | None]]] = {
    "sampling": sampling,
    "vocoder": vocoder,
    "synchformer": synchformer,
    "vae": vae,
}


def timed(run: Run) -> tuple[Tensor, tuple[float, float]]:
    """Return a result and the (wall, CPU) seconds it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return result, (time.perf_counter() - wall, time.process_time() - cpu)


def measure(
    runs: dict[str, Run], repeats: int, best: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return the smallest (wall, CPU) seconds of each side, those of ``best`` among them."""
    for _ in range(repeats):
        for name, run in runs.items():
            _, (wall, cpu) = timed(run)
            best[name] = (min(best[name][0], wall), min(best[name][1], cpu))
    return best


def growth(options: argparse.Namespace) -> None:
    """Print the CPU seconds of one guided step of small_16k for several lengths of sound."""
    options.steps = 1
    for text in options.durations.split(","):
        options.seconds = float(text)
        ours, _ = sampling(options, None)
        best = {"step": timed(ours)[1]}
        _, cpu = measure({"step": ours}, options.repeats, best)["step"]
        latents = sequence_config("small_16k").latent_length(options.seconds)
        print(
            f"{options.seconds:g} s, {latents} latents: {cpu:.2f} CPU s a step with its share of "
            f"the conditions, {cpu / options.seconds:.3f} per second of sound",
            flush=True,
        )


def main() -> None:
    """Parse options, measure part by part, print one line (or one JSON object) for each."""
    parser = argparse.ArgumentParser(description="Time MMAudio's networks beside the public code.")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--segments", type=int, default=24)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--durations", default="", help="our side alone, one step of each length")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = os.environ.get("MMAUDIO_REFERENCE")
    if not options.json:
        print(
            f"{platform.machine()}, torch {torch.__version__}, float32, {options.threads} threads"
        )
    if options.durations:
        with torch.inference_mode():
            growth(options)
        return
    for part in options.parts.split(","):
        with torch.no_grad():  # as a loader does: weights made in inference mode have no version
            ours, theirs = PARTS[part](options, folder)
        with torch.inference_mode():
            report: dict[str, Any] = {"part": part, "seconds": options.seconds}
            first, taken = timed(ours)  # also compiles
            runs, best = {"pavas_sdk": ours}, {"pavas_sdk": taken}
            if theirs is not None:
                second, best["reference"] = timed(theirs)
                report["relative_difference"] = float((first - second).norm() / second.norm())
                runs["reference"] = theirs
            timings = measure(runs, options.repeats, best)
        for name, (wall, cpu) in timings.items():
            report[f"{name}_wall_s"], report[f"{name}_cpu_s"] = wall, cpu
        if theirs is not None:
            for clock in ("wall", "cpu"):
                report[f"ratio_{clock}"] = (
                    report[f"pavas_sdk_{clock}_s"] / report[f"reference_{clock}_s"]
                )
            report["bar"] = BARS[part]
        if options.json:
            print(json.dumps(report), flush=True)
        else:
            numbers = (
                f"{k} {v:.3g}" for k, v in report.items() if isinstance(v, float) and k != "seconds"
            )
            print(f"{part}: {', '.join(numbers)}", flush=True)


if __name__ == "__main__":
    main()

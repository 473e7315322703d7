"""Time training steps and the reading of features on this machine.

    python benchmarks/training.py --variant small_16k --batch 2 --repeats 5
    python benchmarks/training.py --variant large_44k_v2 --adapter --batch 512 --micro-batch 8

A step is loss, backward, clipping, AdamW and both moving averages, on name-seeded weights and
inputs. On a GPU networks run in bfloat16 by autocast. Where ``MMAUDIO_REFERENCE`` names a checkout
of the public MMAudio code, loss, backward, clipping and AdamW are timed with its network, too, in
turn with ours without averages; ``--only`` runs one of the two, so that the peak of memory is its
own. ``--loader`` times reading features alone, from files of this size.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.models import build_transformer, sequence_config
from pavas_sdk.training.datasets import (
    BatchLoader,
    FeatureRow,
    FeatureSet,
    Mixture,
    SetDescription,
    SetLayout,
    TrainingBatch,
    shard_folder,
    write_description,
    write_feature_shard,
    write_texts,
)
from pavas_sdk.training.datasets.batch import BatchObjects
from pavas_sdk.training.flow_draws import draw_rows
from pavas_sdk.training.objective import FlowObjective
from pavas_sdk.training.optimisation import Optimisation, build_optimizer
from pavas_sdk.training.run_config import AverageConfig, RunConfig
from pavas_sdk.training.training_run import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "golden"))
fill = importlib.import_module("name_seeded").fill

PATCH_DIM = 1280  # of the released visual encoder


def layout_of(variant: str, *, objects: bool) -> SetLayout:
    """Return the sizes of 8 s clips for a released network."""
    sequence = sequence_config(variant)
    with torch.device("meta"):
        channels = build_transformer(variant).config.latent_dim
    return SetLayout(
        latent_length=sequence.latent_length(8.0),
        latent_dim=channels,
        clip_length=sequence.clip_length(8.0),
        clip_dim=1024,
        sync_length=sequence.sync_length(8.0),
        sync_dim=768,
        text_length=77,
        text_dim=1024,
        duration_s=8.0,
        patch_dim=PATCH_DIM if objects else 0,
    )


def filled_network(variant: str) -> Any:
    """Return a network with name-seeded weights, float32."""
    with torch.device("meta"):
        network = build_transformer(variant)
    state = {k: torch.from_numpy(fill(k, t.shape)) for k, t in network.state_dict().items()}
    network.load_state_dict(state, assign=True)
    frozen = ("latent_mean", "latent_std", "empty_string_feat")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return network.train()


def made_batch(layout: SetLayout, rows: int) -> TrainingBatch:
    """Return a batch of noise, with one object per clip where the layout has physics."""
    generator = torch.Generator().manual_seed(0)
    values = {
        name: torch.randn(rows, *shape, generator=generator)
        for name, shape in layout.shapes().items()
    }
    there = torch.ones(rows, dtype=torch.bool)
    objects = None
    if layout.patch_dim:
        frames = (rows, layout.clip_length)
        objects = BatchObjects(
            row=torch.arange(rows),
            slot=torch.zeros(rows, dtype=torch.int64),
            objects=torch.randn(*frames, layout.patch_dim, generator=generator),
            visible=torch.ones(frames, dtype=torch.bool),
            mass_kg=torch.rand(rows, generator=generator),
            speed_m_s=torch.rand(frames, generator=generator),
            impact_energy_j=torch.zeros(frames),
        )
    return TrainingBatch(
        step=0,
        positions=torch.arange(rows),
        rows=torch.arange(rows),
        video_exists=there,
        text_exists=there,
        has_physics=there if layout.patch_dim else ~there,
        objects=objects,
        max_objects=1,
        **{**values, "std": 0.1 * values["std"].abs()},
    )


def our_step(
    options: argparse.Namespace, layout: SetLayout, *, averages: bool
) -> Callable[[], float]:
    """Return a function that makes one step."""
    network = filled_network(options.variant)
    adapter = None
    if options.adapter:
        from pavas_sdk.registry import default_registry

        adapter_class = default_registry().get("conditioning_adapter").load()
        adapter = adapter_class.for_transformer(network, patch_dim=PATCH_DIM)
    sequence = sequence_config(options.variant)
    objective = FlowObjective(network, adapter, latent_rate_hz=sequence.latent_rate_hz)
    config = RunConfig(
        mixed_precision="bf16" if torch.cuda.is_available() else "no",
        average=AverageConfig(sigma_rels=(0.05, 0.1) if averages else ()),
    )
    run = TrainingRun(objective, config)
    size = options.micro_batch or options.batch
    count = -(-options.batch // size)
    batch, draws = made_batch(layout, size), drawn(layout, size)

    def step() -> float:
        parts = ((batch, draws) for _ in range(count))
        return run.update(parts, count=count, total_rows=count * size).loss

    return step


def drawn(layout: SetLayout, rows: int) -> Any:
    """Return the draws of a step."""
    return draw_rows(0, 0, range(rows), (layout.latent_length, layout.latent_dim))


def reference_step(
    folder: str, options: argparse.Namespace, layout: SetLayout
) -> Callable[[], float]:
    """Return the same step with the network of the public code in ``folder``."""
    sys.path.insert(0, folder)
    network = importlib.import_module("mmaudio.model.networks").get_my_mmaudio(options.variant)
    network.load_weights(filled_network(options.variant).state_dict())
    lengths = (layout.latent_length, layout.clip_length, layout.sync_length)
    network.update_seq_lengths(*lengths)
    network.train()
    batch, draws = made_batch(layout, options.batch), drawn(layout, options.batch)
    optimizer = build_optimizer(
        [p for p in network.parameters() if p.requires_grad], Optimisation()
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        x1 = network.normalize((batch.mean + batch.std * draws.posterior).clone())
        mixed = torch.lerp(draws.noise, x1, draws.time[:, None, None])
        conditions = network.preprocess_conditions(
            batch.clip_features, batch.sync_features, batch.text_features
        )
        velocity = network.predict_flow(mixed, draws.time, conditions)
        loss = (velocity - (x1 - draws.noise)).square().mean(dim=(1, 2)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


def time_steps(steps: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Return median wall and CPU seconds per step; candidates take turns."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(repeats):
        for name, step in steps.items():
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        f"{name}_{clock}_s": statistics.median(value[index] for value in values)
        for name, values in seconds.items()
        for index, clock in enumerate(("wall", "cpu"))
    }


def time_loader(layout: SetLayout, clips: int, batch: int) -> dict[str, float]:
    """Return clips per second of the loader alone, on files that the page cache holds."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        features = {
            name: rng.normal(size=shape).astype(np.float16)
            for name, shape in layout.shapes().items()
            if name != "text_features"
        }
        rows = (
            FeatureRow(features=features, text=0, objects=None, facts={"id": f"{number}"})
            for number in range(clips)
        )
        text = rng.normal(size=(1, layout.text_length, layout.text_dim)).astype(np.float16)
        write_texts(folder, ["a text"], text)
        write_feature_shard(shard_folder(folder, 0), rows, layout)
        write_description(folder, SetDescription(layout=layout, rows=clips))
        loader = BatchLoader(Mixture([FeatureSet(folder)]), batch=batch)
        steps = max(4, 2 * clips // batch)
        began = time.perf_counter()
        for _ in loader.steps(0, steps):
            pass
        return {"loader_clips_per_s": steps * batch / (time.perf_counter() - began)}


def main() -> None:
    """Parse options, measure, print JSON."""
    parser = argparse.ArgumentParser(description="Time training steps and the loader.")
    parser.add_argument("--variant", default="small_16k")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--micro-batch", type=int)
    parser.add_argument("--adapter", action="store_true", help="Stage 2: with the adapter.")
    parser.add_argument("--only", choices=("pavas_sdk", "reference"), help="One of the two alone.")
    parser.add_argument("--loader", type=int, metavar="CLIPS", help="The loader on so many clips.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    layout = layout_of(options.variant, objects=options.adapter)
    report: dict[str, Any] = {
        "variant": options.variant,
        "batch": options.batch,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": options.threads,
        "torch": torch.__version__,
    }
    if options.loader:
        report |= time_loader(layout, options.loader, options.batch)
        print(json.dumps(report, indent=1))
        return
    folder = os.environ.get("MMAUDIO_REFERENCE")
    steps: dict[str, Callable[[], float]] = {}
    if options.only != "reference":
        steps["pavas_sdk"] = our_step(options, layout, averages=not folder)
    if folder and options.only != "pavas_sdk":
        steps["reference"] = reference_step(folder, options, layout)
    if not steps:
        parser.error("--only reference needs MMAUDIO_REFERENCE, a checkout of the public code")
    report |= time_steps(steps, options.repeats)
    if len(steps) == 2:
        for clock in ("wall", "cpu"):
            ours, theirs = (report[f"{name}_{clock}_s"] for name in ("pavas_sdk", "reference"))
            report[f"ratio_{clock}"] = ours / theirs
    report["peak_resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if torch.cuda.is_available():
        report["peak_gpu_mb"] = torch.cuda.max_memory_allocated() / 2**20
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

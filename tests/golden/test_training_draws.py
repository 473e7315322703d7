"""Flow times, dropped conditions and latent statistics of the public trainer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from training_goldens import FOLDER, of_kind, params, relative

from pavas_sdk.training.datasets import MemoryMapSet, Mixture, TrainingBatch, latent_statistics
from pavas_sdk.training.fixed_validation import read_rows
from pavas_sdk.training.flow_draws import FlowDraws, draw_rows
from pavas_sdk.training.objective import DropShares, FlowObjective

TIMES = of_kind("times")


@pytest.mark.parametrize("golden", params(TIMES))
def test_quantiles_of_times(golden):
    rows = range(40_000)
    for name, stored in golden.tensors.items():
        if not name.startswith("quantiles_exact"):
            continue
        numbers = {"mean": 0.0, "scale": 1.0}
        if "mean" in name:
            mean, _, scale = name.partition(".mean")[2].partition(".scale")
            numbers = {"mean": float(mean), "scale": float(scale)}
        # the seconds are in seeding: one set of normals serves all three
        if "normals" not in locals():
            time = draw_rows(7, 0, rows, (1, 1)).time.double()
            normals = torch.log(time / (1 - time))
        drawn = torch.sigmoid(normals * numbers["scale"] + numbers["mean"]).numpy()
        error = np.abs(np.quantile(drawn, golden.entry["quantiles"]) - stored).max()
        assert error <= 5e-3, name
        some = draw_rows(
            7, 0, range(8), (1, 1), time_logit_mean=numbers["mean"], time_logit_std=numbers["scale"]
        )
        assert some.time.numpy() == pytest.approx(drawn[:8], rel=1e-5)


def tokens_of(golden, drop):
    """Which tokens each row of the table gets, and which it should."""
    table = golden.entry["dropout_table"]
    count = len(table)
    # the float32 of the reference: 0.1 is not dropped at a share of 0.1
    column = lambda name, dtype: torch.tensor([row[name] for row in table], dtype=dtype)  # noqa: E731
    own = torch.ones(count, 1, 1)
    batch = TrainingBatch(
        step=0,
        positions=torch.arange(count),
        rows=torch.arange(count),
        mean=own,
        std=own,
        clip_features=own,
        sync_features=own,
        text_features=own,
        video_exists=column("video_exist", torch.bool),
        text_exists=column("text_exist", torch.bool),
        has_physics=torch.zeros(count, dtype=torch.bool),
        objects=None,
        max_objects=0,
    )
    draws = FlowDraws(
        posterior=own,
        time=torch.ones(count),
        noise=own,
        u_video=column("u_video", torch.float32),
        u_text=column("u_text", torch.float32),
        u_physics=torch.ones(count),
    )
    empty = lambda batch, length=1: torch.zeros(batch, length, 1)  # noqa: E731
    network = SimpleNamespace(empty_clip=empty, empty_sync=empty, empty_text=empty)
    given = FlowObjective.tokens(
        SimpleNamespace(
            transformer=network,
            drop=drop,
            keeps_video=lambda *args: FlowObjective.keeps_video(SimpleNamespace(drop=drop), *args),
        ),
        batch,
        draws,
    )
    got = [["own" if bool(v) else "empty" for v in tokens.flatten()] for tokens in given]
    return got, [[row[name] for row in table] for name in ("clip", "sync", "text")]


@pytest.mark.parametrize("golden", params(TIMES))
def test_which_tokens_a_row_gets(golden):
    got, wanted = tokens_of(golden, DropShares())
    assert got == wanted
    got, wanted = tokens_of(golden, DropShares(video=0.1001, text=0.1))
    assert got != wanted


def test_shares_of_dropped_conditions():
    draws = draw_rows(3, 5, range(10_000), (1, 1))
    video, text, physics = (u < 0.1 for u in (draws.u_video, draws.u_text, draws.u_physics))
    for dropped, share in (
        (video, 0.1),
        (text, 0.1),
        (physics, 0.1),
        (video & text, 0.01),
        (video | physics, 0.19),
    ):
        spread = (share * (1 - share) / 10_000) ** 0.5
        assert abs(float(dropped.float().mean()) - share) < 3.5 * spread


@pytest.mark.parametrize("golden", params(of_kind("latent_stats")))
def test_a_set_of_the_reference_is_read_as_it_stands(golden):
    entry, folder = golden.entry, FOLDER / "memmap_example"
    sets = [MemoryMapSet(path.with_suffix(""), path) for path in folder.glob("*.tsv")]
    sets.sort(key=lambda entry: not entry.layout.has_video)
    mean, std = latent_statistics(sets[0])
    assert relative(mean, golden.tensors["latent_mean"]) <= 1e-5
    assert relative(std, golden.tensors["latent_std"]) <= 1e-5
    mixture = Mixture(sets, repeats=[3, 1])
    assert len(mixture) == entry["length"]
    assert [mixture.clip_id(row) for row in range(len(mixture))] == entry["ids"]
    names = {
        "a_mean": "mean",
        "a_std": "std",
        "clip_features": "clip_features",
        "sync_features": "sync_features",
        "text_features": "text_features",
        "video_exist": "video_exists",
        "text_exist": "text_exists",
    }
    stored_rows = {name.split(".")[0] for name in golden.tensors if name.startswith("item")}
    assert stored_rows
    for row in sorted(int(name.removeprefix("item")) for name in stored_rows):
        batch = read_rows(mixture, np.array([row]))
        for stored, ours in names.items():
            wanted = golden.tensors[f"item{row}.{stored}"].ravel()
            got = getattr(batch, ours).float().flatten()[: wanted.size].numpy()
            np.testing.assert_allclose(got, wanted, atol=1e-7, err_msg=f"{row} {stored}")

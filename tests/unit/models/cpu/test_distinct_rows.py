"""Equal rows are mapped once, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from pavas_sdk.models import MMAudioTransformer
from pavas_sdk.models.cpu import distinct_rows as module
from pavas_sdk.models.cpu.distinct_rows import DistinctRows, distinct_rows


def test_rows_and_places():
    rows = torch.randn(3, 4)
    x = rows[[0, 0, 1, 0, 2, 2]].reshape(2, 3, 4)
    found = distinct_rows(x)
    assert isinstance(found, DistinctRows)
    assert torch.equal(found.rows, rows)
    assert torch.equal(found.spread(found.rows), x)
    assert torch.equal(found.spread(found.rows * 2), x * 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_not_a_number_is_a_row_like_any_other(dtype):
    x = torch.zeros(1, 8, 2, dtype=dtype)
    x[0, ::2] = float("nan")
    found = distinct_rows(x)
    assert isinstance(found, DistinctRows)
    assert found.rows.shape == (2, 2)


def test_none_where_that_gains_nothing():
    assert distinct_rows(torch.randn(2, 5, 4)) is None
    assert distinct_rows(torch.zeros(4, 1, 4)) is None


@pytest.mark.parametrize("with_deltas", [False, True])
def test_the_network_gives_the_same_velocity(monkeypatch, with_deltas):
    torch.manual_seed(0)
    net = MMAudioTransformer(
        hidden_dim=32, num_heads=2, depth=4, fused_depth=2, clip_dim=8, sync_dim=8, text_dim=8
    )
    for parameter in net.parameters():
        parameter.data.normal_(std=0.1)
    found = []
    usual = module.distinct_rows

    def watched(x):
        found.append(usual(x))
        return found[-1]

    monkeypatch.setattr(module, "distinct_rows", watched)
    with torch.no_grad():
        both = net.prepare_conditions(
            torch.cat([torch.randn(1, 8, 8), net.empty_clip(1, 8)]),
            torch.cat([torch.randn(1, 24, 8), net.empty_sync(1, 24)]),
            torch.cat([torch.randn(1, 77, 8), net.empty_text(1)]),
            40,
        )
        modulation = {
            site.name: torch.randn(2, 40 if site.per_token else 1, len(site.params) * site.dim)
            for site in net.modulation_sites
        }
        options = {"modulation": modulation} if with_deltas else {}
        latents, time = torch.randn(2, 40, 20), torch.full((2,), 0.3)
        distinct = net(latents, time, both, **options)
        per_token, shared = found  # looked for once a step, not in every block
        assert per_token.rows.shape[0] < 2 * 24  # of 80
        assert shared is None
        monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
        plain = net(latents, time, both, **options)
    assert len(found) == 2
    # torch's own matrix product rounds otherwise
    torch.testing.assert_close(distinct, plain, rtol=1e-5, atol=5e-6)

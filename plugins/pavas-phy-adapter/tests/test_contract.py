"""The contract suite, through the same door as every other adapter."""

from __future__ import annotations

from functools import partial

from pavas_phy_adapter import PhyAdapter

from pavas_sdk.testing import conditioning_adapter_checks, parametrize_with_checks

small = partial(PhyAdapter.for_transformer, hidden_dim=12, mixer_rank=4)


@parametrize_with_checks(conditioning_adapter_checks(PhyAdapter.for_transformer))
def test_contract(check):
    check()


@parametrize_with_checks(conditioning_adapter_checks(partial(small, variant="direct")))
def test_contract_of_direct_summation(check):
    check()


@parametrize_with_checks(
    conditioning_adapter_checks(
        partial(small, streams=("audio", "visual", "text"), params=("shift", "scale", "gate"))
    )
)
def test_contract_of_every_stream(check):
    check()


@parametrize_with_checks(conditioning_adapter_checks(partial(small, impacts=True)))
def test_contract_with_impacts(check):
    check()


@parametrize_with_checks(
    conditioning_adapter_checks(
        partial(
            small,
            impacts=True,
            gate="joint",
            streams=("audio", "visual", "text"),
            params=("shift", "scale", "gate"),
        )
    )
)
def test_contract_with_impacts_in_every_stream(check):
    check()


@parametrize_with_checks(
    conditioning_adapter_checks(partial(small, impacts=True, variant="direct"))
)
def test_contract_with_impacts_of_direct_summation(check):
    check()

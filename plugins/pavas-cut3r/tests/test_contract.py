"""The reconstructor keeps the contract of its interface."""

from pavas_cut3r import Cut3RReconstructor

from pavas_sdk.testing import checks_of, parametrize_with_checks


@parametrize_with_checks(checks_of(Cut3RReconstructor))
def test_contract(check):
    check()

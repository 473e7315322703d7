"""With the package and the weights, both extractors keep the contract."""

import importlib.util

import pytest
from pavas_imagebind.extractors import ImageBindAudio, ImageBindVideo

from pavas_sdk.testing import checks_of, parametrize_with_checks

CHECKS = [check for cls in (ImageBindAudio, ImageBindVideo) for check in checks_of(cls)]


@pytest.mark.skipif(
    importlib.util.find_spec("imagebind") is None, reason="the package imagebind is not installed"
)
@parametrize_with_checks(CHECKS)
def test_contract(check):
    check()

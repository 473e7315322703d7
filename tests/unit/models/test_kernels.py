"""The door to the kernels: with them, without them, and with gradients only those that know them."""

import pytest
import torch

from pavas_sdk.models import kernels
from pavas_sdk.models.kernels import accelerated, find_kernel


@accelerated
def project(x):
    """Of no kernel's name."""
    return "plain"


@accelerated
def linear(x, weight, bias=None):
    """Of the name of a kernel for either case."""
    return "plain"


def test_every_kernel_stands_for_something_in_the_networks():
    """A renamed method would leave its kernel unused, and the network slow."""
    from pavas_sdk.models import bigvgan, blocks, layers, synchformer, transformer, vae
    from pavas_sdk.models.cpu import GRADIENT_KERNELS, KERNELS

    rooms = (bigvgan, blocks, layers, synchformer, transformer, vae)
    for name in (*KERNELS, *GRADIENT_KERNELS):
        owner, _, method = name.rpartition(".")
        found = [
            vars(vars(room)[owner])[method] if owner else vars(room)[method]
            for room in rooms
            if (owner or method) in vars(room)
        ]
        assert found, name
        assert all(hasattr(function, "__wrapped__") for function in found), name
        assert callable(find_kernel(name, gradients=name in GRADIENT_KERNELS))


@pytest.mark.parametrize("switch", [None, "1", "0"])
def test_switch(monkeypatch, switch):
    monkeypatch.delenv("PAVAS_CPU_KERNELS", raising=False)
    if switch is not None:
        monkeypatch.setenv("PAVAS_CPU_KERNELS", switch)
    x = torch.ones(1, 2)
    with torch.no_grad():
        assert isinstance(linear(x, x), str) == (switch == "0")
    assert isinstance(linear(x, x), str) == (switch == "0")


def test_with_gradients_only_kernels_that_know_them_run(monkeypatch):
    monkeypatch.delenv("PAVAS_CPU_KERNELS", raising=False)
    assert find_kernel("Modulator.project")
    assert find_kernel("Modulator.project", gradients=True) is None
    monkeypatch.setattr(kernels, "_load", lambda name, gradients: None if gradients else kernel)

    def kernel(plain, *args):
        return "kernel"

    with torch.no_grad():
        assert project(1) == "kernel"
    assert project(1) == "plain"


def test_what_has_no_kernel_runs_as_it_is():
    @accelerated
    def unheard_of(x):
        """Doubles."""
        return 2 * x

    assert unheard_of.__doc__ == "Doubles."
    with torch.no_grad():
        assert unheard_of(2) == 4


def test_an_error_inside_the_kernels_is_not_taken_for_their_absence(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'numba'", name="numba")

    monkeypatch.setattr(kernels.importlib, "import_module", broken)
    kernels._load.cache_clear()
    try:
        with pytest.raises(ModuleNotFoundError, match="numba"):
            find_kernel("linear")
    finally:
        kernels._load.cache_clear()

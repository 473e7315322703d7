"""The mel autoencoder against the reference."""

import pytest
import torch
from goldens import of_kind, params
from networks import filled_vae


@pytest.mark.parametrize("golden", params(of_kind("vae_")))
def test_vae(golden):
    vae = filled_vae(golden)
    raw = []
    vae.decoder.register_forward_hook(lambda module, arguments, output: raw.append(output))
    with torch.no_grad():
        posterior = vae.encode(golden.input("mel"))
        results = {
            "decode.mel": vae.decode(golden.input("z")),
            "decode.mel_before_unnormalize": raw[0],
            "encode.mean": posterior.mean,
            "encode.logvar": posterior.logvar,
            "encode.std": posterior.std,
        }
    errors = {name: golden.check(name, results[name]) for name in golden.entry["tensors"]}
    print(f"{golden.name}: relative L2 error {max(errors.values()):.2e}")

"""The synchronisation encoder against the reference."""

import pytest
import torch
from goldens import of_kind, params
from networks import filled_synchformer


@pytest.mark.parametrize("golden", params(of_kind("synchformer_")))
@torch.no_grad()
def test_synchformer(golden):
    encoder = filled_synchformer(golden)
    seen = {}

    def keep(name, module):
        module.register_forward_hook(lambda *args: seen.setdefault(name, []).append(args[2]))

    keep("mid.patches", encoder.patch_embed_3d)
    keep("mid.norm", encoder.norm)
    for index, block in enumerate(encoder.blocks):
        keep(f"mid.block{index}", block)
    results = {"features": encoder(golden.input("frames"))}
    results.update({name: torch.cat(parts) for name, parts in seen.items()})
    errors = {name: golden.check(name, results[name]) for name in golden.entry["tensors"]}
    print(f"{golden.name}: relative L2 error {errors['features']:.2e}")

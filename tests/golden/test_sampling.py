"""Whole guided samplings against the reference.

The long ones of our own copy are slow; a folder named by ``PAVAS_GOLDENS_MMAUDIO`` is run whole.
"""

import pytest
from goldens import NAMED_FOLDER, SAMPLING, is_large, of_kind, params
from networks import sample


def is_slow(golden):
    return is_large(golden) or (golden.entry["num_steps"] > 10 and not NAMED_FOLDER)


@pytest.mark.parametrize("golden", params(of_kind("sample_"), slow=is_slow))
def test_sampling(golden, filled_transformers):
    network = filled_transformers(golden)
    first, latents = sample(network, golden)
    results = {
        "first_velocity": first,
        "x1": latents,
        "x1_unnormalized": network.unnormalize(latents),
    }
    errors = [golden.check(name, results[name], SAMPLING) for name in golden.entry["tensors"]]
    print(f"{golden.name}: relative L2 error {max(errors):.2e}")

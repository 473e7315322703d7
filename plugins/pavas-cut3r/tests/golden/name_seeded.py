"""Name-seeded tensors: reproducible stand-ins for pretrained weights and inputs.

``fill(name, shape)`` returns a float32 array that depends only on ``name`` and
``shape``.  Filling every entry of a state dict through its *official key name*
gives any implementation that knows those names exactly the same weights, so a
numerical comparison needs no pretrained file.

Needs numpy only.  The bit stream is numpy's PCG64 seeded with the CRC-32 of the
UTF-8 name; normals come from ``Generator.standard_normal(dtype=float32)``.

A dotted prefix in front of a name (for instance ``heldout.``) changes the seed and
nothing else: the scale rules look only at the dotted parts of the name, never at
its beginning.
"""

import zlib

import numpy as np

RULES_VERSION = 2

# Learned tokens, position tables, stored "empty" features: a fixed spread.
_TABLE_SPREAD = {
    "pos_embed": 0.5,
    "temp_embed": 0.5,
    "cls_token": 0.5,
    "class_embedding": 0.5,
    "positional_embedding": 0.5,
    "sync_pos_emb": 0.3,
    "empty_string_feat": 1.0,
    "empty_clip_feat": 1.0,
    "empty_sync_feat": 1.0,
    "latent_mean": 0.5,
    "data_mean": 0.5,
    "learnable_gain": 0.3,
}


def normals(name: str, shape) -> np.ndarray:
    """Plain unit normals for ``name``; the raw material of every rule."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode("utf-8"))))
    shape = tuple(int(s) for s in shape)
    return np.asarray(rng.standard_normal(shape, dtype=np.float32)).reshape(shape)


def _scaled(x: np.ndarray, s: float) -> np.ndarray:
    return np.asarray(np.multiply(x, np.float32(s), dtype=np.float32))


def fill(name: str, shape) -> np.ndarray:  # noqa: C901
    """Deterministic float32 tensor for the official key (or input) ``name``."""
    shape = tuple(int(s) for s in shape)
    n = normals(name, shape)
    parts = name.split(".")
    leaf = parts[-1]

    # 1. inputs: unit normals
    if "input" in parts:
        return n
    # 2. strictly positive statistics
    if leaf in ("latent_std", "data_std", "running_var"):
        return np.asarray(np.exp(_scaled(n, 0.2)), dtype=np.float32).reshape(shape)
    # 3. tables and tokens
    if leaf in _TABLE_SPREAD:
        return _scaled(n, _TABLE_SPREAD[leaf])
    # 4. snake activation parameters (the released vocoders keep them as logarithms)
    if leaf in ("alpha", "beta") and "act" in parts:
        return _scaled(n, 0.2)
    # 5. weight norm: magnitude g (one value per slice of axis 0) and direction v
    if leaf == "weight_v":
        return n
    if leaf == "weight_g":
        base = 1.0
        if "resblocks" in parts:
            base = 0.5
        elif "ups" in parts:
            base = 1.5
        elif "conv_post" in parts:
            base = 0.08
        return (np.float32(base) * (np.float32(1.0) + _scaled(n, 0.1))).astype(np.float32)
    # 6. matrices and kernels: 1/sqrt(fan in), fan in = product of all axes but the first
    if len(shape) >= 2:
        fan_in = 1
        for s in shape[1:]:
            fan_in *= s
        return _scaled(n, 1.0 / np.sqrt(float(fan_in)))
    # 7. norm scales
    if len(shape) == 1 and leaf == "weight":
        return (np.float32(1.0) + _scaled(n, 0.1)).astype(np.float32)
    # 8. biases, scalars, everything else
    return _scaled(n, 0.02)


def digest(name: str, shape) -> str:
    """CRC-32 (hex) of the little-endian bytes of ``fill(name, shape)``."""
    a = np.ascontiguousarray(fill(name, shape), dtype="<f4")
    return f"{zlib.crc32(a.tobytes()):08x}"


if __name__ == "__main__":
    for nm, sh in [
        ("input.x0", (1, 4, 3)),
        ("heldout.input.x0", (1, 4, 3)),
        ("latent_std", (1, 1, 20)),
        ("final_layer.conv.bias", (20,)),
        ("fused_blocks.0.attn.qkv.weight", (1344, 448)),
        ("fused_blocks.0.attn.q_norm.weight", (64,)),
        ("conv_pre.weight_g", (1536, 1, 1)),
        ("decoder.learnable_gain", ()),
        ("vfeat_extractor.cls_token", (1, 1, 768)),
    ]:
        print(f"{nm:36s} {sh!s:14s} {digest(nm, sh)} {fill(nm, sh).ravel()[:3]}")

"""Networks of goldens as users get them: official files, converted, loaded from the folder.

The official file is made of name-seeded tensors. What `pavas models convert` calls makes a folder
of it, which `from_pretrained` of the class that the folder names then loads.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import torch

from pavas_sdk.released import MMAUDIO_RELEASES, ReleasedPreset

PARTS = {part.name: part for release in MMAUDIO_RELEASES.values() for part in release.components}
RELEASE = next(iter(MMAUDIO_RELEASES.values()))
SHARED_FOLDER = "PAVAS_GOLDENS_CONVERTED"
# Present in some released files, and never to be loaded.
DERIVED = ("t_embed.freqs", "latent_rot", "clip_rot")


@cache
def session_folder():
    """A folder for all conversions of this process; several goldens share weights.

    A process that a test starts is told to share it by `SHARED_FOLDER`.
    """
    if SHARED_FOLDER in os.environ:
        return Path(os.environ[SHARED_FOLDER])
    folder = Path(tempfile.mkdtemp(prefix="pavas-goldens-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def load_converted(golden, part, keys, *, fixed=()):
    """The network of ``part`` with the golden's name-seeded weights, by the way that users go.

    Args:
        golden: Whose weights.
        part: Component of a release.
        keys: Official (name, shape) pairs of the weights.
        fixed: Further pairs that the official file holds and that must not be loaded.
    """
    crc = golden.entry.get("weights_crc32", golden.name)
    folder = session_folder() / f"{part.name}-{golden.prefix}{crc}"
    if not folder.exists():
        official = folder.with_name(f"{folder.name}-official")
        write_official(official / part.file.path, part, golden.released_weights(keys), fixed)
        release = replace(RELEASE, components=(part,))
        try:
            ReleasedPreset(release).convert(folder, official)
        finally:
            shutil.rmtree(official)
    library, name = json.loads((folder / "model_index.json").read_text())[part.slot]
    network = getattr(import_module(library), name).from_pretrained(folder / part.slot)
    assert not any(tensor.is_meta for tensor in network.state_dict().values())
    return network.eval()


def write_official(path, part, weights, fixed):
    """What the authors publish: the vocoders' weights lie in ``generator``, others do not."""
    path.parent.mkdir(parents=True)
    weights |= {name: torch.zeros(shape) for name, shape in fixed}
    torch.save({"generator": weights} if part.slot == "vocoder" else weights, path)

"""PhyAVBench: its checkout holds the recorded directions, models bring sounds, or their embeddings.

The checkout has one vector per pair, ``embeddings/gt_a2b/NETWORK/ID.npy`` with ids such as
``m01_c01_t01_s02_g001`` (m01 to m06 is the physical dimension). A model's folder holds ``ID_a.npy`` and
``ID_b.npy``: the embedding of its sound for both prompts, by the same network and rules, not scaled
afterwards (see `pavas_sdk.evaluation.phyavbench`).
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.phyavbench import cprs
from pavas_sdk.evaluation.phyavbench_sounds import sound_embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["NETWORKS", "evaluate_phyavbench"]

NETWORKS = {"clap": 512, "imagebind": 1024}
"""Networks of the benchmark, and the width of their embeddings."""
_MOST_BYTES = 1_000_000


def evaluate_phyavbench(
    checkout: str | Path,
    embeddings: Mapping[str, str | Path] | None = None,
    *,
    sounds: Mapping[str, str | Path] | None = None,
    network: str = "clap",
    allow_missing: bool = False,
    device: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score how models' sounds change between the two prompts of PhyAVBench's pairs.

    Args:
        checkout: Folder of the benchmark's repository.
        embeddings: Model to its folder of embeddings.
        sounds: Model to its folder of sounds, ``ID_a.wav`` and ``ID_b.wav``, which are heard here; see
            `pavas_sdk.evaluation.phyavbench_sounds`.
        network: "clap" or "imagebind".
        allow_missing: Pairs without both embeddings count 0, instead of an error.
        device: For the network, where sounds are heard; None: the CPU.
        cache: Where what was heard is kept; None: in the cache folder of pavas.
        progress: Called with (done, all) while a model's sounds are heard.

    Returns:
        JSON values, format ``pavas.evaluation.phyavbench`` version 1: per model the mean ``cprs`` with
        its 95 % interval (pairs resampled), per dimension mean and number, missing pairs.

    Raises:
        ConfigurationError: Another network, no model, one name twice, or a plugin is missing.
        MissingWeightsError: Sounds are to be heard, and the network's weights are not here.
        InputError: The checkout has no directions, or embeddings or sounds are missing.
        MediaError: A sound cannot be read.
        FormatError: A file is no vector of the right width.
    """
    embeddings, sounds = embeddings or {}, sounds or {}
    names = [*embeddings, *sounds]
    if network not in NETWORKS or not names or len(set(names)) != len(names):
        raise ConfigurationError(
            f"expected a network of {', '.join(NETWORKS)} and at least one model, none twice, got "
            f"{network!r}, {names}"
        )
    folder = Path(checkout) / "embeddings" / "gt_a2b" / network
    files = sorted(folder.glob("*.npy"))
    if not files:
        raise InputError(
            f"{folder} holds no recorded direction; give a checkout of PhyAVBench's repository"
        )
    width = NETWORKS[network]
    directions = {path.stem: _vector(path, width) for path in files}
    digest = hashlib.sha256()
    for pair, vector in directions.items():
        digest.update(pair.encode() + vector.tobytes())
    vectors: dict[str, Mapping[str, NDArray[Any]]] = {
        model: _vectors(Path(own), directions, width) for model, own in embeddings.items()
    }
    for model, own in sounds.items():
        wanted = [f"{pair}_{side}" for pair in directions for side in "ab"]
        vectors[model] = sound_embeddings(
            own, wanted, network, device=device, cache=cache, progress=progress
        )
    models = {
        model: _scores(directions, vectors[model], where, model, allow_missing)
        for model, where in {**embeddings, **sounds}.items()
    }
    return {
        "format": "pavas.evaluation.phyavbench",
        "format_version": 1,
        "pavas_sdk": __version__,
        "network": network,
        "about": f"{len(directions)} pairs of PhyAVBench, {network} ({digest.hexdigest()[:12]})",
        "models": models,
        "conventions": {
            "cprs": {
                "title": f"CPRS ({network})",
                "better": "higher",
                "convention": "mean over pairs; 1 is a change of the right kind and size; a missing "
                "pair counts 0",
            }
        },
    }


def _vector(path: Path, width: int) -> NDArray[np.float64]:
    try:
        content = path.read_bytes()
        if len(content) > _MOST_BYTES:
            raise ValueError(f"{len(content)} bytes are too many for one vector")
        vector = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError) as err:
        raise FormatError(f"{path} is no embedding: {err}") from err
    vector = np.squeeze(np.asarray(vector, dtype=np.float64))
    if vector.shape != (width,) or not np.isfinite(vector).all():
        raise FormatError(f"{path}: expected {width} finite numbers, got the shape {vector.shape}")
    return np.asarray(vector)


def _vectors(
    folder: Path, directions: Mapping[str, NDArray[np.float64]], width: int
) -> dict[str, NDArray[np.float64]]:
    names = (f"{pair}_{side}" for pair in directions for side in "ab")
    return {
        name: _vector(folder / f"{name}.npy", width)
        for name in names
        if (folder / f"{name}.npy").is_file()
    }


def _scores(
    directions: Mapping[str, NDArray[np.float64]],
    vectors: Mapping[str, NDArray[Any]],
    where: str | Path,
    model: str,
    allow_missing: bool,
) -> dict[str, Any]:
    there = [pair for pair in directions if all(f"{pair}_{side}" in vectors for side in "ab")]
    missing = sorted(set(directions) - set(there))
    if missing and (not allow_missing or not there):
        raise InputError(
            f"{model}: {len(missing)} of {len(directions)} pairs are not whole in {where}, such "
            f"as {missing[0]}_a and _b; complete them, or use --allow-missing: they count 0"
        )
    first, second = (np.stack([vectors[f"{pair}_{side}"] for pair in there]) for side in "ab")
    found = cprs(first, second, np.stack([directions[pair] for pair in there]))
    scores = np.concatenate([found.scores, np.zeros(len(missing))])
    dimensions = np.asarray([pair[:3] for pair in (*there, *missing)])
    interval = bootstrap_intervals(
        len(scores),
        lambda drawn: {"cprs": float(scores[drawn].mean())},
        rng=np.random.default_rng(0),
    )["cprs"]
    return {
        "metrics": {
            "cprs": {
                "value": float(scores.mean()),
                "interval": None if interval is None else list(interval),
            }
        },
        "by_dimension": {
            str(name): {
                "cprs": float(scores[dimensions == name].mean()),
                "pairs": int((dimensions == name).sum()),
            }
            for name in np.unique(dimensions)
        },
        "missing": missing,
    }

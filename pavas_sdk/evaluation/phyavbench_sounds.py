"""Embeddings of sounds for PhyAVBench: ``ID_a`` and ``ID_b`` of every pair, by the network that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import ComponentNotFoundError, ConfigurationError, InputError
from pavas_sdk.evaluation.extraction import Extraction, MediaItem, digest_of_file
from pavas_sdk.evaluation.folder_networks import features_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["EXTRACTORS", "sound_embeddings"]

EXTRACTORS = {
    "clap": "pavas-sdk/clap-unfused",
    "imagebind": "pavas-imagebind/imagebind-audio",
}
"""Extractor by network; both give what the benchmark compares, at its scale."""
_SUFFIXES = (".wav", ".flac")


def sound_embeddings(
    folder: str | Path,
    names: Iterable[str],
    network: str,
    *,
    device: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Hear the sounds of a folder; what was heard before is taken from the cache.

    Args:
        folder: ``NAME.wav`` or ``NAME.flac``.
        names: Which; those without a file are left out.
        network: "clap" or "imagebind".
        device: For torch; None: the CPU.
        cache: Folder of kept features; None: in the cache folder of pavas.
        progress: Called with (done, all).

    Returns:
        Embedding, (512,) or (1024,), by name. Sounds that are too short for the network are left out.

    Raises:
        ConfigurationError: The network's plugin is not installed.
        MissingWeightsError: Its weights are not here: file, size, licence and what to type.
        InputError: There is no such folder.
        MediaError: A sound cannot be read.
    """
    from pavas_sdk.registry import default_registry

    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    try:
        extractor = default_registry().create("metric_extractor", EXTRACTORS[network])
    except ComponentNotFoundError as err:
        package = EXTRACTORS[network].partition("/")[0]
        raise ConfigurationError(
            f"{network} needs the plugin {package}; type: pip install {package}"
        ) from err
    extractor.check_ready()
    if device is not None:
        extractor.to(device)
    files = {
        name: path
        for name in names
        for suffix in _SUFFIXES
        if (path := folder / f"{name}{suffix}").is_file()
    }
    items = [MediaItem(source=path, digest=digest_of_file(path)) for path in files.values()]
    extraction = Extraction(
        name=EXTRACTORS[network],
        extractor=extractor,
        folder=features_folder() if cache is None else Path(cache),
    )
    missing, finished = extraction.missing(items), 0

    def done(count: int) -> None:
        nonlocal finished
        finished += count
        if progress is not None:
            progress(finished, len(missing))

    extraction.run(missing, done)
    extractor.unload()
    found = extraction.features(items, extractor.outputs[0])
    return {
        name: np.asarray(vector)
        for name, vector in zip(files, found, strict=True)
        if vector is not None
    }

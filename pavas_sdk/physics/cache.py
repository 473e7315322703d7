"""PhysicsCache: an estimate that was made once is not made again.

One file per result, ``KEY.npz``: the ``pavas.physics`` document and the small masks. The key is a
SHA-256 of everything that the result depends on (see `result_key`), so a changed video, setting,
prompt or plugin version simply finds nothing. Files appear by a rename, so several processes may
share a folder; what has not been used for longest goes when the folder grows too large.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.data import MaskTrack, PhysicsEstimate
from pavas_sdk.data.documents import check_format, parse_json
from pavas_sdk.data.files import make_folder, replacing
from pavas_sdk.data.paths import expanded
from pavas_sdk.data.temporary_names import clear_abandoned
from pavas_sdk.errors import ConfigurationError, InputError, OutputError, PavasWarning
from pavas_sdk.interfaces import cache_folder
from pavas_sdk.physics.run import PhysicsResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import ComponentRef

__all__ = ["CacheInput", "PhysicsCache", "as_cache", "result_key", "unkeyed_slots"]

FORMAT = "pavas.physics_cache"
FORMAT_VERSION = 2  # 1 took repeated frames for observations
_DAMAGE = (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error)


class PhysicsCache:
    """Results of `PhysicsEstimator.estimate` in a folder.

    Args:
        folder: Where; by default ``physics`` in the `cache_folder`. Made when something is stored.
        max_bytes: The folder is kept below this; least recently used results go first.

    Raises:
        ConfigurationError: ``max_bytes`` is below 1.

    Example:
        >>> pipe("clip.mp4", cache=True)  # the second time, nothing is estimated
        >>> PhysicsCache("my-cache").clear()
    """

    def __init__(self, folder: str | Path | None = None, *, max_bytes: int = 2**30) -> None:
        if max_bytes < 1:
            raise ConfigurationError(f"max_bytes must be at least 1, got {max_bytes}")
        self.folder = cache_folder() / "physics" if folder is None else expanded(folder)
        self.max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._entries())

    @property
    def size_bytes(self) -> int:
        """What the results take on disk."""
        return sum(size for _, size, _ in self._entries())

    def get(self, key: str) -> PhysicsResult | None:
        """Return the result stored under ``key``, or None.

        A damaged file is reported (`PavasWarning`), removed and counts as missing.
        """
        path = self._path(key)
        try:
            result = _read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (*_DAMAGE, InputError) as err:
            warnings.warn(
                f"the cached estimate {path} is damaged and is made again "
                f"({type(err).__name__}: {err})",
                PavasWarning,
                stacklevel=2,
            )
            _remove(path)
            return None
        with suppress(OSError):  # read-only, or another process removed it meanwhile
            os.utime(path)  # used just now: it goes last
        return result

    def put(self, key: str, result: PhysicsResult) -> None:
        """Store a result; the points of the scene are left out.

        What cannot be written (no space, no permission) is reported as a `PavasWarning`: an
        estimate must not be lost because the cache is full.
        """
        path = self._path(key)
        try:
            make_folder(self.folder)
            clear_abandoned(self.folder)
            with replacing(path, overwrite=True) as draft, draft.open("wb") as stream:
                np.savez_compressed(stream, allow_pickle=False, **_arrays(result))
            self._shrink(keep=path)
        except (OutputError, OSError) as err:
            warnings.warn(f"the estimate is not cached: {err}", PavasWarning, stacklevel=2)

    def clear(self) -> int:
        """Remove all results and return how many there were."""
        entries = self._entries()
        for path, _, _ in entries:
            _remove(path)
        return len(entries)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _entries(self) -> list[tuple[Path, int, float]]:
        """File, size and time of last use of each result."""
        found: list[tuple[Path, int, float]] = []
        try:
            paths = list(self.folder.glob("*.npz"))
        except OSError:
            return found  # another process deleted the folder meanwhile
        for path in paths:
            if path.name.startswith("."):
                continue  # being written
            try:
                facts = path.stat()
            except OSError:
                continue
            found.append((path, facts.st_size, facts.st_mtime))
        return found

    def _shrink(self, keep: Path) -> None:
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in entries)
        for path, size, _ in entries:
            if total <= self.max_bytes:
                break
            if path != keep or size > self.max_bytes:
                _remove(path)
                total -= size


CacheInput: TypeAlias = PhysicsCache | str | Path | bool | None
"""What ``cache=`` takes: a cache, its folder, True (the default folder), or None or False."""


def as_cache(cache: CacheInput) -> PhysicsCache | None:
    """Return the cache that ``cache=`` means.

    Raises:
        ConfigurationError: Something else was given.
    """
    if cache is None or cache is False:
        return None
    if cache is True:
        return PhysicsCache()
    if isinstance(cache, str | Path):
        return PhysicsCache(cache)
    if isinstance(cache, PhysicsCache):
        return cache
    raise ConfigurationError(
        f"cache must be a PhysicsCache, a folder, True or None, got {type(cache).__name__}"
    )


def result_key(
    *,
    video: str,
    time_scale: float,
    prompt: str,
    rng_state: Mapping[str, Any],
    config: Mapping[str, Any],
    refs: Mapping[str, ComponentRef],
) -> str:
    """Return the key of a result: 64 hexadecimal digits.

    Args:
        video: Fingerprint of the video.
        time_scale: Slow-motion factor.
        prompt: What the user said.
        rng_state: State of the random generator before the estimate.
        config: Settings of the estimator.
        refs: Which component, of which version and with which settings, fills each slot.
    """
    document = {
        "format_version": FORMAT_VERSION,
        "pavas_sdk": __version__,
        "video": video,
        "time_scale": time_scale,
        "prompt": prompt,
        "rng": rng_state,
        "config": config,
        "slots": {slot: ref.to_json() for slot, ref in refs.items()},
    }
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def unkeyed_slots(refs: Mapping[str, ComponentRef]) -> list[str]:
    """Return the slots filled by objects that no plugin registers.

    Two such objects can have one name and do different things, so their results are not cached.
    """
    return [slot for slot, ref in refs.items() if ref.distribution in ("", "override")]


def _arrays(result: PhysicsResult) -> dict[str, NDArray[Any]]:
    document = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "physics": result.physics.to_json(),
        "masks": {str(i): list(track.masks.shape) for i, track in result.masks.items()},
    }
    text = json.dumps(document, allow_nan=False).encode("utf-8")
    arrays: dict[str, NDArray[Any]] = {"document": np.frombuffer(text, dtype=np.uint8)}
    for object_id, track in result.masks.items():
        arrays[f"masks_{object_id}"] = np.packbits(track.masks.ravel())
        arrays[f"times_s_{object_id}"] = track.times_s
        arrays[f"scores_{object_id}"] = track.scores
    return arrays


def _read(path: Path) -> PhysicsResult:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        document = parse_json(bytes(arrays["document"]).decode("utf-8"))
        check_format(document, format_name=FORMAT, newest=FORMAT_VERSION, what="cached estimate")
        masks = {
            int(key): _track(int(key), shape, arrays) for key, shape in document["masks"].items()
        }
    return PhysicsResult(
        physics=PhysicsEstimate.from_json(document["physics"]), masks=masks, from_cache=True
    )


def _track(object_id: int, shape: Iterable[int], arrays: Mapping[str, Any]) -> MaskTrack:
    frames, height, width = (int(side) for side in shape)
    packed, pixels = arrays[f"masks_{object_id}"], frames * height * width
    if packed.size != -(-pixels // 8):
        raise ValueError(f"masks of object {object_id} take {packed.size} bytes")
    bits = np.unpackbits(packed, count=pixels)
    return MaskTrack(
        object_id=object_id,
        masks=bits.astype(np.bool_).reshape(frames, height, width),
        times_s=arrays[f"times_s_{object_id}"],
        scores=arrays[f"scores_{object_id}"],
    )


def _remove(path: Path) -> None:
    with suppress(OSError):  # not ours to remove: it stays and is reported again
        path.unlink(missing_ok=True)

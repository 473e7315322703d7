"""Simulated clips as files: mp4 with sound, physics JSON, contacts JSON and an npz of truth.

``NAME.contacts.json`` is written last: where it stands, the clip is complete.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import MaskTrack
from pavas_sdk.data.files import replacing
from pavas_sdk.errors import FormatError, InputError, OutputExistsError
from pavas_sdk.media import write_video
from pavas_sdk.simulation.collisions import SURFACE_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.clip import SimulatedClip
    from pavas_sdk.simulation.scene import SceneConfig

__all__ = ["FORMAT", "FORMAT_VERSION", "ClipFiles", "finished_clip", "read_masks", "write_clip"]

FORMAT = "pavas.contacts"
FORMAT_VERSION = 1


class ClipFiles:
    """Names of a clip's files.

    Attributes:
        video: mp4 with sound.
        physics: ``pavas.physics`` document with true masses and speeds.
        truth: npz, see `write_clip`.
        contacts: ``pavas.contacts`` document.
    """

    def __init__(self, directory: str | Path, name: str) -> None:
        """Name the files of clip ``name`` in ``directory``."""
        folder = Path(directory)
        self.video = folder / f"{name}.mp4"
        self.physics = folder / f"{name}.physics.json"
        self.truth = folder / f"{name}.npz"
        self.contacts = folder / f"{name}.contacts.json"

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them, in the order of writing."""
        return (self.video, self.physics, self.truth, self.contacts)


def write_clip(
    clip: SimulatedClip,
    directory: str | Path,
    name: str,
    *,
    points: bool = False,
    overwrite: bool = False,
) -> ClipFiles:
    """Writes a clip.

    The npz holds ``times_s`` (T,), ``object_ids`` (K,), ``masks`` (K, T, ceil(H * W / 8)) uint8
    with bits packed over rows, ``size`` (H, W), ``centroids_m`` and ``velocities_m_s`` (K, T, 3),
    ``camera_to_world`` (T, 4, 4), ``intrinsics`` (T, 3, 3), and on request ``points_m``
    (T, H, W, 3) float16, relative to ``points_origin_m`` (3,).

    Args:
        clip: What to write.
        directory: Made if missing.
        name: Stem of all files.
        points: Whether to add the point maps (6 bytes per pixel and frame before compression).
        overwrite: Replace existing files.

    Raises:
        OutputExistsError: A finished clip of this name stands there.
        OutputError: The folder cannot be written.
    """
    files = ClipFiles(directory, name)
    files.video.parent.mkdir(parents=True, exist_ok=True)
    if files.contacts.exists() and not overwrite:
        raise OutputExistsError(
            f"{files.contacts} exists; expected a new name, or pass overwrite=True (--overwrite)"
        )
    # without its last file the clip counts as unfinished while the others are replaced
    files.contacts.unlink(missing_ok=True)
    write_video(files.video, clip.video, clip.audio, overwrite=True)
    clip.physics.save(files.physics)
    with replacing(files.truth, overwrite=True) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **_truth(clip, points=points))
    with replacing(files.contacts, overwrite=True) as temporary:
        temporary.write_text(json.dumps(_contacts(clip), indent=1) + "\n", encoding="utf-8")
    return files


def _truth(clip: SimulatedClip, *, points: bool) -> dict[str, NDArray[Any]]:
    ids = sorted(clip.masks)
    config = clip.scene.config
    count = clip.video.times_s.size
    masks = np.zeros((len(ids), count, -(-config.height * config.width // 8)), dtype=np.uint8)
    for row, object_id in enumerate(ids):
        masks[row] = np.packbits(clip.masks[object_id].masks.reshape(count, -1), axis=1)
    places = np.zeros((0, count, 3))
    speeds = np.zeros((0, count, 3))
    if ids:
        places = np.stack([clip.trajectory(i).centroids_m for i in ids])
        speeds = np.stack([clip.velocities_m_s(i) for i in ids])
    truth: dict[str, NDArray[Any]] = {
        "times_s": clip.video.times_s,
        "object_ids": np.asarray(ids, dtype=np.int64),
        "masks": masks,
        "size": np.array([config.height, config.width]),
        "centroids_m": places,
        "velocities_m_s": speeds,
        "camera_to_world": clip.camera_to_world,
        "intrinsics": clip.intrinsics,
    }
    if points:
        # half floats near the target keep millimetres
        origin = np.asarray(clip.scene.camera.target_m)
        maps = clip.reconstruction().points_m
        truth["points_m"] = (maps - origin.astype(np.float32)).astype(np.float16)
        truth["points_origin_m"] = origin
    return truth


def _contacts(clip: SimulatedClip) -> dict[str, Any]:
    rows = []
    for contact in clip.contacts:
        row = contact.to_json()
        row["object_id"] = clip.object_of_body.get(contact.body)
        row["other_name"] = SURFACE_NAMES.get(contact.other, "body")
        rows.append(row)
    scene = clip.scene
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "seed": scene.seed,
        "config": scene.config.to_json(),
        "action": scene.action,
        "prompt": clip.prompt,
        "floor": clip.floor,
        "camera": scene.camera.kind,
        "bodies": [
            {
                "object_id": clip.object_of_body.get(index),
                "label": item.label,
                "shape": item.shape,
                "material": item.material,
                "fill": item.fill,
                "mass_kg": item.mass_kg,
                "size_m": item.size_m,
            }
            for index, item in enumerate(scene.objects)
        ],
        "contacts": rows,
    }


def finished_clip(
    directory: str | Path, name: str, *, seed: int, config: SceneConfig
) -> dict[str, Any] | None:
    """Return the contacts document of a finished clip, or None when there is none.

    Args:
        directory: Where.
        name: Stem of its files.
        seed: Seed that it must have.
        config: Settings that it must have.

    Raises:
        FormatError: The document cannot be read.
        InputError: The clip there was made from another seed or with other settings.
    """
    files = ClipFiles(directory, name)
    if not all(path.exists() for path in files.all):
        return None
    try:
        document = json.loads(files.contacts.read_text(encoding="utf-8"))
        found = (document["format"], document["format_version"])
        made_with = (document["seed"], document["config"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise FormatError(
            f"{files.contacts} is no contacts document ({err!r}); remove it, or pass --overwrite"
        ) from err
    if found != (FORMAT, FORMAT_VERSION):
        raise FormatError(
            f"{files.contacts} is {found[0]} version {found[1]}; expected {FORMAT} version "
            f"{FORMAT_VERSION}; choose another folder, or pass --overwrite"
        )
    if made_with != (seed, config.to_json()):
        raise InputError(
            f"{files.video} was made from seed {made_with[0]} with other settings than these "
            f"(seed {seed}); choose another folder, or pass --overwrite"
        )
    return dict(document)


def read_masks(path: str | Path) -> dict[int, MaskTrack]:
    """Reads the masks that `write_clip` packed into an npz.

    Raises:
        FormatError: The file is not such an npz.
    """
    try:
        with np.load(path) as data:
            height, width = (int(n) for n in data["size"])
            times, ids, packed = data["times_s"], data["object_ids"], data["masks"]
    except (OSError, ValueError, KeyError) as err:
        raise FormatError(f"{path} holds no simulated masks: {err!r}") from err
    tracks = {}
    for object_id, rows in zip(ids, packed, strict=True):
        flat = np.unpackbits(rows, axis=1, count=height * width)
        masks = flat.reshape(len(times), height, width).astype(np.bool_)
        seen = masks.any(axis=(1, 2))
        tracks[int(object_id)] = MaskTrack(
            object_id=int(object_id),
            masks=masks,
            times_s=times,
            scores=np.where(seen, 1.0, np.nan).astype(np.float32),
        )
    return tracks

"""Simulated clips as files: mp4 with sound, physics JSON, contacts JSON and an npz of truth.

``NAME.contacts.json`` is written last: where it stands, the clip is complete.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Contact, LabelledClip, MaskTrack, PhysicsEstimate
from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import make_folder, replacing, write_failure
from pavas_sdk.errors import FormatError, InputError, OutputExistsError
from pavas_sdk.media import open_video, read_audio, write_video
from pavas_sdk.simulation.collisions import SURFACE_NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.simulation.clip import Simulation
    from pavas_sdk.simulation.scene import SceneConfig

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "ClipFiles",
    "finished_clip",
    "read_clip",
    "read_masks",
    "write_clip",
]

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
    simulation: Simulation,
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
        simulation: What to write.
        directory: Made if missing.
        name: Stem of all files.
        points: Whether to add the point maps (6 bytes per pixel and frame before compression).
        overwrite: Replace existing files.

    Raises:
        OutputExistsError: A finished clip of this name stands there.
        OutputError: The folder cannot be written.
    """
    files = ClipFiles(directory, name)
    make_folder(files.video.parent)
    if files.contacts.exists() and not overwrite:
        raise OutputExistsError(
            f"{files.contacts} exists; expected a new name, or pass overwrite=True (--overwrite)"
        )
    # without its last file the clip counts as unfinished while the others are replaced
    try:
        files.contacts.unlink(missing_ok=True)
    except OSError as err:
        raise write_failure(files.contacts, err) from err
    clip = simulation.clip
    write_video(files.video, clip.video, clip.audio, overwrite=True)
    clip.physics.save(files.physics)
    with replacing(files.truth, overwrite=True) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **_truth(simulation, points=points))
    with replacing(files.contacts, overwrite=True) as temporary:
        temporary.write_text(json.dumps(_contacts(simulation), indent=1) + "\n", encoding="utf-8")
    return files


def _truth(simulation: Simulation, *, points: bool) -> dict[str, NDArray[Any]]:
    tracks = simulation.clip.masks
    ids = sorted(tracks)
    config = simulation.scene.config
    count = simulation.times_s.size
    masks = np.zeros((len(ids), count, -(-config.height * config.width // 8)), dtype=np.uint8)
    for row, object_id in enumerate(ids):
        masks[row] = np.packbits(tracks[object_id].masks.reshape(count, -1), axis=1)
    places = np.zeros((0, count, 3))
    speeds = np.zeros((0, count, 3))
    if ids:
        places = np.stack([simulation.trajectory(i).centroids_m for i in ids])
        speeds = np.stack([simulation.velocities_m_s(i) for i in ids])
    truth: dict[str, NDArray[Any]] = {
        "times_s": simulation.times_s,
        "object_ids": np.asarray(ids, dtype=np.int64),
        "masks": masks,
        "size": np.array([config.height, config.width]),
        "centroids_m": places,
        "velocities_m_s": speeds,
        "camera_to_world": simulation.camera_to_world,
        "intrinsics": simulation.intrinsics,
    }
    if points:
        # half floats near the target keep millimetres
        origin = np.asarray(simulation.scene.camera.target_m)
        maps = simulation.reconstruction().points_m
        truth["points_m"] = (maps - origin.astype(np.float32)).astype(np.float16)
        truth["points_origin_m"] = origin
    return truth


def _contacts(simulation: Simulation) -> dict[str, Any]:
    rows = []
    object_of_body = simulation.object_of_body
    for collision in simulation.motion.collisions:
        row = collision.to_json()
        row["object_id"] = object_of_body.get(collision.body)
        row["other_name"] = SURFACE_NAMES.get(collision.other, "body")
        rows.append(row)
    scene = simulation.scene
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "seed": scene.seed,
        "config": scene.config.to_json(),
        "action": scene.action,
        "prompt": scene.prompt,
        "floor": scene.room.floor,
        "camera": scene.camera.kind,
        "bodies": [
            {
                "object_id": object_of_body.get(index),
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
    document = _read_document(files.contacts)
    made_with = (document["seed"], document["config"])
    if made_with != (seed, config.to_json()):
        raise InputError(
            f"{files.video} was made from seed {made_with[0]} with other settings than these "
            f"(seed {seed}); choose another folder, or pass --overwrite"
        )
    return document


def _read_document(path: Path) -> dict[str, Any]:
    what = "contacts document"
    try:
        document = read_document(path, format_name=FORMAT, newest=FORMAT_VERSION, what=what)
    except FormatError as err:
        raise FormatError(f"{err}; remove it, or pass --overwrite") from err
    absent = {"seed", "config"} - set(document)
    if absent:
        raise FormatError(
            f"{path} is no {what}: {', '.join(sorted(absent))} missing; remove it, or pass "
            "--overwrite"
        )
    return document


def read_clip(directory: str | Path, name: str) -> LabelledClip:
    """Reads a clip that `write_clip` wrote; its picture and sound are those of the mp4.

    Args:
        directory: Where.
        name: Stem of its files.

    Raises:
        FormatError: There is no finished clip of this name, or one of its files is damaged.
        MediaError: The mp4 cannot be read.
    """
    files = ClipFiles(directory, name)
    missing = [path.name for path in files.all if not path.exists()]
    if missing:
        raise FormatError(
            f"{directory} holds no finished clip {name!r}: {', '.join(missing)} missing; expected "
            "a folder that `pavas simulate` wrote"
        )
    document = _read_document(files.contacts)
    try:
        objects = [body for body in document["bodies"] if body["object_id"] is not None]
        return LabelledClip(
            clip_id=document["seed"],
            audio=read_audio(files.video),
            physics=PhysicsEstimate.load(files.physics),
            masks=read_masks(files.truth),
            contacts=tuple(
                Contact(
                    time_s=row["time_s"],
                    object_id=row["object_id"],
                    energy_change_j=row["energy_change_j"],
                )
                for row in document["contacts"]
            ),
            prompt=document["prompt"],
            action=document["action"],
            surface=document["floor"],
            materials={body["object_id"]: body["material"] for body in objects},
            sizes_m={body["object_id"]: body["size_m"] for body in objects},
            source=open_video(files.video),
        )
    except (KeyError, TypeError) as err:
        raise FormatError(f"{files.contacts} is no contacts document ({err!r})") from err


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

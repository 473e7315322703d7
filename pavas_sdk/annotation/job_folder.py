"""The folder of an annotation job: files alone decide what is done and what is left."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from pavas_sdk import __version__
from pavas_sdk.annotation.clips import ClipEntry, dump_lines
from pavas_sdk.data.documents import parse_json, read_document
from pavas_sdk.data.files import make_folder, write_failure, write_text
from pavas_sdk.data.temporary_names import clear_abandoned
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["CLIP_FORMAT", "JobFolder", "job_hash"]

JOB_FORMAT = "pavas.annotation"
CLIP_FORMAT = "pavas.annotation.clip"
FORMAT_VERSION = 1
_STALE_S = 3600.0  # a temporary file of that age, of a process that cannot be asked, is nobody's
_HEAD = re.compile(rb'"status": ?"(\w+)"')


def job_hash(config: Mapping[str, Any]) -> str:
    """Return the digest of everything that a job's results depend on."""
    text = json.dumps({"format_version": FORMAT_VERSION, **config}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class JobFolder:
    """``job.json``, the work list, and one result per clip.

    A clip is done when its JSON exists: it is written last, under a temporary name, and renamed.

    Args:
        root: The folder.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    # -- the job -------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only driver while the block runs.

        Raises:
            ConfigurationError: Another driver works on the folder.
            OutputError: The folder cannot be made or written.
        """
        make_folder(self.root)
        lock = FileLock(self.root / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as err:
            raise ConfigurationError(
                f"another pavas annotate works on {self.root}; wait for it, or stop it first (its "
                "finished clips are kept)"
            ) from err
        except OSError as err:
            raise write_failure(self.root / ".lock", err) from err
        try:
            yield
        finally:
            lock.release()

    def config(self) -> dict[str, Any]:
        """Return the configuration of the job.

        Raises:
            FormatError: There is none, or it is damaged.
        """
        path = self.root / "job.json"
        if not path.is_file():
            raise FormatError(f"{self.root} holds no annotation; make one with: pavas annotate")
        found = read_document(
            path, format_name=JOB_FORMAT, newest=FORMAT_VERSION, what="annotation job"
        )
        if not isinstance(found.get("config"), dict):
            raise FormatError(f"{path} is damaged: it has no config")
        return dict(found["config"])

    def start(self, config: Mapping[str, Any], licences: Sequence[str] = ()) -> str:
        """Write ``job.json``, or check that it says the same; return the job's hash.

        Raises:
            ConfigurationError: The folder holds the results of another configuration; the fields
                that differ are named.
            OutputError: It cannot be written.
        """
        digest = job_hash(config)
        if (self.root / "job.json").is_file():
            known = self.config()
            if job_hash(known) != digest:
                raise ConfigurationError(
                    f"{self.root} holds clips of another configuration: "
                    f"{'; '.join(_differences(known, dict(config)))}. Use the same options, or "
                    "another folder with -o"
                )
            return digest
        document = {
            "format": JOB_FORMAT,
            "format_version": FORMAT_VERSION,
            "hash": digest,
            "config": dict(config),
            "versions": {"pavas_sdk": __version__},
            "licences": list(licences),
        }
        write_text(self.root / "job.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
        return digest

    # -- the work list -------------------------------------------------------------------------

    def clips(self) -> list[ClipEntry]:
        """Return the work list.

        Raises:
            FormatError: There is none, or it is damaged.
        """
        path = self.root / "clips.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as err:
            raise FormatError(
                f"{self.root} has no work list yet; begin with: pavas annotate VIDEOS -o {self.root}"
            ) from err
        except (OSError, UnicodeDecodeError) as err:
            raise FormatError(f"cannot read the work list {path}: {err}") from err
        return [ClipEntry.from_json(parse_json(line)) for line in lines]

    def add_clips(self, clips: Iterable[ClipEntry]) -> list[ClipEntry]:
        """Put clips on the work list, and return the whole of it, sorted by id.

        Raises:
            InputError: A clip of the same id but from another file or time is on it.
            OutputError: It cannot be written.
        """
        known = {clip.clip_id: clip for clip in self.clips()} if self._has_list else {}
        wanted = dict(known)
        for clip in clips:
            if known.get(clip.clip_id, clip) != clip:
                raise InputError(
                    f"clip {clip.clip_id} is on the work list already, as {known[clip.clip_id]}; "
                    "give it another id, or use another folder with -o"
                )
            wanted[clip.clip_id] = clip
        whole = sorted(wanted.values(), key=lambda clip: clip.clip_id)
        if len(whole) > len(known):
            write_text(self.root / "clips.jsonl", dump_lines(whole), overwrite=True)
        return whole

    @property
    def _has_list(self) -> bool:
        return (self.root / "clips.jsonl").is_file()

    # -- results -------------------------------------------------------------------------------

    def result_path(self, clip_id: str, suffix: str = ".json") -> Path:
        """Return where the result of a clip is: 256 folders, so that none grows too large."""
        digest = hashlib.sha256(clip_id.encode()).hexdigest()
        name = quote(clip_id, safe=" ()+,;=@")
        if len(name) > 120 or name.startswith("."):
            name = f"{name[:100].lstrip('.')}-{digest[:12]}"
        return self.root / "clips" / digest[:2] / f"{name}{suffix}"

    def status(self, clip_id: str) -> str | None:
        """Return "ok", "empty" or "failed", or None: the clip is not done."""
        try:
            with self.result_path(clip_id).open("rb") as stream:
                found = _HEAD.search(stream.read(400))
        except OSError:
            return None
        return found.group(1).decode() if found else None

    def result(self, clip_id: str) -> dict[str, Any]:
        """Return the JSON of a finished clip.

        Raises:
            FormatError: There is none, or it is damaged.
        """
        return read_document(
            self.result_path(clip_id),
            format_name=CLIP_FORMAT,
            newest=FORMAT_VERSION,
            what="annotated clip",
        )

    def write_result(self, clip_id: str, status: str, digest: str, values: Any) -> None:
        """Write the JSON of a clip: from then on it is done.

        Raises:
            OutputError: It cannot be written.
        """
        document = {
            "format": CLIP_FORMAT,
            "format_version": FORMAT_VERSION,
            "status": status,
            "job": digest,
            **values,
        }
        text = json.dumps(document, allow_nan=False)
        write_text(self.result_path(clip_id), text + "\n", overwrite=True)

    def forget(self, clip_id: str) -> None:
        """Remove the result of a clip, so that it is done again."""
        for suffix in (".json", ".masks.json.gz"):
            self.result_path(clip_id, suffix).unlink(missing_ok=True)

    # -- notes of the driver -------------------------------------------------------------------

    def note(self, name: str, entry: Mapping[str, Any]) -> None:
        """Append a line to ``attempts.jsonl`` or the like.

        Raises:
            OutputError: It cannot be written.
        """
        path = self.root / name
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(dict(entry)) + "\n")
        except OSError as err:
            raise write_failure(path, err) from err

    def write_lines(self, name: str, entries: Iterable[Mapping[str, Any]]) -> None:
        """Replace a file of JSON lines.

        Raises:
            OutputError: It cannot be written.
        """
        text = "".join(json.dumps(dict(entry)) + "\n" for entry in entries)
        write_text(self.root / name, text, overwrite=True)

    def sweep(self) -> int:
        """Remove temporary files of killed workers; of other machines', those an hour old."""
        folders = [path for path in (self.root / "clips").glob("*") if path.is_dir()]
        return sum(len(clear_abandoned(f, unknown_older_than_s=_STALE_S)) for f in folders)

    def write_token(self) -> tuple[str, str]:
        """Write a file that every worker must see; return its path and content.

        Raises:
            OutputError: It cannot be written.
        """
        token = hashlib.sha256(f"{self.root.absolute()} {time.time_ns()}".encode()).hexdigest()
        path = self.root.absolute() / ".token"
        write_text(path, token, overwrite=True)
        return str(path), token


def check_token(path: str, token: str) -> None:
    """Check that this machine sees the folder of the driver.

    Raises:
        OutputError: It does not.
    """
    import socket

    try:
        found = Path(path).read_text(encoding="utf-8")
    except OSError as err:
        found = f"{err.strerror or err}"
    if found != token:
        raise OutputError(
            f"{socket.gethostname()} does not see the folder {Path(path).parent} of the job "
            f"({found[:80]}); every worker must write to one file system: put -o on it"
        )


def _differences(known: dict[str, Any], wanted: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name in sorted(known.keys() | wanted.keys()):
        old, new = known.get(name), wanted.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name} was {old!r}, is {new!r}")
    return found

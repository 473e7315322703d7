"""``pavas doctor``: is this installation able to work, and what is in it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from pavas_sdk import __version__
from pavas_sdk.cli.models import local_folder
from pavas_sdk.cli.output import json_option, say, show, show_json, show_table
from pavas_sdk.errors import ConfigurationError, PavasError
from pavas_sdk.registry import DEFAULTS, default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Finding", "doctor"]

REQUIRED = (
    "numpy",
    "scipy",
    "torch",
    "diffusers",
    "safetensors",
    "huggingface-hub",
    "av",
    "librosa",
)
OPTIONAL = ("accelerate", "transformers", "open-clip-torch", "gradio")
DECODERS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "prores", "aac", "opus", "flac")
ENCODERS = ("aac", "alac", "flac", "libopus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What.
        status: ``ok``, ``note`` (works without it), or ``problem``.
        detail: What was found, and for a problem what to type.
    """

    subject: str
    status: Literal["ok", "note", "problem"]
    detail: str


@click.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@click.option(
    "--clean",
    is_flag=True,
    help="Only remove what runs that were killed left, in the cache and in each FOLDER of results; "
    "what they had ready is put in its place.",
)
@json_option
def doctor(folders: tuple[Path, ...], clean: bool, as_json: bool) -> int:
    """Check this installation: versions, plugins, devices, decoders, writable folders.

    Exit code 1 when something needs mending.
    """
    if clean:
        return _clean(folders, as_json)
    if folders:
        raise ConfigurationError(
            f"{folders[0]}: folders are for --clean; add it, or leave them out"
        )
    findings = [
        *_versions(),
        *_plugins(),
        *_devices(),
        *_codecs(),
        *_folders(),
        *_metric_networks(),
    ]
    problems = [finding for finding in findings if finding.status == "problem"]
    if as_json:
        show_json({"healthy": not problems, "findings": [asdict(finding) for finding in findings]})
    else:
        show_table(
            ("STATUS", "SUBJECT", "DETAIL"),
            [(finding.status, finding.subject, finding.detail) for finding in findings],
        )
        say(f"{len(problems)} problem(s)" if problems else "Everything is in order.")
    return 1 if problems else 0


def _clean(folders: tuple[Path, ...], as_json: bool) -> int:
    from pavas_sdk.cli.cleaning import clean

    finished, removed = clean(folders)
    if as_json:
        show_json({"finished": finished, "removed": removed})
        return 0
    for path in finished:
        show(f"finished  {path}")
    for path in removed:
        show(f"removed   {path}")
    say(f"{len(removed)} removed, {len(finished)} finished.")
    return 0


def _versions() -> Iterator[Finding]:
    yield Finding(subject="pavas-sdk", status="ok", detail=__version__)
    yield Finding(
        subject="python", status="ok", detail=f"{sys.version.split()[0]} on {platform.platform()}"
    )
    for name in (*REQUIRED, *OPTIONAL):
        try:
            yield Finding(subject=name, status="ok", detail=version(name))
        except PackageNotFoundError:
            if name in REQUIRED:
                detail = f"not installed; type: pip install {name}"
                yield Finding(subject=name, status="problem", detail=detail)
            else:
                yield Finding(subject=name, status="note", detail="not installed (optional)")


def _plugins() -> Iterator[Finding]:
    registry = default_registry()
    for source in registry.plugins():
        yield Finding(subject=f"plugin {source.name}", status="ok", detail=source.version)
    for failure in registry.failures:
        yield Finding(subject=f"plugin {failure.plugin}", status="problem", detail=failure.summary)
    for kind, name in DEFAULTS.items():
        try:
            entry = registry.get(kind)
            entry.load()
            if kind == "pipeline":
                local_folder(entry)
            yield Finding(subject=f"default {kind}", status="ok", detail=name)
        except PavasError as err:
            detail = str(err).partition("\n")[0]
            yield Finding(subject=f"default {kind}", status="problem", detail=detail)


def _metric_networks() -> Iterator[Finding]:
    from pavas_sdk.released.metric_models import METRIC_MODELS, what_is_missing

    for model in METRIC_MODELS.values():
        folder = model.folder()
        subject = f"metrics {model.summary}"
        if folder is not None:
            yield Finding(subject=subject, status="ok", detail=f"{model.name}: {folder}")
        else:
            yield Finding(subject=subject, status="note", detail=what_is_missing(model))


def _devices() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as err:
        detail = f"torch cannot be imported: {err}; type: pip install --force-reinstall torch"
        yield Finding(subject="devices", status="problem", detail=detail)
        return
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        names += [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    yield Finding(subject="devices", status="ok", detail=", ".join(names))


def _codecs() -> Iterator[Finding]:
    try:
        import av
    except (ImportError, OSError) as err:
        detail = f"PyAV cannot be imported: {err}; type: pip install --force-reinstall av"
        yield Finding(subject="decoders", status="problem", detail=detail)
        return
    for subject, names, mode in (("decoders", DECODERS, "r"), ("encoders", ENCODERS, "w")):
        missing = [name for name in names if not _has_codec(av, name, mode)]
        present = [name for name in names if name not in missing]
        status: Literal["ok", "note"] = "note" if missing else "ok"
        detail = ", ".join(present) + (f"; missing: {', '.join(missing)}" if missing else "")
        yield Finding(subject=subject, status=status, detail=detail)


def _has_codec(av: object, name: str, mode: str) -> bool:
    codec = av.codec  # type: ignore[attr-defined]
    try:
        codec.Codec(name, mode)
    except codec.codec.UnknownCodecError:
        return False
    return True


def _folders() -> Iterator[Finding]:
    from huggingface_hub.constants import HF_HUB_CACHE

    for subject, folder in (
        ("model cache", Path(HF_HUB_CACHE)),
        ("temporary folder", Path(tempfile.gettempdir())),
    ):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if os.access(existing, os.W_OK):
            yield Finding(subject=subject, status="ok", detail=str(folder))
        else:
            hint = "set HF_HOME" if subject == "model cache" else "set TMPDIR"
            detail = f"{folder} is not writable; {hint} to a folder that is"
            yield Finding(subject=subject, status="problem", detail=detail)

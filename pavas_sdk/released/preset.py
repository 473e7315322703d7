"""A released model as a preset: a function that returns its folder, made on first use. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.errors import FormatError, OutputExistsError, WeightsError
from pavas_sdk.released.cache import (
    components_folder,
    locked,
    new_folder,
    pipelines_folder,
)
from pavas_sdk.released.component_cache import converted_component
from pavas_sdk.released.component_record import WEIGHTS_NAME, ComponentRecord
from pavas_sdk.released.official_files import download, find_in_folder, where_to_put
from pavas_sdk.released.pipeline_folder import write_pipeline_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pavas_sdk.released.releases import Release, ReleasedComponent

__all__ = ["ReleasedPreset"]


def _silent(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True)
class ReleasedPreset:
    """Target of a registered ``pipeline``: fetches, converts once, and names the folder.

    Args:
        release: What it is made of.
        known: Releases whose files may be given by mistake; a wrong file is then named.
    """

    release: Release
    known: Sequence[Release] = ()

    def __call__(self, *, local_files_only: bool = False, **hub_options: Any) -> Path | None:
        """Return the folder of the pipeline.

        Args:
            local_files_only: Return None instead of fetching or converting anything.
            **hub_options: ``cache_dir, force_download, token`` for the Hub.

        Raises:
            WeightsError: Files are missing, damaged or wrong; or the Hub cannot be reached.
            OutputError: The cache folder cannot be written, or the disk is full.
        """
        folder = self.folder
        if self._is_whole(folder):
            return folder
        return None if local_files_only else self.prepare(**hub_options)

    @property
    def folder(self) -> Path:
        """Where the pipeline is kept, whether it is there or not."""
        return pipelines_folder() / self.release.name

    @property
    def download_bytes(self) -> int:
        """About the size of all official files."""
        return self.release.download_bytes

    def prepare(
        self,
        source: Path | None = None,
        *,
        say: Callable[[str], None] = _silent,
        **hub_options: Any,
    ) -> Path:
        """Make the pipeline in the cache folder and return its folder.

        Whatever interrupts it, what was finished is kept and the next call goes on from there.

        Args:
            source: A folder with official files, instead of the Hub; its files replace cached
                ones that differ.
            say: Gets a line about each file.
            **hub_options: As in `__call__`.

        Raises:
            WeightsError: See `__call__`.
            OutputError: See `__call__`.
        """
        parts = self.release.components
        paths = {} if source is None else find_in_folder(parts, source, preset=self.release.name)
        folders = {}
        for part in parts:
            folders[part.slot] = self._component(part, paths.get(part.name), say, hub_options)
        folder = self.folder
        with locked(folder):
            if not self._is_whole(folder) or self._differs(folder, folders):
                with new_folder(folder, replace=True) as temporary:
                    write_pipeline_folder(self.release, folders, temporary)
        return folder

    def convert(
        self,
        folder: Path,
        source: Path | None = None,
        *,
        dtype: str = "float32",
        overwrite: bool = False,
        say: Callable[[str], None] = _silent,
        **hub_options: Any,
    ) -> Path:
        """Write the pipeline into a folder of the user's, outside the cache.

        Args:
            folder: Where.
            source: A folder with official files, instead of the cache and the Hub.
            dtype: "float32", "bfloat16" or "float16".
            overwrite: Replace ``folder``.
            say: Gets a line about each file.
            **hub_options: As in `__call__`.

        Raises:
            OutputExistsError: ``folder`` exists and is not empty.
            WeightsError: See `__call__`.
            OutputError: See `__call__`.
        """
        import torch

        from pavas_sdk.released.conversion import convert_component
        from pavas_sdk.released.tensor_names import unchanged

        if folder.exists() and not overwrite and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputExistsError(
                f"{folder} exists and is kept; pass overwrite=True (--overwrite) or choose another"
            )
        parts = self.release.components
        paths = {} if source is None else find_in_folder(parts, source, preset=self.release.name)
        with locked(folder), new_folder(folder, replace=True) as temporary:
            made = {}
            for part in parts:
                made[part.slot] = temporary / part.slot
                kept = components_folder() / part.name
                record = None if part.name in paths else ComponentRecord.of_whole(kept, part.name)
                if record is not None:
                    part = replace(part, translate=unchanged)
                    path, origin = kept / WEIGHTS_NAME, record.official
                else:
                    path = paths.get(part.name) or self._fetch(part, say, hub_options)
                    origin = None
                say(f"{part.slot}: converting {path.name}")
                convert_component(
                    part,
                    path,
                    made[part.slot],
                    dtype=getattr(torch, dtype),
                    known=self._known(part),
                    origin=origin,
                )
            write_pipeline_folder(self.release, made, temporary, move=True)
        return folder

    # -- inside --------------------------------------------------------------------------------

    def _component(
        self,
        part: ReleasedComponent,
        given: Path | None,
        say: Callable[[str], None],
        hub_options: dict[str, Any],
    ) -> Path:
        return converted_component(
            part,
            given,
            fetch=lambda: self._fetch(part, say, hub_options),
            known=self._known(part),
            say=say,
        )

    def _fetch(
        self, part: ReleasedComponent, say: Callable[[str], None], hub_options: dict[str, Any]
    ) -> Path:
        file = part.file
        say(f"{part.slot}: {file.path} of {file.repository} ({file.size_bytes / 1e9:.2f} GB)")
        try:
            return download(part, preset=self.release.name, **hub_options)
        except WeightsError as err:
            needed = self._unfinished(hub_options)
            raise WeightsError(f"{err}; {where_to_put(needed, self.release.name)}") from err

    def _unfinished(self, hub_options: dict[str, Any]) -> list[ReleasedComponent]:
        """Components that are neither converted nor in the Hub's cache."""
        from huggingface_hub import try_to_load_from_cache

        where = hub_options.get("cache_dir")
        return [
            part
            for part in self.release.components
            if ComponentRecord.of_whole(components_folder() / part.name, part.name) is None
            and not isinstance(
                try_to_load_from_cache(part.file.repository, part.file.path, cache_dir=where), str
            )
        ]

    def _known(self, part: ReleasedComponent) -> list[ReleasedComponent]:
        found = {other.name: other for release in self.known for other in release.components}
        found.pop(part.name, None)
        return list(found.values())

    def _is_whole(self, folder: Path) -> bool:
        # It appears under this name when everything is in it.
        return (folder / "model_index.json").is_file()

    def _differs(self, folder: Path, components: dict[str, Path]) -> bool:
        """Whether a component was converted anew since the pipeline was put together."""
        try:
            sources = PipelineOrigins.read(folder).sources
        except FormatError:
            return True
        return any(
            sources.get(slot, {}).get("weights") != ComponentRecord.read(component).weights
            for slot, component in components.items()
        )

"""LAION-CLAP as transformers publishes it: fetched, checked, kept as safetensors. No torch at import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import MissingPluginError, WeightsError
from pavas_sdk.released.cache import components_folder, locked, new_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["CLAP", "CLAP_UNFUSED", "ClapRelease"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_SETTINGS = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClapRelease:
    """A CLAP model in transformers' format.

    Its repository may hold pickled weights only: they are read as tensors alone, and kept as
    safetensors.

    Attributes:
        name: For ``pavas models download``.
        summary: One line for listings.
        repository: ``owner/name`` on the Hub.
        licence: Of the weights.
        download_bytes: About their size.
    """

    name: str
    summary: str
    repository: str
    licence: str
    download_bytes: int

    @property
    def official_file(self) -> str:
        """What a folder of one's own must hold beside the tokenizer's files."""
        return f"{_SETTINGS} and {' or '.join(_WEIGHTS)} of {self.repository}"

    @property
    def page(self) -> str:
        """Page of the repository."""
        return f"https://huggingface.co/{self.repository}"

    def folder(self) -> Path | None:
        """Return the folder of the converted model; None where there is none."""
        folder = components_folder() / self.name
        return folder if (folder / _WEIGHTS[0]).is_file() else None

    def prepare(
        self, source: Path | None = None, *, say: Callable[[str], None], **hub_options: Any
    ) -> Path:
        """Convert once, into the cache folder, and return the folder.

        Args:
            source: A folder with the repository's files; None: they are fetched.
            say: Gets a line about each step.
            **hub_options: ``cache_dir, force_download, token`` for the Hub.

        Raises:
            WeightsError: Files are missing, damaged or wrong, or cannot be fetched.
            MissingPluginError: transformers is not installed.
            OutputError: The cache folder cannot be written.
        """
        folder = components_folder() / self.name
        with locked(folder):
            kept = self.folder()
            if kept is not None and source is None:
                return kept
            files = source or self._fetch(say, hub_options)
            say(f"{self.name}: converting")
            with new_folder(folder, replace=True) as temporary:
                _convert(files, temporary, self.page)
        return folder

    def _fetch(self, say: Callable[[str], None], hub_options: dict[str, Any]) -> Path:
        from pathlib import Path

        from huggingface_hub import snapshot_download

        say(f"{self.name}: {self.repository} ({self.download_bytes / 1e9:.2f} GB)")
        patterns = ["*.json", "*.txt"]
        try:
            found = Path(snapshot_download(self.repository, allow_patterns=patterns, **hub_options))
            for weights in _WEIGHTS:
                found = Path(
                    snapshot_download(
                        self.repository, allow_patterns=[*patterns, weights], **hub_options
                    )
                )
                if (found / weights).is_file():
                    break
        # the client's errors share no public base class, and each means the same here
        except Exception as err:
            raise WeightsError(
                f"cannot download {self.repository}: {type(err).__name__}: {err}; get its files "
                f"from {self.page}, put them into a folder DIR, then: pavas models download "
                f"{self.name} --from DIR"
            ) from err
        return found


def _convert(files: Path, folder: Path, again: str) -> None:
    """Write the model in ``files`` to ``folder``: settings, tokenizer, safetensors."""
    try:
        from transformers import AutoTokenizer, ClapConfig, ClapModel
    except ImportError as err:
        raise MissingPluginError(
            "CLAP needs transformers; type: pip install 'pavas-sdk[clap]'"
        ) from err
    from pavas_sdk.models.weight_differences import weight_differences
    from pavas_sdk.released.checkpoint import read_checkpoint

    weights = next((files / name for name in _WEIGHTS if (files / name).is_file()), None)
    if weights is None or not (files / _SETTINGS).is_file():
        raise WeightsError(
            f"{files} lacks {_SETTINGS} or {' or '.join(_WEIGHTS)}; get them from {again}"
        )
    official = read_checkpoint(weights, again=again)
    model: Any = ClapModel(ClapConfig.from_pretrained(files))
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    # tables of positions that follow from the settings; older files hold them
    found = {k: v for k, v in official.items() if k in expected or not k.endswith("_ids")}
    found = {k: v for k, v in found.items() if k in expected or "relative_position_index" not in k}
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    differences = weight_differences(expected, shapes)
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise WeightsError(
            f"{weights} does not hold this CLAP's weights ({len(differences)} differences):\n"
            f"{lines}\nget it again from {again}"
        )
    model.load_state_dict(found, strict=True)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(files).save_pretrained(folder)


CLAP = ClapRelease(
    name="clap",
    summary="CLAP score",
    repository="laion/larger_clap_general",
    licence="Apache-2.0",
    download_bytes=4 * 194_000_000,
)
"""HTSAT-base without fusion. Whether it equals the file that av-benchmark names
(music_speech_audioset_epoch_15_esc_89.98.pt) its page does not say."""

CLAP_UNFUSED = ClapRelease(
    name="clap-unfused",
    summary="PhyAVBench's CPRS",
    repository="laion/clap-htsat-unfused",
    licence="Apache-2.0",
    download_bytes=4 * 153_500_000,
)
"""HTSAT-tiny without fusion, the architecture of laion-clap's default file, which PhyAVBench is
measured with. Whether it is that file (630k-audioset-best) was not looked at: neither was at hand."""

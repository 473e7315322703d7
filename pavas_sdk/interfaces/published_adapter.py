"""What makes an adapter publishable: its document and card are written beside its weights."""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pavas_sdk.data.adapter_document import ADAPTER_NAME, AdapterDocument, read_figures
from pavas_sdk.data.file_modes import as_the_umask_says
from pavas_sdk.data.files import write_text
from pavas_sdk.data.source_names import without_local_path_in, without_local_paths
from pavas_sdk.errors import ConfigurationError, OutputError
from pavas_sdk.interfaces.adapter_card import adapter_card, check_repository

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["PublishedAdapter", "publish_folder"]

_CARD_NAME = "README.md"


class PublishedAdapter:
    """Stands before ``ModelMixin`` in the bases of a conditioning adapter.

    Attributes:
        document: Plugin, backbone, training and licences; set by training, by loading from a
            folder that has one, or from ``pipe.describe_adapter()``. None: nothing is known, and
            saving writes the weights alone.
    """

    document: AdapterDocument | None = None

    @classmethod
    def from_pretrained(cls, source: str | os.PathLike[str], **options: Any) -> Self:
        """Load weights, and the document where the folder has one; options as in diffusers."""
        adapter: Self = super().from_pretrained(source, **options)  # type: ignore[misc]
        if (Path(source) / ADAPTER_NAME).is_file():
            adapter.document = AdapterDocument.read(Path(source))
        return adapter

    def save_pretrained(self, save_directory: str | os.PathLike[str], **options: Any) -> None:
        """Write weights, and with a document ``pavas_adapter.json`` and the card ``README.md``.

        Args:
            save_directory: Folder; made when missing.
            **options: As in diffusers; to publish use `push_to_hub`.

        Raises:
            ConfigurationError: ``push_to_hub`` is among the options.
            OutputError: The folder cannot be written.
        """
        if options.pop("push_to_hub", False):
            raise ConfigurationError(
                "save_pretrained(push_to_hub=True) would leave out card and description; "
                'use adapter.push_to_hub("owner/name", figures="eval.json")'
            )
        with without_local_paths((self,)):
            super().save_pretrained(save_directory, **options)  # type: ignore[misc]
        as_the_umask_says(save_directory)
        if self.document is not None:
            folder = Path(save_directory)
            self.document.write(folder)
            write_text(folder / _CARD_NAME, adapter_card(self.document), overwrite=True)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        figures: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        private: bool | None = None,
        token: str | None = None,
        create_pr: bool = False,
        commit_message: str = "Upload adapter",
    ) -> str:
        """Publish weights, description and card in one upload.

        Args:
            repo_id: ``owner/name``; made when missing.
            figures: Files that ``pavas evaluate ... --json`` wrote.
            private: Whether a new repository is private.
            token: Of the Hub; by default the stored one.
            create_pr: As a pull request.
            commit_message: Of the upload.

        Returns:
            The address of the upload.

        Raises:
            ConfigurationError: The adapter does not know what it belongs to, or the name is none.
            FormatError: A file holds no figures.
            OutputError: The Hub refuses, or cannot be reached.
        """
        if self.document is None:
            raise ConfigurationError(
                "the adapter does not say what it belongs to; first: "
                "adapter.document = pipe.describe_adapter()"
            )
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "adapter"
            self.save_pretrained(folder)
            return publish_folder(
                folder,
                repo_id,
                figures=figures,
                private=private,
                token=token,
                create_pr=create_pr,
                commit_message=commit_message,
            )


def publish_folder(
    folder: str | Path,
    repo_id: str,
    *,
    figures: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    private: bool | None = None,
    token: str | None = None,
    create_pr: bool = False,
    commit_message: str = "Upload adapter",
) -> str:
    """Publish the folder of an adapter in one upload, with a card made anew.

    Only safetensors, JSON and the card go up. Arguments, errors and result as of
    `PublishedAdapter.push_to_hub`; figures join those that the folder has.
    """
    check_repository(repo_id)
    folder = Path(folder)
    document = with_figures(AdapterDocument.read(folder), figures)
    hub = importlib.import_module("huggingface_hub")
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary)
        document.write(fresh)
        (fresh / _CARD_NAME).write_text(adapter_card(document, repo_id), encoding="utf-8")
        own = (ADAPTER_NAME, _CARD_NAME)
        operations = [
            hub.CommitOperationAdd(path_in_repo=path, path_or_fileobj=_content(file))
            for path, file in _files(folder, own) + [(name, fresh / name) for name in own]
        ]
        try:
            api = hub.HfApi(token=token)
            api.create_repo(repo_id, private=private, exist_ok=True)
            done = api.create_commit(
                repo_id, operations, commit_message=commit_message, create_pr=create_pr
            )
        # The client's errors share no base class.
        except Exception as err:
            raise OutputError(
                f"cannot publish {repo_id}: {type(err).__name__}: {err}. Log in (hf auth login), "
                "or give a token that may write there"
            ) from err
    return str(done.pr_url if create_pr else done.commit_url)


def with_figures(
    document: AdapterDocument,
    figures: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None,
) -> AdapterDocument:
    """Return the document with further files of figures.

    Raises:
        FormatError: A file holds no figures.
    """
    if figures is None:
        return document
    several = [figures] if isinstance(figures, str | Path) else list(figures)  # type: ignore[arg-type]
    return replace(
        document, figures=(*document.figures, *(read_figures(Path(path)) for path in several))
    )


def _files(folder: Path, without: tuple[str, ...]) -> list[tuple[str, Path]]:
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix in (".safetensors", ".json")
        and path.relative_to(folder).as_posix() not in without
    ]


def _content(file: Path) -> str | bytes:
    """What goes up: the file, or a configuration without the folder that it was loaded from."""
    if file.name != "config.json":
        return str(file)
    return without_local_path_in(file.read_text(encoding="utf-8")).encode()

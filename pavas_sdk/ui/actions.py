"""What happens when something on the page is pressed: the bench changes, and the page shows it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import gradio as gr

from pavas_sdk.errors import PavasError
from pavas_sdk.interfaces import progress_to
from pavas_sdk.ui.bench import Bench
from pavas_sdk.ui.versions import SoundSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pavas_sdk.interfaces import Progress
    from pavas_sdk.ui.models import ModelHolder

__all__ = ["Actions"]

Shown = tuple[Any, ...]


class Actions:
    """The functions behind the page; each visitor has a bench of their own.

    Args:
        holder: The model, one for all.
        root: Where benches have their files.
    """

    def __init__(self, holder: ModelHolder, root: Path) -> None:
        self._holder = holder
        self._root = root
        self._open: set[int] = set()

    def open_clip(
        self,
        bench: Bench | None,
        video: str | None,
        prompt: str,
        model: str,
        estimator: str,
        time_scale: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # Gradio finds it by the default
    ) -> Shown:
        """Estimate the physics of an uploaded video."""
        if video is None:
            raise gr.Error("drop a video first")
        progress(0.0, desc="loading the model")
        with (
            _shown_errors(),
            self._holder.use(model, estimator) as pipe,
            progress_to(lambda told: _show_slot(progress, told)),
        ):
            opened = Bench.open(
                video, pipe, self._root, prompt=prompt, time_scale=time_scale or 1.0
            )
        self.close(bench)
        self._open.add(id(opened))
        return (opened, *self._all(opened, (None, None)))

    def generate(
        self,
        bench: Bench | None,
        prompt: str,
        negative_prompt: str,
        seed: float | None,
        model: str,
        estimator: str,
        steps: float | None,
        guidance: float | None,
        stems: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Shown:
        """Make the sound of the physics as edited."""
        bench = _given(bench)
        before = bench.versions[-1].name if bench.versions else None
        settings = SoundSettings(
            prompt=prompt,
            negative_prompt=negative_prompt,
            seed=int(seed or 0),
            num_inference_steps=int(steps) if steps else None,
            guidance_scale=guidance or None,
            stems=stems,
        )
        progress(0.0, desc="loading the model")
        with _shown_errors(), self._holder.use(model, estimator) as pipe:
            version = bench.generate(
                pipe,
                settings,
                model=model,
                on_step=lambda done, total: progress((done, total), desc="making the sound"),
            )
        return self._all(bench, (version.name, before))

    def edit(
        self, bench: Bench | None, first: str | None, second: str | None, event: gr.EventData
    ) -> Shown:
        """Apply an edit of the editor."""
        bench = _given(bench)
        try:
            bench.edit(event._data)
        except PavasError as err:
            gr.Warning(str(err))
        return bench.state((first, second)), _status(bench)

    def compare(self, bench: Bench | None, first: str | None, second: str | None) -> Shown:
        """Show two sounds one below the other."""
        if bench is None:
            return gr.skip(), gr.skip()
        return bench.state((first, second)), _files(bench, first)

    def go_back(
        self, bench: Bench | None, first: str | None, second: str | None, event: gr.SelectData
    ) -> Shown:
        """Take the physics of a version."""
        bench = _given(bench)
        row = event.index[0] if isinstance(event.index, list | tuple) else event.index
        versions = bench.versions[::-1]
        if 0 <= row < len(versions):
            bench.go_back(versions[row].name)
        return bench.state((first, second)), _status(bench)

    def clear(self, bench: Bench | None) -> Shown:
        """Take the clip off the bench."""
        self.close(bench)
        none = gr.Dropdown(choices=[], value=None)
        gone = gr.update(visible=False)
        return None, {}, "Nothing on the bench yet.", gone, none, none, gone, gone

    def close(self, bench: Bench | None) -> None:
        """Remove a bench's files; the model goes with the last bench."""
        if bench is None:
            return
        bench.close()
        self._open.discard(id(bench))
        if not self._open:
            self._holder.free()

    def _all(self, bench: Bench, names: tuple[str | None, str | None]) -> Shown:
        """Everything that the page shows of a bench."""
        known = bench.sound_names()
        first = names[0] or next(iter(known), None)
        second = names[1] or next((name for name in known if name != first), None)
        return (
            bench.state((first, second)),
            _status(bench),
            gr.update(visible=bool(known)),
            gr.Dropdown(choices=known, value=first),
            gr.Dropdown(choices=known, value=second),
            gr.update(value=_rows(bench), visible=bool(bench.versions)),
            gr.update(value=_files(bench, first), visible=True),
        )


def _given(bench: Bench | None) -> Bench:
    if bench is None:
        raise gr.Error("drop a video first")
    return bench


def _status(bench: Bench) -> str:
    physics = bench.edited.now
    count = len(physics.impacts())
    things = (
        "no moving object"
        if not physics.objects
        else ", ".join(entry.object.label for entry in physics)
    )
    lines = [f"**{things}** · {count} impact{'' if count == 1 else 's'} · {bench.edited.label}"]
    lines += [f"*{note}*" for note in bench.notes]
    return "  \n".join(lines)


def _rows(bench: Bench) -> list[list[Any]]:
    return [
        [
            version.number,
            version.label,
            round(version.audio.peak_dbfs, 1),
            version.settings.seed,
            version.settings.prompt,
            version.model,
        ]
        for version in reversed(bench.versions)
    ]


def _files(bench: Bench, name: str | None) -> list[str]:
    version = None if name is None else bench.version(name)
    return [str(path) for path in (version.files if version else (bench.physics_file(),))]


def _show_slot(progress: gr.Progress, told: Progress) -> None:
    what = told.slot.replace("_", " ") or "estimating"
    progress((told.done, told.total) if told.total else None, desc=what, unit=told.unit)


@contextmanager
def _shown_errors() -> Iterator[None]:
    """Errors of ours are for the person at the page; others are bugs and stay what they are."""
    try:
        yield
    except PavasError as err:
        raise gr.Error(str(err)) from err

"""The Gradio page: what stands where, and what each button calls."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import gradio as gr

from pavas_sdk.registry import ESTIMATORS
from pavas_sdk.report.editor import editor_page
from pavas_sdk.ui.actions import Actions
from pavas_sdk.ui.models import OWN_ESTIMATOR, model_names

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_sdk.ui.models import ModelHolder

__all__ = ["CSS", "HISTORY", "build_page"]

HISTORY = ["sound", "physics", "peak dBFS", "seed", "prompt", "model"]
"""Columns of the table of versions."""
CSS = """
.gradio-container { max-width: 1480px !important; width: 100%; margin: 0 auto; }
#head { padding: 2px 0 0; } #head p { opacity: .75; }
#stage { padding: 0 !important; } #stage .stage-place { width: 100%; }
#status { min-height: 24px; padding: 0 2px; }
"""


def build_page(holder: ModelHolder, root: Path) -> gr.Blocks:
    """Return the page; `serve` launches it.

    Args:
        holder: The model.
        root: Folder for the files of all visitors, which the server has to allow.
    """
    models = model_names()
    with gr.Blocks(title="pavas", analytics_enabled=False, delete_cache=(3600, 7200)) as page:
        act = Actions(holder, root)
        bench = gr.State(None, time_to_live=7200, delete_callback=act.close)
        gr.Markdown(
            "# pavas\nSound that obeys mass and speed: drop a video, change what is in it, hear the "
            "difference.",
            elem_id="head",
        )
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                video = gr.File(
                    label="Drop a video here", file_types=["video"], height=150, elem_id="video"
                )
                prompt = gr.Textbox(label="Prompt", placeholder="what is heard", elem_id="prompt")
                negative = gr.Textbox(label="Negative prompt", placeholder="what is not")
                generate = gr.Button("Make the sound", variant="primary", elem_id="generate")
                stop = gr.Button("Stop", size="sm")
                with gr.Accordion("Settings", open=False):
                    seed = gr.Number(0, label="Seed", precision=0, minimum=0)
                    model = gr.Dropdown(
                        models, value=models[0], label="Model", allow_custom_value=True
                    )
                    estimator = gr.Dropdown(
                        [OWN_ESTIMATOR, *ESTIMATORS], value=OWN_ESTIMATOR, label="Physics estimator"
                    )
                    # an empty number is shown as 0, so 0 is what means nothing
                    steps = gr.Number(0, label="Steps (0: the model's)", precision=0, minimum=0)
                    guidance = gr.Number(0, label="Guidance (0: the model's)", minimum=0)
                    stems = gr.Checkbox(
                        False,
                        label="Stems: also a sound per object",
                        info="takes as long again for each object",
                        elem_id="stems",
                    )
                    slower = gr.Number(1, label="Slow motion, times slower than life")
                    again = gr.Button("Estimate again", size="sm")
            with gr.Column(scale=5, min_width=320):
                status = gr.Markdown("Nothing on the bench yet.", elem_id="status")
                stage = gr.HTML(
                    value={},
                    html_template='<div class="stage-place"></div>',
                    js_on_load=_bridge(),
                    elem_id="stage",
                )
                with gr.Row(visible=False) as listening:
                    first = gr.Dropdown([], label="Listen to", interactive=True, elem_id="first")
                    second = gr.Dropdown([], label="Compare with", interactive=True)
                history = gr.Dataframe(
                    headers=HISTORY,
                    interactive=False,
                    label="Versions; a click takes the physics of one, to go on from there",
                    wrap=True,
                    elem_id="history",
                    visible=False,
                )
                download = gr.File(
                    label="Download",
                    file_count="multiple",
                    interactive=False,
                    elem_id="download",
                    visible=False,
                )
        shown = [stage, status, listening, first, second, history, download]
        for event in (video.upload, again.click):
            event(
                act.open_clip,
                [bench, video, prompt, model, estimator, slower],
                [bench, *shown],
                show_progress_on=[status],
                concurrency_id="model",
            )
        video.clear(act.clear, [bench], [bench, *shown])
        generate.click(
            act.generate,
            [bench, prompt, negative, seed, model, estimator, steps, guidance, stems],
            shown,
            show_progress_on=[status],
            concurrency_id="model",
        )
        stop.click(holder.stop, queue=False)
        stage.edit(act.edit, [bench, first, second], [stage, status], queue=False)
        for choice in (first, second):
            choice.input(act.compare, [bench, first, second], [stage, download], queue=False)
        history.select(act.go_back, [bench, first, second], [stage, status], queue=False)
    return page


def _bridge() -> str:
    """The script between Gradio and the editor, with the editor's page in it."""
    script = files("pavas_sdk.ui").joinpath("stage.js").read_text(encoding="utf-8")
    text = json.dumps(editor_page()).replace("</", "<\\/")
    return script.replace("EDITOR_PAGE", text)

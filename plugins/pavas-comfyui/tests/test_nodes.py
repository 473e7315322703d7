"""The nodes, called as ComfyUI calls them: by mapping, function name and inputs by name."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
import types
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from pavas_comfyui import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from pavas_comfyui.clips import clip_of

from pavas_sdk import InputError, PhysicsInputError, Video
from pavas_sdk.media import write_video
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

HERE = Path(__file__).parents[1]


class ComfyVideo:
    """What the nodes use of ComfyUI's VideoInput."""

    def __init__(self, images, frame_rate):
        self._parts = types.SimpleNamespace(images=images, audio=None, frame_rate=frame_rate)

    def get_components(self):
        return self._parts


class VideoFromFile(ComfyVideo):
    """What the nodes use of ComfyUI's own class, whose name they look for."""

    def __init__(self, path, *, duration_s=2.0, size=(64, 48)):
        super().__init__(torch.zeros(8, 48, 64, 3), Fraction(4))
        self._path, self._duration_s, self._size = path, duration_s, size

    def get_stream_source(self):
        return self._path

    def get_duration(self):
        return self._duration_s

    def get_dimensions(self):
        return self._size


def call(name, **inputs):
    """Run a node as ComfyUI does."""
    node = NODE_CLASS_MAPPINGS[name]
    kinds = node.INPUT_TYPES()
    known = {**kinds["required"], **kinds.get("optional", {})}
    assert set(kinds["required"]) <= set(inputs) <= set(known)
    answer = getattr(node(), node.FUNCTION)(**inputs)
    assert len(answer) == len(node.RETURN_TYPES)
    return answer


@pytest.fixture(scope="module")
def pipe():
    estimator = PhysicsEstimator(
        moving_object_detector=BrightDetector(),
        segmenter=BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
    )
    return tiny_pipeline(physics_estimator=estimator)


@pytest.fixture(scope="module")
def images():
    frames = moving_discs(2, frames=40, fps=20.0).video.frames
    return torch.from_numpy(frames.astype(np.float32) / 255)


@pytest.fixture(scope="module")
def video(images):
    return ComfyVideo(images, Fraction(20))


@pytest.fixture(scope="module")
def physics(pipe, video):
    return call("PavasEstimatePhysics", pipeline=pipe, prompt="", video=video)[0]


def generate(pipe, **inputs):
    given = {"prompt": "", "negative_prompt": "", "seed": 3, "steps": 0, "guidance": 0.0}
    return call("PavasGenerate", pipeline=pipe, **{**given, **inputs})


def test_every_node_is_listed_and_whole():
    assert set(NODE_CLASS_MAPPINGS) == set(NODE_DISPLAY_NAME_MAPPINGS)
    for node in NODE_CLASS_MAPPINGS.values():
        assert callable(getattr(node(), node.FUNCTION))
        assert node.CATEGORY == "audio/PAVAS"
        json.dumps(node.INPUT_TYPES())  # ComfyUI sends it to the browser


def test_importing_needs_no_comfyui_and_no_torch():
    code = (
        "import sys, pavas_comfyui; "
        "print([m for m in sys.modules if m.split('.')[0] in ('comfy', 'nodes', 'torch', 'folder_paths')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    for file in (HERE / "pavas_comfyui").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )
            for name in names:
                assert not name.startswith("comfy")
                # public names of the SDK alone
                assert name == "pavas_sdk" or not name.startswith("pavas_sdk.")


def test_the_folder_loads_as_comfyui_loads_it(monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "custom_nodes_pavas", HERE / "__init__.py", submodule_search_locations=[str(HERE)]
    )
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "custom_nodes_pavas", module)
    spec.loader.exec_module(module)
    assert set(module.NODE_CLASS_MAPPINGS) == set(NODE_CLASS_MAPPINGS)


def test_a_video_and_its_frames_give_the_same_with_the_true_rate(pipe, video, images, physics):
    assert physics.estimate.duration_s == pytest.approx(2.0)
    same = call("PavasEstimatePhysics", pipeline=pipe, prompt="", images=images, fps=20.0)[0]
    assert same.estimate.dumps() == physics.estimate.dumps()
    # half the rate: twice as long
    slow = call("PavasEstimatePhysics", pipeline=pipe, prompt="", images=images, fps=10.0)[0]
    assert slow.estimate.duration_s == pytest.approx(4.0)
    assert set(physics.masks) == {entry.object_id for entry in physics.estimate}


def test_a_whole_file_sounds_as_it_does_outside_of_comfyui(pipe, tmp_path):
    """Frames of a changing rate: their one average rate would give other speeds."""
    path = str(tmp_path / "clip.mkv")
    frames = moving_discs(1, frames=40, fps=20.0).video.frames
    times = np.concatenate([np.arange(20) * 0.04, 0.8 + np.arange(20) * 0.06])
    write_video(path, Video(frames=frames, times_s=times, end_s=2.0))
    given = VideoFromFile(path)
    sound, made_of, provenance = generate(pipe, video=given)
    theirs = pipe(path, seed=3)
    assert np.array_equal(sound["waveform"][0].numpy(), theirs.audio.samples)
    assert made_of.estimate.dumps() == theirs.physics.dumps()
    assert json.loads(provenance)["video"] == theirs.provenance["video"]
    (drawn,) = call("PavasPreviewMasks", physics=made_of, video=given)
    assert drawn.shape == frames.shape


def test_a_part_of_a_file_is_taken_as_it_is_shown(tmp_path):
    """Trimmed, cropped, or of somebody else's class that shows it otherwise."""

    class Enlarged(VideoFromFile):
        pass

    for part in (
        VideoFromFile("clip.mp4", duration_s=1.0),
        VideoFromFile("clip.mp4", size=(32, 48)),
        Enlarged("clip.mp4"),
    ):
        clip = clip_of(part, None, 25.0)
        assert (tuple(clip.video.shape), clip.fps) == ((8, 48, 64, 3), 4.0)
    assert clip_of(VideoFromFile("clip.mp4"), None, 25.0).video == "clip.mp4"


def test_auto_is_the_device_that_comfyui_computes_on(monkeypatch):
    asked = []

    def device():
        asked.append(1)
        return torch.device("cpu")

    manager = types.SimpleNamespace(get_torch_device=device)
    monkeypatch.setitem(sys.modules, "comfy.model_management", manager)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    inputs = {"model": "pavas-tiny", "estimator": "the model's own", "device": "auto"}
    (pipe,) = call("PavasLoadPipeline", **inputs)
    assert asked
    assert pipe.device.type == "cpu"


def test_a_sound_is_what_comfyui_takes_as_audio(pipe, video, physics):
    audio, made_of, provenance = generate(pipe, video=video, physics=physics)
    assert audio["waveform"].ndim == 3
    assert audio["waveform"].dtype == torch.float32
    seconds = audio["waveform"].shape[-1] / audio["sample_rate"]
    assert seconds == pytest.approx(2.0, abs=1e-3)
    assert json.loads(provenance)["seed"] == 3
    assert made_of.estimate.dumps() == physics.estimate.dumps()
    again = generate(pipe, video=video, physics=physics)[0]["waveform"]
    assert torch.equal(audio["waveform"], again)
    other = generate(pipe, video=video, physics=physics, seed=4)[0]["waveform"]
    assert not torch.equal(audio["waveform"], other)


def test_edits_reach_the_sound(pipe, video, physics):
    (heavy,) = call(
        "PavasEditObject", physics=physics, object="0", mass_kg=50.0, speed_factor=2.0, remove=False
    )
    entry, before = heavy.estimate[0], physics.estimate[0]
    assert entry.mass_kg == 50.0
    np.testing.assert_allclose(entry.speed_m_s, 2 * before.speed_m_s)
    a = generate(pipe, video=video, physics=physics)[0]["waveform"]
    b = generate(pipe, video=video, physics=heavy)[0]["waveform"]
    assert not torch.equal(a, b)
    (one,) = call(
        "PavasEditObject", physics=physics, object="0", mass_kg=0.0, speed_factor=1.0, remove=True
    )
    assert [e.object_id for e in one.estimate] == [1]
    assert set(one.masks) == {1}


def test_impacts_are_added_moved_and_removed(physics):
    def edit(given, action, **times):
        values = {"time_s": 0.0, "to_time_s": 0.0, "energy_j": 0.5, **times}
        return call("PavasEditImpact", physics=given, action=action, object="1", **values)[0]

    start = len(physics.estimate.impacts())
    added = edit(physics, "add", time_s=1.0)
    (hit,) = [h for h in added.estimate.impacts() if h.source == "edited"]
    assert (hit.time_s, hit.energy_change_j) == (1.0, 0.5)
    moved = edit(added, "move", time_s=1.0, to_time_s=1.5)
    assert [h.time_s for h in moved.estimate.impacts() if h.source == "edited"] == [1.5]
    assert len(edit(moved, "remove", time_s=1.5).estimate.impacts()) == start


def test_json_goes_round_and_masks_are_found_again(pipe, video, physics):
    (text,) = call("PavasPhysicsToJson", physics=physics)
    (read,) = call("PavasPhysicsFromJson", json=text)
    assert read.estimate.dumps() == physics.estimate.dumps()
    a = generate(pipe, video=video, physics=physics)[0]["waveform"]
    assert torch.equal(a, generate(pipe, video=video, physics=read)[0]["waveform"])


def test_previews_are_images(video, images, physics):
    (drawn,) = call("PavasPreviewMasks", physics=physics, video=video)
    assert drawn.shape == images.shape
    changed = (drawn != images).any(dim=-1).numpy()
    masks = np.logical_or.reduce([track.masks for track in physics.masks.values()])
    assert (changed <= masks).all()
    assert changed.sum() > 0.9 * masks.sum()
    (curves,) = call("PavasPreviewCurves", physics=physics)
    assert curves.shape[0] == 1
    assert curves.shape[-1] == 3
    assert 0 <= float(curves.min()) < float(curves.max()) <= 1


def test_what_cannot_be_is_refused(pipe, video, images, physics):
    with pytest.raises(InputError, match="either video, or images"):
        generate(pipe)
    with pytest.raises(InputError, match="either video, or images"):
        generate(pipe, video=video, images=images)
    with pytest.raises(PhysicsInputError, match="say which by its id or label"):
        call(
            "PavasEditObject",
            physics=physics,
            object="",
            mass_kg=1.0,
            speed_factor=1.0,
            remove=False,
        )


def test_comfyui_is_told_of_progress_and_can_stop(pipe, video, physics, monkeypatch):
    told = []

    class ProgressBar:
        def __init__(self, total):
            self.total = total

        def update_absolute(self, value):
            told.append((value, self.total))

    class StoppedError(Exception):
        pass

    def stop():
        if len(told) == 2:
            raise StoppedError

    monkeypatch.setitem(sys.modules, "comfy.utils", types.SimpleNamespace(ProgressBar=ProgressBar))
    generate(pipe, video=video, physics=physics)
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    manager = types.SimpleNamespace(throw_exception_if_processing_interrupted=stop)
    monkeypatch.setitem(sys.modules, "comfy.model_management", manager)
    with pytest.raises(StoppedError):
        generate(pipe, video=video, physics=physics)


EXAMPLE = "heavier_ball.json"


def inputs_of(kind):
    """The sockets and the widgets of a node, by name, in ComfyUI's order: (name, type or values)."""
    kinds = NODE_CLASS_MAPPINGS[kind].INPUT_TYPES()
    every = {**kinds["required"], **kinds.get("optional", {})}
    shown = {"STRING", "INT", "FLOAT", "BOOLEAN"}
    widgets = {k: v for k, v in every.items() if isinstance(v[0], list) or v[0] in shown}
    return {k: v[0] for k, v in every.items() if k not in widgets}, widgets


def test_the_template_is_the_example_as_the_page_shows_it():
    """ComfyUI lists example_workflows; what is for /prompt alone opens there as an empty page."""
    shown = json.loads((HERE / "example_workflows" / EXAMPLE).read_text("utf-8"))
    graph = json.loads((HERE / "api_workflows" / EXAMPLE).read_text("utf-8"))
    assert sorted(str(node["id"]) for node in shown["nodes"]) == sorted(graph)
    links = {link[0]: link[1:] for link in shown["links"]}
    outputs = {node["id"]: node["outputs"] for node in shown["nodes"]}
    for node in shown["nodes"]:
        kind, given = graph[str(node["id"])]["class_type"], graph[str(node["id"])]["inputs"]
        assert node["type"] == kind
        for slot, socket in enumerate(node["inputs"]):
            if socket["link"] is None:
                assert socket["name"] not in given
                continue
            source, source_slot, target, target_slot, passed = links[socket["link"]]
            assert (target, target_slot) == (node["id"], slot)
            assert passed == outputs[source][source_slot]["type"] == socket["type"]
            assert socket["link"] in outputs[source][source_slot]["links"]
            assert given[socket["name"]] == [str(source), source_slot]
        if kind in NODE_CLASS_MAPPINGS:
            sockets, widgets = inputs_of(kind)
            assert [(i["name"], i["type"]) for i in node["inputs"]] == list(sockets.items())
            names = list(widgets)
            if "seed" in names:
                names.insert(names.index("seed") + 1, "control_after_generate")
            values = dict(zip(names, node.get("widgets_values", []), strict=True))
            assert values.pop("control_after_generate", "fixed") == "fixed"
            assert {k: v for k, v in given.items() if k in values} == values


def test_the_example_workflow_runs(pipe):
    """Each node of the file exists, its links fit by type, and it runs from end to end."""
    graph = json.loads((HERE / "api_workflows" / EXAMPLE).read_text("utf-8"))
    one = ComfyVideo(
        torch.from_numpy(moving_discs(1).video.frames.astype(np.float32) / 255), Fraction(25)
    )
    kinds = {node["class_type"] for node in graph.values()}
    theirs = dict.fromkeys(kinds - set(NODE_CLASS_MAPPINGS), (None, None, 25.0))
    theirs["LoadVideo"] = (one,)
    done = {}

    def result(key):
        if key not in done:
            kind, inputs = graph[key]["class_type"], dict(graph[key]["inputs"])
            for name, value in inputs.items():
                if isinstance(value, list):
                    source = NODE_CLASS_MAPPINGS.get(graph[value[0]]["class_type"])
                    if source is not None and kind in NODE_CLASS_MAPPINGS:
                        wanted = NODE_CLASS_MAPPINGS[kind].INPUT_TYPES()
                        wanted = {**wanted["required"], **wanted.get("optional", {})}
                        assert source.RETURN_TYPES[value[1]] == wanted[name][0]
                    inputs[name] = result(value[0])[value[1]]
            if kind == "PavasLoadPipeline":
                done[key] = (pipe,)  # quick, instead of the named one
            else:
                done[key] = theirs[kind] if kind in theirs else call(kind, **inputs)
        return done[key]

    for key in graph:
        result(key)
    audio, made_of, _ = done["5"]
    assert made_of.estimate.objects[0].mass_kg == 10.0
    assert audio["waveform"].abs().max() > 0

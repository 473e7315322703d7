"""The implementation against outputs of the public reference, on name-seeded weights."""

import re

import numpy as np
import pytest
import torch
from cut3r_goldens import Comparison, number, params, read_index
from pavas_cut3r import (
    Cut3RSession,
    estimate_focal,
    estimate_focal_median,
    place,
    preprocess,
    ray_map,
)
from pavas_cut3r.positions import image_positions, state_positions

from pavas_sdk.errors import InputError

KINDS = {"sequence", "variants", "preprocess_pixels", "preprocess_sizes", "focal"}
POINTS = ("pts3d_in_self_view", "pts3d_in_other_view")
MAPS = (*POINTS, "pts3d_world_from_pose", "conf", "conf_self", "rgb")


def test_cut3r_every_golden_has_a_kind_that_we_test():
    unknown = {g.name: g.entry["kind"] for g in read_index() if g.entry["kind"] not in KINDS}
    assert unknown == {}


class Taps:
    """What passes between the parts of a model, by the goldens' names."""

    def __init__(self, model):
        self.values = {}
        self.step = 0
        depth = len(model.dec_blocks)
        head = model.downstream_head
        self.handles = []
        for side, blocks, norm in (
            ("img", model.dec_blocks, model.dec_norm),
            ("state", model.dec_blocks_state, model.dec_norm_state),
        ):
            for level, block in enumerate(blocks[:-1], 1):
                self.keep(block, f"dec_{side}.{level}")
            self.keep(norm, f"dec_{side}.{depth}")
        for name in ("dpt_self", "dpt_cross", "dpt_rgb", "pose_head"):
            self.keep(head.get_submodule(name), f"head.{name}.raw")
        for index in range(2):
            block = head.final_transform[index]
            self.keep(block, f"head.final_transform.{index}.raw")
        self.handles.append(
            model.dec_blocks[0].register_forward_pre_hook(
                lambda module, inputs: self.put("pose_query", inputs[0][:, :1])
            )
        )

    def keep(self, module, name):
        hook = module.register_forward_hook(lambda m, inputs, output: self.put(name, output))
        self.handles.append(hook)

    def put(self, name, tensor):
        self.values[f"tap.step{self.step}.{name}"] = tensor[0].detach().numpy().copy()

    def remove(self):
        for handle in self.handles:
            handle.remove()


def frame_values(found):
    """One frame's results by the goldens' names."""
    values = {
        "pts3d_in_self_view": found.self_points,
        "pts3d_in_other_view": found.world_points,
        "pts3d_world_from_pose": found.world_points_from_pose(),
        "conf_self": found.self_confidence,
        "conf": found.world_confidence,
        "rgb": found.rgb,
        "camera_pose": found.pose,
        "camera_to_world": found.camera_to_world,
    }
    values = {name: tensor[0].numpy() for name, tensor in values.items()}
    height, width = values["conf"].shape
    values["focal"] = np.array([estimate_focal(values["pts3d_in_self_view"])])
    values["principal_point"] = np.array([width // 2, height // 2])
    return values


def run_sequence(golden, model):
    """Run all frames of a golden and return everything that is stored of it, by name."""
    taps = Taps(model)
    session = Cut3RSession(model)
    values = taps.values
    values["tap.state_init"] = session.state.tokens[0].numpy().copy()
    values["tap.mem_init"] = session.state.memory[0].numpy().copy()
    values["state_pos"] = state_positions(session.state.tokens.shape[1]).numpy()
    preprocessed = []
    for index, pixels in enumerate(golden.pixels()):
        taps.step = index
        preprocessed.append(pixels[0].numpy())
        rows, columns = (side // 16 for side in pixels.shape[-2:])
        values["tap.image_pos"] = image_positions(rows, columns, pose_token=False).numpy()
        with torch.no_grad():
            tokens = model.encode_images(pixels)[0].numpy()
        values[f"tap.encoder.frame{index}"] = values[f"tap.step{index}.dec_img.0"] = tokens
        values[f"tap.step{index}.dec_state.0"] = session.state.tokens[0].numpy().copy()
        found = frame_values(session.step(pixels))
        values[f"tap.step{index}.pose_token_out"] = values[
            f"tap.step{index}.dec_img.{len(model.dec_blocks)}"
        ][:1]
        values[f"tap.step{index}.state_after"] = session.state.tokens[0].numpy().copy()
        values[f"tap.step{index}.mem_after"] = session.state.memory[0].numpy().copy()
        values |= {f"frame{index}.{name}": value for name, value in found.items()}
    taps.remove()
    values["preprocessed"] = np.stack(preprocessed)
    values["state_final"] = session.state.tokens[0].numpy()
    values["mem_final"] = session.state.memory[0].numpy()
    return values


def compare(comparison, name, values, want):
    """Compare one stored tensor with what was computed; its name says how it was stored."""
    base, suffix = re.fullmatch(r"(.+?)(\.stats|\.row_norms|\.first\d+)?", name).groups()
    got = values[base]
    leaf = base.rpartition(".")[2]
    if suffix == ".stats":
        got = np.array([got.mean(dtype=np.float64), got.std(ddof=1), np.abs(got).max()])
        comparison.check("values", name, got, want)
        return
    if suffix == ".row_norms":
        got = np.linalg.norm(got, axis=-1)
    elif suffix or leaf in ("state_final", "mem_final"):
        got = got[: want.shape[0]]
    if leaf in MAPS:
        got = comparison.golden.map_slice(got)
    comparison.check(kind_of(leaf), name, got, want)


def kind_of(leaf):
    if leaf in POINTS:
        return "points"
    if leaf == "pts3d_world_from_pose":
        return "from_pose"
    if leaf in ("conf", "conf_self", "rgb"):
        return "values"
    if leaf in ("state_pos", "image_pos", "preprocessed", "principal_point"):
        return "exact"
    return "focal" if leaf == "focal" else "tensor"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("golden", params("sequence"))
def test_cut3r_sequence(golden):
    values = run_sequence(golden, golden.model())
    comparison = Comparison(golden)
    for name, want in golden.tensors.items():
        if name != "input_uint8":  # the input, read above
            compare(comparison, name, values, want)
    comparison.report()


def run_variant(golden, model, spec):
    """Run one variant; return its frames, and the session."""
    session = Cut3RSession(model)
    frames = list(golden.pixels())[: spec.get("use_first_frames")]
    found = []
    for index in range(spec.get("passes", 1)):
        for frame, pixels in enumerate(frames):
            later = index > 0 and not spec.get("update_in_later_passes", False)
            skipped = frame in spec.get("no_update_frames", [])
            reset = frame in spec.get("reset_frames", [])
            found.append(session.step(pixels, update=not (later or skipped), reset=reset))
    return found, session


def ray_query(session, spec, height, width):
    """Ask for the view that ``spec`` describes; return it and the ray map, (H, W, 6)."""
    assert spec["principal"].replace(" ", "") == "(w//2,h//2)"
    focal = number(spec["focal"], height, width)
    turn = spec["rotation_y_rad"]
    intrinsics = torch.tensor([[focal, 0, width // 2], [0, focal, height // 2], [0, 0, 1.0]])
    pose = torch.eye(4, dtype=torch.float64)
    pose[0, 0] = pose[2, 2] = np.cos(turn)
    pose[0, 2], pose[2, 0] = np.sin(turn), -np.sin(turn)
    pose[:3, 3] = torch.tensor(spec["translation"])
    rays = ray_map(intrinsics, pose, height, width)
    return session.query(rays.permute(2, 0, 1)[None]), rays.numpy()


def variants():
    for param in params("variants"):
        (golden,) = param.values
        for name in golden.entry["variants"]:
            yield pytest.param(golden, name, id=f"{golden.name}-{name}", marks=param.marks)


@pytest.mark.parametrize(("golden", "variant"), list(variants()))
def test_cut3r_variant(golden, variant):
    spec = golden.entry["variants"][variant]
    frames, session = run_variant(golden, golden.model(), spec)
    values = {
        f"frame{index}.{name}": value
        for index, frame in enumerate(frames)
        for name, value in frame_values(frame).items()
    }
    values["state_final"] = session.state.tokens[0].numpy()
    values["mem_final"] = session.state.memory[0].numpy()
    if "ray" in spec:
        before = session.state
        found, rays = ray_query(session, spec["ray"], *frames[-1].rgb.shape[1:3])
        assert session.state is before
        values |= {**frame_values(found), "ray_map": rays}
    comparison = Comparison(golden)
    stored = {
        name.removeprefix(f"{variant}."): want
        for name, want in golden.tensors.items()
        if name.startswith(f"{variant}.")
    }
    assert stored
    for name, want in stored.items():
        compare(comparison, name, values, want)
    comparison.report()


@pytest.mark.parametrize("golden", params("variants"))
def test_cut3r_variants_are_all_run(golden):
    stored = {name.partition(".")[0] for name in golden.tensors}
    assert stored == set(golden.entry["variants"])


@pytest.mark.parametrize("golden", params("preprocess_sizes"))
def test_cut3r_preprocess_sizes(golden):
    for width, height, size, out_width, out_height in golden.rows:
        if min(out_width, out_height) == 0 or out_width % 16 or out_height % 16:
            with pytest.raises(InputError):
                place(height, width, size)
            continue
        assert place(height, width, size).size == (out_height, out_width), (width, height, size)


@pytest.mark.parametrize("golden", params("preprocess_pixels"))
def test_cut3r_preprocess_pixels(golden):
    from cut3r_goldens import formula_a

    cases = sorted({name.partition(".")[0] for name in golden.tensors})
    assert cases
    for case in cases:
        width, height, size = (int(n) for n in golden.tensors[f"{case}.args_w_h_size"])
        (picture,) = formula_a(1, width, height)
        found = preprocess(picture, place(height, width, size))
        assert np.array_equal(found, golden.tensors[f"{case}.uint8_hwc"]), case


def synthetic_points(index, height, width, focal, wobble):
    """The point map of a known camera, as the README describes it."""
    height, width = int(height), int(width)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    z = 2 + 0.5 * np.sin(0.11 * x + 0.07 * y) + 0.25 * np.cos(0.05 * x * y / 16)
    own = focal * (1 + wobble * np.sin(0.31 * x - 0.23 * y))
    points = np.stack([(x - width // 2) * z / own, (y - height // 2) * z / own, z], axis=-1)
    if index == 2:
        points[0, :5, 2] = 0
    return points.astype(np.float32)


@pytest.mark.parametrize("golden", params("focal"))
def test_cut3r_focal(golden):
    cases = sorted({name.partition(".")[0] for name in golden.tensors})
    assert cases
    for case in cases:
        args = golden.tensors[f"{case}.args"]
        points = synthetic_points(int(case.removeprefix("case")), *args)
        for name, estimate in (
            ("focal_weiszfeld", estimate_focal),
            ("focal_median", estimate_focal_median),
        ):
            want = float(golden.tensors[f"{case}.{name}"][0])
            assert estimate(points) == pytest.approx(want, rel=1e-5), f"{case}.{name}"

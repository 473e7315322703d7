"""Sessions: streaming, batches, what changes the state and what does not."""

import gc
import weakref

import pytest
import torch
from pavas_cut3r import Cut3RSession, ray_map
from pavas_cut3r.weights import random_model
from tiny_cut3r import pixels

from pavas_sdk.errors import ConfigurationError, InputError


@pytest.fixture(scope="module")
def model():
    return random_model()


def run(model, frames, **options):
    session = Cut3RSession(model, batch_size=frames[0].shape[0])
    return [session.step(frame, **options) for frame in frames], session


def close(first, second, tolerance=1e-5):
    for name in ("pose", "self_points", "world_points", "self_confidence", "rgb"):
        a, b = getattr(first, name), getattr(second, name)
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), name


def test_a_batch_equals_its_singles():
    model = random_model()
    model.set_rope_float16_rounding(False)  # it turns a last bit into a step of float16
    a, b = pixels(3, seed=1), pixels(3, seed=2)
    both, _ = run(model, [torch.cat(pair) for pair in zip(a, b, strict=True)])
    for index, single in enumerate((run(model, a)[0], run(model, b)[0])):
        for frame, own in zip(both, single, strict=True):
            for name in ("self_points", "world_points", "pose"):
                got, want = getattr(frame, name)[index : index + 1], getattr(own, name)
                assert torch.allclose(got, want, rtol=1e-4, atol=1e-4), name


def test_outputs_that_are_not_asked_for_change_nothing(model):
    frames = pixels()
    whole, _ = run(model, frames)
    some, _ = run(model, frames, outputs={"self"})
    for frame, less in zip(whole, some, strict=True):
        assert torch.equal(frame.self_points, less.self_points)
        assert torch.equal(frame.pose, less.pose)
        assert less.world_points is None
        assert less.rgb is None
    none, _ = run(model, frames, outputs=())
    assert torch.equal(none[-1].pose, whole[-1].pose)
    with pytest.raises(ValueError, match="outputs="):
        none[-1].world_points_from_pose()


def test_without_update_the_state_stays_to_the_bit(model):
    frames = pixels(4)
    _, session = run(model, frames[:2])
    before = session.state
    first = session.step(frames[2], update=False)
    assert session.state is before
    close(first, session.step(frames[2], update=False), 0)
    updated = session.step(frames[2])
    close(first, updated, 0)  # the frame's own outputs use the state before it
    assert not torch.equal(session.state.tokens, before.tokens)


def test_restart_is_a_new_session_and_reset_is_not(model):
    frames = pixels(4)
    fresh, _ = run(model, frames[:1])
    _, session = run(model, frames[1:])
    session.restart()
    assert session.frames_seen == 0
    close(session.step(frames[0]), fresh[0], 0)
    session = Cut3RSession(model)
    session.step(frames[1], reset=True)
    assert not torch.allclose(session.step(frames[0]).pose, fresh[0].pose, atol=1e-4)


def test_revisit_is_the_last_of_several_passes(model):
    frames = pixels(3)
    session = Cut3RSession(model)
    found = list(session.revisit(frames, passes=2))
    by_hand = Cut3RSession(model)
    for frame in frames:
        by_hand.step(frame)
    for frame, one in zip(frames, found, strict=True):
        close(one, by_hand.step(frame, update=False), 0)
    assert session.frames_seen == 6
    assert torch.equal(session.state.tokens, by_hand.state.tokens)


def test_a_query_leaves_the_state_alone_and_needs_a_scene(model):
    intrinsics = torch.tensor([[60.0, 0, 32], [0, 60.0, 24], [0, 0, 1]])
    rays = ray_map(intrinsics, torch.eye(4), 48, 64)
    assert rays.shape == (48, 64, 6)
    assert torch.allclose(rays[..., 3:].norm(dim=-1), torch.ones(48, 64))
    _, session = run(model, pixels(2))
    before = session.state
    found = session.query(rays.permute(2, 0, 1)[None])
    assert session.state is before
    assert found.rgb.shape == (1, 48, 64, 3)
    with pytest.raises(InputError, match="has seen no frame"):
        Cut3RSession(model).query(rays.permute(2, 0, 1)[None])


def test_nothing_of_a_frame_is_kept(model):
    session = Cut3RSession(model)
    alive = []
    for frame in pixels(6):
        found = session.step(frame)
        alive += [weakref.ref(t) for t in (found.self_points, found.rgb, found.pose)]
        del found, frame
        gc.collect()
        assert not any(reference() is not None for reference in alive)
    assert not session.state.tokens.requires_grad
    assert session.state.tokens.grad_fn is None


def test_sizes_may_change_between_frames(model):
    session = Cut3RSession(model)
    for height, width in ((48, 64), (64, 48), (16, 16), (32, 80)):
        found = session.step(*pixels(1, height, width))
        assert found.self_points.shape == (1, height, width, 3)
        assert torch.isfinite(found.self_points).all()


def test_bfloat16_blocks_stay_near_and_heads_stay_float32():
    exact, _ = run(random_model(), pixels(3))
    model = random_model()
    model.set_block_dtype(torch.bfloat16)
    assert model.enc_blocks[0].attn.qkv.weight.dtype == torch.bfloat16
    assert model.downstream_head.dpt_self.head[0].weight.dtype == torch.float32
    assert model.pose_retriever.mem.dtype == torch.float32
    rounded, session = run(model, pixels(3))
    for one, other in zip(exact, rounded, strict=True):
        assert other.self_points.dtype == torch.float32
        error = (one.self_points - other.self_points).norm(dim=-1)
        assert 0 < (error / (one.self_points.norm(dim=-1) + 1)).max() < 0.1
    assert session.state.tokens.dtype == torch.float32
    with pytest.raises(ConfigurationError, match="float16 overflows"):
        model.set_block_dtype(torch.float16)


def test_a_whole_model_in_bfloat16_runs():
    found, _ = run(random_model().to(torch.bfloat16), pixels(2))
    assert found[-1].self_points.dtype == torch.float32
    assert torch.isfinite(found[-1].self_points).all()


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (torch.zeros(1, 3, 40, 64), {}, "multiples of 16"),
        (torch.zeros(1, 3, 0, 64), {}, "multiples of 16"),
        (torch.zeros(2, 3, 48, 64), {}, r"expected \(1, 3, H, W\)"),
        (torch.zeros(1, 4, 48, 64), {}, r"expected \(1, 3, H, W\)"),
        (torch.zeros(1, 3, 48, 64), {"outputs": {"depth"}}, "no outputs depth; there are rgb"),
    ],
)
def test_what_a_session_refuses(model, frame, options, words):
    with pytest.raises(InputError, match=words):
        Cut3RSession(model).step(frame, **options)


def test_gradients_reach_every_parameter_that_video_uses(model):
    model = random_model().requires_grad_(True)
    state = model.initial_state()
    total = torch.zeros(())
    for index, frame in enumerate(pixels(2)):
        raw, state = model.step(model.encode_images(frame), (3, 4), state, first=index == 0)
        for value in (raw.pose, raw.self_points, raw.world_points, raw.rgb):
            total = total + value.square().mean()
    (total + state.tokens.square().mean() + state.memory.square().mean()).backward()
    missing = {name for name, p in model.named_parameters() if p.grad is None}
    unused = ("ray_map", "masked_img_token", "refinenet4.resConfUnit1")
    assert all(any(part in name for part in unused) for name in missing), missing

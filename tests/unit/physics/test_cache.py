"""The result cache: found when nothing changed, made again when anything did, never in the way."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import warnings

import numpy as np
import pytest

from pavas_sdk.data.frames import Window, WindowSource, fingerprint
from pavas_sdk.errors import ConfigurationError, PavasWarning
from pavas_sdk.media import MemorySource, open_video, write_video
from pavas_sdk.physics import PhysicsCache, PhysicsEstimator
from pavas_sdk.physics.cache import as_cache
from pavas_sdk.registry import Registry
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)


class Counter(BrightDetector):
    """Counts how often it is asked."""

    asked = 0

    def detect(self, video, *, prompt="", rng):
        type(self).asked += 1
        return super().detect(video, prompt=prompt, rng=rng)


class Broken(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        raise ValueError("no")


class Plugin:
    """Registers the tiny components, as an installed plugin would."""

    def __init__(self):
        from pavas_sdk import hookimpl

        self.pavas_register_components = hookimpl(self.pavas_register_components)

    @staticmethod
    def pavas_register_components():
        from pavas_sdk import ComponentSpec

        yield ComponentSpec("moving_object_detector", "counter", f"{__name__}:Counter")
        yield ComponentSpec("segmenter", "bright", "pavas_sdk.testing:BrightSegmenter")
        yield ComponentSpec("segmenter", "vanishing", f"{__name__}:Vanishing")
        yield ComponentSpec("segmenter", "broken", f"{__name__}:Broken")
        yield ComponentSpec("reconstructor", "wall", "pavas_sdk.testing:WallReconstructor")
        yield ComponentSpec("mass_estimator", "density", "pavas_sdk.testing:DensityMassEstimator")


def registry_of(version="1.0"):
    import sys

    sys.modules.setdefault(__name__, sys.modules[Counter.__module__])
    registry = Registry(entry_points=False)
    registry.register_plugin(Plugin(), name="acme", distribution="acme", version=version)
    return registry


@pytest.fixture
def registry():
    Counter.asked = 0
    return registry_of()


def estimator(registry, **changed):
    slots = {
        "moving_object_detector": "counter",
        "segmenter": "bright",
        "reconstructor": "wall",
        "velocity_estimator": "centroid",
        "mass_estimator": "density",
    }
    return PhysicsEstimator(**{**slots, **changed}, registry=registry)


def test_found_again_and_the_same(registry, tmp_path):
    clip = moving_discs(2, hidden=(4, 7))
    cache = PhysicsCache(tmp_path)
    first = estimator(registry).estimate(clip.source, cache=cache)
    again = estimator(registry).estimate(clip.source, cache=tmp_path)
    assert Counter.asked == 1
    assert (first.from_cache, again.from_cache) == (False, True)
    assert first.physics.dumps() == again.physics.dumps()
    assert set(first.masks) == set(again.masks) == {0, 1}
    for object_id, track in first.masks.items():
        np.testing.assert_array_equal(track.masks, again.masks[object_id].masks)
        np.testing.assert_array_equal(track.times_s, again.masks[object_id].times_s)
        np.testing.assert_array_equal(track.scores, again.masks[object_id].scores)
    assert again.reconstruction is None
    assert len(cache) == 1
    assert 0 < cache.size_bytes < 20_000
    assert cache.clear() == 1
    assert len(cache) == 0


def test_values_by_hand_come_after_the_cache(registry, tmp_path):
    clip = moving_discs(2)
    plain = estimator(registry).estimate(clip.source, cache=tmp_path).physics
    heavy = estimator(registry).estimate(clip.source, masses={0: 9.0}, cache=tmp_path).physics
    assert Counter.asked == 1
    assert heavy[0].mass_kg == 9.0
    assert heavy[1].mass_kg == plain[1].mass_kg
    assert (
        estimator(registry).estimate(clip.source, cache=tmp_path).physics.dumps() == plain.dumps()
    )


@pytest.mark.parametrize(
    "change",
    ["video", "time scale", "prompt", "seed", "config", "component config", "version", "part"],
)
def test_made_again_when_anything_changed(registry, tmp_path, change):
    clip = moving_discs(1)
    estimator(registry).estimate(clip.source, cache=tmp_path)
    source, made, options = clip.source, estimator(registry), {}
    if change == "video":
        source = moving_discs(1, frames=21).source
    elif change == "time scale":
        source = moving_discs(1, time_scale=2.0).source
    elif change == "part":
        source = WindowSource(clip.source, Window(start_s=0.0, end_s=0.4))
    elif change == "prompt":
        options["prompt"] = "a ball"
    elif change == "seed":
        options["rng"] = np.random.default_rng(1)
    elif change == "config":
        made = estimator(registry, max_objects=3)
    elif change == "component config":
        part = registry.create("reconstructor", "wall", metres_per_pixel=0.03)
        made = estimator(registry, reconstructor=part)
    else:
        made = estimator(registry_of("1.1"))
    result = made.estimate(source, cache=tmp_path, **options)
    assert not result.from_cache
    assert Counter.asked == 2
    assert len(PhysicsCache(tmp_path)) == 2


def test_an_object_of_ones_own_is_not_cached_and_told(registry, tmp_path):
    clip = moving_discs(1)
    for mass in (1.0, 2.0):
        with pytest.warns(PavasWarning, match=r"not cached: mass_estimator \(<lambda>\)"):
            result = estimator(registry, mass_estimator=lambda thing, mass=mass: mass).estimate(
                clip.source, cache=tmp_path
            )
        assert result.physics[0].mass_kg == mass
    assert len(PhysicsCache(tmp_path)) == 0


def test_a_failed_slot_is_not_cached(registry, tmp_path):
    made = estimator(registry, segmenter="broken", on_error="partial")
    made.estimate(moving_discs(1).source, cache=tmp_path)
    assert len(PhysicsCache(tmp_path)) == 0


def test_nothing_moves_is_cached_too(registry, tmp_path):
    source = moving_discs(0).source
    for _ in range(2):
        assert len(estimator(registry).estimate(source, cache=tmp_path).physics) == 0
    assert Counter.asked == 1


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "flipped", "folder content", "shape"])
def test_a_damaged_entry_is_told_and_made_again(registry, tmp_path, damage):
    clip = moving_discs(1)
    estimator(registry).estimate(clip.source, cache=tmp_path)
    (path,) = tmp_path.glob("*.npz")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "noise":
        path.write_bytes(rng.bytes(len(whole)))
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped":
        # one byte in the middle of the compressed document
        middle = len(whole) // 3
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    elif damage == "folder content":
        with path.open("wb") as stream:
            np.savez(stream, other=np.zeros(3))
    else:
        with np.load(path) as arrays:
            content = dict(arrays)
        content["masks_0"] = content["masks_0"][:3]
        with path.open("wb") as stream:
            np.savez(stream, **content)
    with pytest.warns(PavasWarning, match="damaged and is made again"):
        result = estimator(registry).estimate(clip.source, cache=tmp_path)
    assert not result.from_cache
    assert Counter.asked == 2
    assert estimator(registry).estimate(clip.source, cache=tmp_path).from_cache


def test_the_folder_stays_small(registry, tmp_path):
    clips = [moving_discs(1, frames=frames) for frames in (20, 21, 22, 23)]
    probe = PhysicsCache(tmp_path / "probe")
    estimator(registry).estimate(clips[0].source, cache=probe)
    cache = PhysicsCache(tmp_path / "small", max_bytes=int(2.6 * probe.size_bytes))
    for age, clip in enumerate(clips[:2]):
        estimator(registry).estimate(clip.source, cache=cache)
        newest = max(cache.folder.glob("*.npz"), key=lambda p: p.stat().st_mtime_ns)
        os.utime(newest, (1000 + age, 1000 + age))
    assert estimator(registry).estimate(clips[0].source, cache=cache).from_cache  # now the newest
    estimator(registry).estimate(clips[2].source, cache=cache)
    assert len(cache) == 2
    assert cache.size_bytes <= cache.max_bytes
    assert estimator(registry).estimate(clips[0].source, cache=cache).from_cache
    assert estimator(registry).estimate(clips[2].source, cache=cache).from_cache
    assert not estimator(registry).estimate(clips[1].source, cache=cache).from_cache


def test_a_result_larger_than_the_cache_is_not_kept(registry, tmp_path):
    cache = PhysicsCache(tmp_path, max_bytes=10)
    estimator(registry).estimate(moving_discs(1).source, cache=cache)
    assert len(cache) == 0


def test_a_folder_that_cannot_be_written(registry, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(PavasWarning, match="not cached"):
        result = estimator(registry).estimate(
            moving_discs(1).source, cache=tmp_path / "file" / "below"
        )
    assert len(result.physics) == 1


def test_many_at_once(registry, tmp_path):
    clip = moving_discs(1)
    results = []

    def work():
        results.append(estimator(registry).estimate(clip.source, cache=tmp_path))

    threads = [threading.Thread(target=work) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({result.physics.dumps() for result in results}) == 1
    assert len(PhysicsCache(tmp_path)) == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]  # nothing half-written


class Vanishing(BrightSegmenter):
    """Takes the cache's folder away while the estimate is made."""

    folder = None

    def segment(self, video, objects, *, rng):
        shutil.rmtree(self.folder)
        return super().segment(video, objects, rng=rng)


def test_a_folder_that_is_deleted_in_the_middle_of_a_run(registry, tmp_path, monkeypatch):
    clip, folder = moving_discs(1), tmp_path / "cache"
    wanted = estimator(registry).estimate(clip.source, cache=folder).physics
    monkeypatch.setattr(Vanishing, "folder", folder)
    slow = estimator(registry, segmenter="vanishing")
    for _ in range(2):
        folder.mkdir(exist_ok=True)
        Counter.asked = 0
        result = slow.estimate(clip.source, cache=folder)
        assert result.physics.to_json()["objects"] == wanted.to_json()["objects"]
    assert (Counter.asked, len(PhysicsCache(folder))) == (0, 1)


def test_a_folder_that_is_deleted_all_the_time(registry, tmp_path):
    """Between any two steps of writing and reading: no more than a warning."""
    clip, folder = moving_discs(1), tmp_path / "cache"
    cache, ended = PhysicsCache(folder), threading.Event()
    result = estimator(registry).estimate(clip.source)

    def delete():
        while not ended.is_set():
            shutil.rmtree(folder, ignore_errors=True)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PavasWarning)
            for index in range(100):
                cache.put(f"{index % 3:064x}", result)
                found = cache.get(f"{index % 3:064x}")
                assert found is None or found.physics.dumps() == result.physics.dumps()
                assert len(cache) <= 3
    finally:
        ended.set()
        thread.join()


def test_files_are_known_by_their_content(tmp_path):
    video = moving_discs(1).video
    a, b = (write_video(tmp_path / name, video) for name in ("a.mp4", "b.mp4"))
    with open_video(a) as one, open_video(b) as two, open_video(a, duration_s=0.4) as part:
        assert fingerprint(one) == fingerprint(two)
        assert fingerprint(part) != fingerprint(one)
        assert fingerprint(one) != fingerprint(MemorySource(video))


def test_what_cache_takes(tmp_path, monkeypatch):
    assert as_cache(None) is as_cache(False) is None
    assert as_cache(tmp_path).folder == tmp_path
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "named"))
    assert as_cache(True).folder == tmp_path / "named" / "physics"
    with pytest.raises(ConfigurationError):
        as_cache(3)
    with pytest.raises(ConfigurationError):
        PhysicsCache(max_bytes=0)


def test_a_read_only_cache_still_answers(registry, tmp_path):
    clip = moving_discs(1)
    estimator(registry).estimate(clip.source, cache=tmp_path)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert estimator(registry).estimate(clip.source, cache=tmp_path).from_cache
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_the_components_are_what_they_are_said_to_be(registry):
    parts = estimator(registry).slots
    assert isinstance(parts["reconstructor"], WallReconstructor)
    assert isinstance(parts["mass_estimator"], DensityMassEstimator)

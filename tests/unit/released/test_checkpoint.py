"""Official files are read as tensors only; whatever else they hold is a typed error."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file

from pavas_sdk.errors import WeightsError
from pavas_sdk.released.checkpoint import read_checkpoint

STATE = {"a": torch.arange(6.0).reshape(2, 3), "b.c": torch.ones(4)}


class Evil:
    def __reduce__(self):
        return (print, ("code was run",))


def same(found):
    return set(found) == set(STATE) and all(torch.equal(found[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize("wrapper", [None, "generator", "state_dict", "model"])
def test_tensors_are_found_in_what_training_programs_write(tmp_path, wrapper):
    path = tmp_path / "x.pth"
    torch.save(STATE if wrapper is None else {wrapper: STATE, "step": 3}, path)
    assert same(read_checkpoint(path))


def test_the_old_format_and_safetensors_are_read(tmp_path):
    torch.save(STATE, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(STATE, tmp_path / "new.safetensors")
    assert same(read_checkpoint(tmp_path / "old.pt"))
    assert same(read_checkpoint(tmp_path / "new.safetensors"))


@pytest.mark.parametrize("old", [False, True])
def test_pickled_objects_are_never_opened(tmp_path, capsys, old):
    path = tmp_path / "evil.pth"
    torch.save({**STATE, "x": Evil()}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(
        WeightsError, match=r"evil.pth holds pickled objects.*use the official file"
    ):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(WeightsError):
        read_checkpoint(path)
    assert "code was run" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cut.pth", "cut.pt", "cut.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_short_is_named(tmp_path, name, share):
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=path.suffix == ".pth")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(WeightsError, match=rf"{name}.*get it again from the moon"):
        read_checkpoint(path, again="the moon")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"<!doctype html>", "is no checkpoint"),
    ],
)
def test_what_browsers_and_git_leave_behind_is_explained(tmp_path, content, said):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3, **STATE}, torch.zeros(2)])
def test_other_content_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="expected named tensors"):
        read_checkpoint(tmp_path / "x.pth")


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(WeightsError, match="there is no file"):
        read_checkpoint(tmp_path / "x.pth")

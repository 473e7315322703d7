"""A training goes on with the clips that it was begun with, or says so before any work."""

import json

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.begun_recipe import check_begun_recipe
from pavas_sdk.training.recipe import TinyRecipe, scaled


def recipe(clips):
    return scaled(TinyRecipe(jobs=1), clips=clips, steps=10, seed=0)


def test_the_same_clips_go_on_and_others_are_refused(tmp_path):
    check_begun_recipe(tmp_path, recipe(6))
    before = (tmp_path / "recipe.json").read_text()
    check_begun_recipe(tmp_path, recipe(6))
    with pytest.raises(ConfigurationError, match="go on with --clips 6"):
        check_begun_recipe(tmp_path, recipe(7))
    assert (tmp_path / "recipe.json").read_text() == before
    assert json.loads(before)["format"] == "pavas.training-recipe"


def test_the_command_says_so_before_any_work(tmp_path, capsys):
    check_begun_recipe(tmp_path, recipe(6))
    words = ["train", "tiny", "-o", str(tmp_path), "--clips", "7", "--steps", "10", "--resume"]
    assert run(words) == 2
    assert "was begun with other clips (clips 6" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]

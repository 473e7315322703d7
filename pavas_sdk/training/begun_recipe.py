"""What a folder of ``pavas train tiny`` was begun with: other clips do not fit what is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_sdk.training.recipe import TinyRecipe

__all__ = ["check_begun_recipe"]

FORMAT = "pavas.training-recipe"
FORMAT_VERSION = 1
NAME = "recipe.json"


def check_begun_recipe(folder: Path, recipe: TinyRecipe) -> None:
    """Make sure that a folder has no clips of another recipe; remember this one in a new folder.

    Encoders, features and networks are made of the clips and kept; clips of another number or seed
    would not fit them.

    Args:
        folder: Where everything goes; made when missing.
        recipe: Numbers.

    Raises:
        ConfigurationError: It was begun with other clips.
        FormatError: Its ``recipe.json`` cannot be read.
        OutputError: It cannot be written.
    """
    wanted = {
        "clips": recipe.clips,
        "first_seed": recipe.first_seed,
        "held_out": recipe.held_out,
        "shard": recipe.shard,
    }
    place = folder / NAME
    if not place.exists():
        document = {"format": FORMAT, "format_version": FORMAT_VERSION, **wanted}
        write_text(place, json.dumps(document, indent=1) + "\n")
        return
    begun = read_document(
        place, format_name=FORMAT, newest=FORMAT_VERSION, what="recipe of a training"
    )
    if any(begun.get(name) != value for name, value in wanted.items()):
        told = ", ".join(f"{name} {begun.get(name)}" for name in wanted)
        raise ConfigurationError(
            f"{folder} was begun with other clips ({told}; now {recipe.clips} clips from seed "
            f"{recipe.first_seed}); go on with --clips {begun.get('clips')}, or give another folder "
            "(--out)"
        )

"""A saved untrained pipeline, a small film, and the command line in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pavas_sdk import PhysicsEstimator
from pavas_sdk.cli.main import run
from pavas_sdk.media import write_video
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What a command printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """The folder of an untrained pipeline with the default estimators."""
    folder = tmp_path_factory.mktemp("model") / "untrained"
    tiny_pipeline(physics_estimator=PhysicsEstimator()).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    """One second, one disc that turns round in the middle."""
    path = tmp_path_factory.mktemp("film") / "disc.mp4"
    write_video(path, moving_discs(1, frames=25, height=96, width=128).video)
    return path


@pytest.fixture
def pavas(capsys):
    """Run ``pavas`` and return its answer."""

    def call(*arguments) -> Answer:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return call

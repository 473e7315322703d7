"""Workers of the tests find the toy work."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def toy_work_is_found(monkeypatch):
    import annotation_world

    from pavas_sdk.annotation import job

    monkeypatch.setenv("PYTHONPATH", str(Path(annotation_world.__file__).parent))
    monkeypatch.setattr(job, "_FACTORY", annotation_world.FACTORY)

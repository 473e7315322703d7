"""Toy clips and a toy work that writes real results, and misbehaves where a clip's label says so."""

import os
import resource
import signal
import time
from pathlib import Path

from pavas_sdk.annotation import ClipEntry, JobFolder
from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import MediaError

FACTORY = "annotation_world:ToyWork"


def toy_clips(count, labels=None):
    labels = labels or {}
    return [
        ClipEntry(
            clip_id=f"clip-{number:04d}", path=f"/videos/{number}.mp4", label=labels.get(number, "")
        )
        for number in range(count)
    ]


class ToyWork:
    """Writes a result that depends on the clip alone."""

    def __init__(self, folder, digest, device="cpu", cache=None, wait_s=0.001):
        del device, cache
        self._folder = JobFolder(folder)
        self._digest = digest
        self._wait_s = wait_s

    def run(self, item):
        what, name = item["label"], item["clip_id"]
        path = self._folder.result_path(name)
        if what.startswith("kill") and not self._seen(name, int(what.removeprefix("kill"))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}.torn.part").write_text('{"half": ')
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "raise":
            raise MediaError(f"{item['path']} is damaged")
        if what == "bug":
            raise ZeroDivisionError("a bug")
        if what == "slow":
            time.sleep(60)
        if what == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
        time.sleep(self._wait_s)
        physics = PhysicsEstimate(objects=(), duration_s=8.0, notes=(name * 20,))
        values = {"clip": dict(item), "physics": physics.to_json(), "masks": False}
        self._folder.write_result(name, "ok", self._digest, {**values, "sound": None, "sha256": ""})
        return {"status": "ok"}

    def failed(self, item, failure):
        values = {"clip": dict(item), "failure": dict(failure)}
        self._folder.write_result(item["clip_id"], "failed", self._digest, values)

    def _seen(self, name, times):
        """Whether so many workers died on it already; this one is noted."""
        for number in range(times):
            mark = self._folder.root / f"died-{name}-{number}"
            if not mark.exists():
                mark.touch()
                return False
        return True


class Refusing(ToyWork):
    """Cannot be made."""

    def __init__(self, **config):
        super().__init__(**config)
        raise MediaError("no weights here")


class Noting(ToyWork):
    """Notes in which folder it works."""

    def __init__(self, **config):
        super().__init__(**config)
        (self._folder.root / "folder").write_text(str(Path.cwd()))


class Dying(ToyWork):
    """Dies while it is made."""

    def __init__(self, **config):
        super().__init__(**config)
        os.kill(os.getpid(), signal.SIGSEGV)


def files_of(folder, names=("clips",)):
    """Content of all results by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for name in names
        for path in sorted(Path(folder, name).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }

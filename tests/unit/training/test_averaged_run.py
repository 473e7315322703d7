"""What the trainings of the small networks share: divergence, kills between renames, full disks."""

import errno
from pathlib import Path

import pytest
import torch

from pavas_sdk.errors import OutputError, PavasError
from pavas_sdk.training.accelerated import present_checkpoint, training_accelerator
from pavas_sdk.training.averaged_run import AveragedRun


class Line(AveragedRun):
    """Fits a line; its loss is not a number in some steps."""

    def __init__(self, folder, bad=()):
        torch.manual_seed(0)
        self.model, self.bad = torch.nn.Linear(2, 1), bad
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=80)
        accelerator = training_accelerator()
        _, prepared = accelerator.prepare(self.model, optimizer)
        super().__init__(
            accelerator,
            prepared,
            schedule,
            list(self.model.parameters()),
            ema_decay=0.9,
            max_grad_norm=1.0,
            checkpoint=folder / "checkpoint",
        )

    def losses(self, stop):
        while self.progress.step < stop:
            step = self.progress.step
            seeded = torch.Generator().manual_seed(step)
            given = torch.randn(8, 2, generator=seeded)
            loss = (self.model(given)[:, 0] - given.sum(dim=1)).square().mean()
            yield self.apply(loss * float("nan") if step in self.bad else loss)

    def train(self, stop):
        self.follow(self.losses(stop), name="line", stop=stop, save_every_s=1e9)
        return self

    def state(self):
        return [p.detach().clone() for p in (*self.trainable, *self.average.shadow_params)]


def test_stop_and_resume_is_the_straight_run_to_the_bit(tmp_path):
    straight = Line(tmp_path / "straight").train(70)
    Line(tmp_path / "two").train(30)
    resumed = Line(tmp_path / "two")
    resumed.resume()
    resumed.train(70)
    assert all(torch.equal(a, b) for a, b in zip(straight.state(), resumed.state(), strict=True))
    assert (len(straight.progress.losses), len(resumed.progress.losses)) == (2, 3)
    assert straight.progress.losses[-1] < straight.progress.losses[0]


def test_a_training_that_diverged_ends_and_keeps_its_checkpoint(tmp_path):
    Line(tmp_path).train(10)
    run = Line(tmp_path, bad=(12,))
    run.resume()
    with pytest.raises(PavasError, match=r"line training diverged.*before step 50 is nan"):
        run.train(60)
    again = Line(tmp_path)
    again.resume()
    assert again.progress.step == 10


def test_a_kill_between_the_renames_does_not_begin_anew(tmp_path):
    Line(tmp_path).train(10)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    (tmp_path / "checkpoint.new").mkdir()
    run = Line(tmp_path)
    run.resume()
    assert run.progress.step == 10
    assert not present_checkpoint(tmp_path / "nowhere" / "checkpoint")


def test_a_full_disk_is_a_typed_error(tmp_path, monkeypatch):
    def full(folder):
        Path(folder).mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    Line(tmp_path).train(10)
    run = Line(tmp_path)
    run.resume()
    monkeypatch.setattr(run.accelerator, "save_state", full)
    with pytest.raises(OutputError, match="--resume"):
        run.train(20)
    assert not (tmp_path / "checkpoint.new").exists()
    again = Line(tmp_path)
    again.resume()
    assert again.progress.step == 10

"""The vocoder's training: sounds, losses that prefer the truth, and an exact resume."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pavas_sdk.errors import ConfigurationError, FormatError
from pavas_sdk.models import MEL_48K, IstftVocoder, LinearMelCodec, MelSpectrogram
from pavas_sdk.training.mixed_sounds import mixed_sound
from pavas_sdk.training.sound_discriminator import (
    SoundDiscriminator,
    discriminator_loss,
    generator_losses,
)
from pavas_sdk.training.spectral_losses import SpectralDistance, TrueFrequencies
from pavas_sdk.training.vocoder import VocoderTraining, fit_codec, train_vocoder
from pavas_sdk.training.vocoder_batches import draw_crops, seen_mel
from pavas_sdk.training.vocoder_sounds import SoundBank, VocoderSounds, write_sounds

SOUNDS = VocoderSounds(simulated=2, mixed=4, duration_s=1.0, jobs=1)
TINY = VocoderTraining(
    steps=4,
    batch=2,
    frames=16,
    warmup=1,
    windows_per_step=2,
    sounds=SOUNDS,
    network={"hidden_dim": 16, "depth": 1, "fine_dim": 8, "fine_depth": 1},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    write_sounds(folder, SOUNDS)
    return folder


@pytest.fixture
def run_folder(folder, tmp_path):
    (tmp_path / "sounds").symlink_to(folder)
    return tmp_path


def noise(level: float, seed: int, samples: int = 24000) -> torch.Tensor:
    return level * torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))


def test_sounds_are_made_once_and_alike_by_any_number_of_processes(folder, tmp_path):
    bank = SoundBank(folder)
    again = write_sounds(tmp_path / "again", replace(SOUNDS, jobs=2))
    assert len(bank) == len(again) == 6
    for row in range(6):
        sound = bank.get(row)
        assert sound.shape == (48000,)
        assert np.abs(sound).max() <= 1.0
        np.testing.assert_array_equal(sound, again.get(row))
        np.testing.assert_array_equal(sound[100:200], bank.get(row, 100, 100))
    before = (folder / "sounds.npy").stat().st_mtime_ns
    write_sounds(folder, replace(SOUNDS, jobs=2))
    assert (folder / "sounds.npy").stat().st_mtime_ns == before


def test_other_sounds_in_the_folder(folder, tmp_path):
    with pytest.raises(ConfigurationError, match="give another folder"):
        write_sounds(folder, replace(SOUNDS, mixed=5))
    (tmp_path / "sounds.json").write_text("[]")
    with pytest.raises(FormatError):
        SoundBank(tmp_path)


def test_quiet_sounds_are_kept_as_well_as_loud_ones(folder):
    bank = SoundBank(folder)
    wave = mixed_sound(np.random.default_rng([SOUNDS.first_seed, 3]), 48000, 48000.0)
    error = np.abs(bank.get(3) - wave).max()
    assert error <= 0.6 * np.abs(wave).max() / 32767


@pytest.mark.parametrize("seed", range(12))
def test_mixes_are_finite_and_within_full_scale(seed):
    wave = mixed_sound(np.random.default_rng(seed), 9600, 48000.0)
    assert wave.dtype == np.float32
    assert np.isfinite(wave).all()
    assert np.abs(wave).max() <= 1.0


def test_crops_depend_on_seed_and_step_alone(folder):
    bank = SoundBank(folder)
    sizes = {"batch": 3, "samples": 7680, "context": 768}
    one = draw_crops(bank, **sizes, seed=1, step=5)
    assert one.shape == (3, 9216)
    assert np.abs(one).max() <= 0.98 + 1e-6
    np.testing.assert_array_equal(one, draw_crops(bank, **sizes, seed=1, step=5))
    assert not np.array_equal(one, draw_crops(bank, **sizes, seed=1, step=6))


def test_the_network_sees_mels_through_the_codec(folder):
    bank = SoundBank(folder)
    codec = fit_codec(bank, latent_channels=32)
    mel = MelSpectrogram(MEL_48K)(torch.from_numpy(np.stack([bank.get(i) for i in range(6)])))
    mel = mel[..., :60].repeat(8, 1, 1)
    seen = seen_mel(mel, codec, torch.ones(32), np.random.default_rng(0))
    assert seen.shape == mel.shape
    errors = (seen - mel).abs().mean(dim=(1, 2))
    assert 0 < (errors == 0).sum() < 48
    assert errors.max() < 1.0
    assert torch.equal(seen_mel(mel, None, None, np.random.default_rng(0)), mel)


def test_the_energy_distance_is_least_for_sounds_like_the_true_ones():
    distance = SpectralDistance(MEL_48K, windows=(128, 1024))
    true = noise(0.01, 0)

    def score(make) -> float:
        return np.mean(
            [float(distance.energy_distance(make(s), make(s + 1), true)) for s in (1, 3)]
        )

    alike = score(lambda seed: noise(0.01, seed))
    assert abs(alike) < 0.01  # as far from the truth as from each other
    assert score(lambda seed: noise(0.02, seed)) > alike + 0.1
    assert score(lambda seed: noise(0.005, seed)) > alike + 0.1
    time = torch.arange(24000) / 48000
    assert score(lambda _: 0.014 * torch.sin(2000.0 * time).expand(2, -1)) > alike + 0.5
    assert score(lambda _: noise(0.01, 1)) > alike + 0.1  # always the same noise


def test_an_error_counts_alike_at_any_level():
    distance = SpectralDistance(MEL_48K, windows=(512,))
    errors = []
    for level in (0.1, 1e-3):
        true, made, again = (noise(level, seed) for seed in range(3))
        errors.append(float(distance.energy_distance(2 * made, 2 * again, true)))
    assert errors[0] == pytest.approx(errors[1], rel=0.05)


def test_true_frequencies_are_exact():
    vocoder = IstftVocoder(**TINY.network)
    time = torch.arange(38400) / 48000
    sound = sum(0.1 * torch.sin(2 * torch.pi * hz * time) for hz in (333.0, 5017.0))[None]
    hz, weight = TrueFrequencies(vocoder)(sound)
    assert hz.shape == weight.shape == (1, 50, 80)
    for wanted in (333.0, 5017.0):
        band = int((vocoder.lower_hz <= wanted).sum()) - 1
        assert hz[0, 25, band].item() == pytest.approx(wanted, abs=0.3)
        assert weight[0, 25, band] > 0.3
    _, silent = TrueFrequencies(vocoder)(torch.zeros(1, 38400))
    assert not silent.any()


def test_a_judge_learns_to_tell_noise_from_a_tone():
    torch.manual_seed(0)
    judge = SoundDiscriminator(windows=(256,), channels=4)
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-2)
    time = torch.arange(4800) / 48000
    tone = 0.014 * torch.sin(6000.0 * time).expand(2, -1)
    losses = []
    for step in range(25):
        loss = discriminator_loss(judge, noise(0.01, step, 4800), tone)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    adversarial, matching = generator_losses(judge, noise(0.01, 99, 4800), tone)
    alike, near = generator_losses(judge, noise(0.01, 99, 4800), noise(0.01, 100, 4800))
    assert adversarial > alike
    assert matching > near


def test_training_saves_a_vocoder_and_the_codec_it_heard_through(run_folder):
    trained = train_vocoder(run_folder, TINY)
    loaded = IstftVocoder.from_pretrained(run_folder / "vocoder")
    for name, value in trained.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name
    assert LinearMelCodec.from_pretrained(run_folder / "vae").mel_config == MEL_48K
    assert json.loads((run_folder / "progress.json").read_text())["step"] == 4


@pytest.mark.parametrize("adversarial_steps", [0, 3])
def test_resume_is_exact(run_folder, folder, tmp_path_factory, adversarial_steps):
    training = replace(TINY, adversarial_steps=adversarial_steps)
    straight = train_vocoder(run_folder, training)
    other = tmp_path_factory.mktemp("other")
    (other / "sounds").symlink_to(folder)
    train_vocoder(other, training, until_step=2)
    assert not (other / "vocoder").exists()
    resumed = train_vocoder(other, training, resume=True)
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_training_learns(run_folder):
    training = replace(TINY, steps=40, peak_learning_rate=5e-3, windows_per_step=8)
    train_vocoder(run_folder, training)
    trained = IstftVocoder.from_pretrained(run_folder / "vocoder")
    torch.manual_seed(TINY.seed)
    untrained = IstftVocoder(**TINY.network)
    bank = SoundBank(run_folder / "sounds")
    sound = torch.from_numpy(draw_crops(bank, batch=8, samples=24576, context=0, seed=9, step=0))
    mel = MelSpectrogram(MEL_48K)(sound)
    distance = SpectralDistance(MEL_48K)
    scores = []
    with torch.no_grad():
        for vocoder in (untrained, trained):
            parts = vocoder.describe(mel)
            made, again = (vocoder.render(parts, seed=seed)[:, 0] for seed in (1, 2))
            scores.append(float(distance.energy_distance(made, again, sound)))
    assert scores[1] < 0.9 * scores[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 15}, "even"),
        ({"frames": 200}, "between 8 and 54"),
        ({"adversarial_steps": 5}, "between 0 and steps"),
    ],
)
def test_numbers_that_do_not_fit(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        replace(TINY, **changes)


def test_seeds_of_the_evaluation_are_not_trained_on():
    with pytest.raises(ConfigurationError, match="leave the seeds"):
        replace(SOUNDS, first_seed=9_999_999)

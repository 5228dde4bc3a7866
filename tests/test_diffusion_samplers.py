"""Sampling: every sampler finds the right images, and one seed is one image wherever it is made."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from generator.diffusion import Denoiser, Model, SettingsError, sample, to_grey
from generator.diffusion.samplers import denoise, drawn_ahead, solver_times
from generator.diffusion.schedule import TIMES, Schedule
from generator.diffusion.settings import PREDICTIONS, SAMPLERS, SCHEDULES

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = Model(height=16, width=32, channels=1, widths=(8, 16, 16), heads=2, head_width=8, groups=4, patch=2)
MEAN, SPREAD = 0.2, 0.1


class Perfect(Denoiser):
    """The best prediction there is for independent pixels of a normal distribution, N(MEAN, SPREAD²)."""

    def predict(self, x, t):
        signal, sigma = self.schedule.at(t)
        x0 = MEAN + signal * SPREAD**2 / (signal**2 * SPREAD**2 + sigma**2) * (x - signal * MEAN)
        noise = (x - signal * x0) / sigma
        return {"x0": x0, "edm": x0, "noise": noise, "v": signal * noise - sigma * x0}[self.model.prediction]


def perfect(prediction="noise", schedule="cosine"):
    return Perfect(Model(**{**vars(TINY), "prediction": prediction, "schedule": schedule}))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(5)
    return Denoiser(TINY).eval().requires_grad_(False)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    ("prediction", "schedule"),
    [("noise", "published"), *((kind, "cosine") for kind in PREDICTIONS), ("v", "shifted"), ("v", "zero-snr")],
)
def test_samples_of_a_perfect_network_have_the_distribution(sampler, prediction, schedule):
    images = sample(perfect(prediction, schedule), range(8), sampler, steps=250) * 2 - 1
    assert images.mean() == pytest.approx(MEAN, abs=0.02)
    assert images.std() == pytest.approx(SPREAD, rel=0.2)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("sampler", ["dpm++", "unipc"])
@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_solvers_of_few_steps_keep_fine_structure(sampler, schedule, spread, monkeypatch):
    """The exact way from noise to a normal distribution keeps each pixel's quantile, however small the spread."""
    monkeypatch.setattr(sys.modules[__name__], "SPREAD", spread)
    begin = torch.randn((4, 1, 16, 32), generator=torch.Generator().manual_seed(1))
    found = denoise(perfect("v", schedule), begin, None, sampler, 20)
    share = (found - MEAN).flatten() @ begin.flatten() / begin.square().sum() / spread
    assert share == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("steps", [1, 2, 20, 250, 1000])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_solvers_begin_at_the_last_time_and_take_each_once(schedule, steps):
    times, ratios = solver_times(Schedule(schedule).betas, steps)
    assert len(times) == steps == len(ratios) - 1
    assert times[0] == 999
    assert (np.diff(times) < 0).all()
    assert steps == 1 or times[-1] == 0
    assert ratios[-1] == 0


def test_ddpm_is_the_ddpm_of_diffusers():
    from diffusers import DDPMScheduler

    net, generator = perfect(), torch.Generator().manual_seed(2)
    begin = torch.randn((2, 1, 16, 32), generator=generator)
    scheduler = DDPMScheduler(TIMES, trained_betas=net.schedule.betas.numpy())
    scheduler.set_timesteps(20)
    x = begin
    for t in scheduler.timesteps:
        output = net(x, torch.full((2,), int(t)))
        x = scheduler.step(output, t, x, generator=generator, return_dict=False)[0]
    again = torch.Generator().manual_seed(2)
    draws = iter(lambda: torch.randn((2, 1, 16, 32), generator=again), None)
    found = denoise(net, next(draws), lambda: next(draws), "ddpm", 20)
    assert torch.allclose(found, x.clamp(-1, 1), atol=1e-4)


@pytest.mark.parametrize(("sampler", "eta"), [("ddpm", 0), ("ddim", 0), ("ddim", 1), ("dpm++", 0), ("unipc", 0)])
def test_one_seed_is_one_image_in_any_batch(net, sampler, eta):
    together = sample(net, [7, 8, 9, 10, 11], sampler, 5, eta)
    in_twos = sample(net, [7, 8, 9, 10, 11], sampler, 5, eta, batch=2)
    alone = sample(net, [9], sampler, 5, eta)
    assert together.shape == (5, 16, 32, 1)
    assert np.abs(in_twos - together).max() < 1e-4
    assert np.abs(alone[0] - together[2]).max() < 1e-4
    assert np.abs(together[0] - together[1]).max() > 0.1


def test_the_noise_of_a_seed_is_the_same_to_the_bit_in_any_batch():
    """That of the beginning, and that of each step after it."""
    with ThreadPoolExecutor(2) as pool:
        together, alone = (list(drawn_ahead(pool, seeds, (1, 16, 32), 3)) for seeds in ([7, 8, 9], [8]))
    assert all(torch.equal(many[1], one[0]) for many, one in zip(together, alone, strict=True))
    assert len({float(drawn.sum()) for drawn in alone}) == 3


def test_images_lie_between_0_and_1_and_progress_is_told(net):
    made = []
    images = sample(net, range(5), steps=4, batch=2, progress=made.append)
    assert made == [2, 2, 1]
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert sample(net, []).shape == (0, 16, 32, 1)


def test_grey_is_the_mean_of_the_channels():
    images = np.zeros((1, 2, 2, 3), np.float32)
    images[0, 0, 0] = (0.2, 0.4, 0.6)
    images[0, 1] = 1
    assert to_grey(images).tolist() == [[[102, 0], [255, 255]]]
    assert to_grey(images).dtype == np.uint8


def test_the_network_s_own_sampler_is_the_default(net):
    ours = Denoiser(Model(**{**vars(TINY), "sampler": "unipc", "steps": 4, "eta": 0.0})).eval()
    ours.load_state_dict(net.state_dict())
    assert np.array_equal(sample(ours, [3]), sample(net, [3], "unipc", 4))
    stochastic = sample(net, [3], steps=4)  # ddim with eta 1
    assert np.array_equal(stochastic, sample(net, [3], "ddim", 4, 1.0))
    assert not np.array_equal(stochastic, sample(net, [3], "ddim", 4, 0.0))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"sampler": "euler"}, "There is no sampler 'euler': give one of ddpm, ddim"),
        ({"steps": 0}, "steps must be 1 to 1000, not 0"),
        ({"sampler": "unipc", "eta": 0.5}, "eta belongs to the sampler ddim"),
        ({"sampler": "ddim", "eta": 2.0}, "lies between 0 and 1"),
        ({"sampler": "ddim", "steps": 300}, "ddim divides 1000 times evenly: give 250 or 500 steps, not 300"),
        ({"sampler": "ddpm", "steps": 999}, "ddpm divides 1000 times evenly: give 500 or 1000 steps, not 999"),
    ],
)
def test_impossible_choices_are_refused(net, choice, said):
    with pytest.raises(SettingsError, match=said):
        sample(net, [1], **choice)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_one_step_samplers_stay_finite(net, schedule):
    one = Denoiser(Model(**{**vars(TINY), "schedule": schedule, "prediction": "v"})).eval()
    for sampler in SAMPLERS:
        assert np.isfinite(sample(one, [1], sampler, 1)).all()

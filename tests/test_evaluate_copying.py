"""Memorisation: a generator that copies its training images is caught, one that does not is not."""

from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from generator.diffusion import Model, sample, to_grey
from generator.diffusion.denoiser import Denoiser
from generator.diffusion.unet import sinusoids
from generator.evaluate.memorisation import MemorisationError, nearness, pixel_nearness, precedence
from generator.evaluate.nearest import comparable, mirrored, nearest, nearest_moved
from generator.evaluate.pictures import open_pictures
from generator.nearness import moved, relative
from generator.seeds import torch_generator

pytestmark = pytest.mark.usefixtures("one_thread")

POOLS = Path("quiz_data/pools")


def test_the_nearest_by_brute_force():
    random = np.random.default_rng(0)
    images, references = random.normal(size=(9, 5)).astype(np.float32), random.normal(size=(30, 5)).astype(np.float32)
    distances, places = nearest(images, references, 4)
    for image, found, which in zip(images, distances, places, strict=True):
        every = np.linalg.norm(references - image, axis=1)
        assert list(which) == list(np.argsort(every)[:4])
        assert found == pytest.approx(np.sort(every)[:4], rel=1e-5)
    assert relative(np.array([[1.0, 2.0, 3.0]])) == pytest.approx([0.5])


def test_brightness_contrast_and_mirroring_do_not_hide_a_copy():
    picture = np.random.default_rng(1).integers(40, 120, (128, 256), dtype=np.uint8)
    rows = comparable([picture, (picture * 1.5 + 20).astype(np.uint8), np.ascontiguousarray(picture[:, ::-1])])
    assert nearest(rows[1:2], rows[:1])[0] < 0.02
    assert nearest(mirrored(rows[2:]), rows[:1])[0] < 1e-3
    other = comparable([np.random.default_rng(2).integers(40, 120, (128, 256), dtype=np.uint8)])
    assert nearest(other, rows[:1])[0] > 1


def test_a_small_move_does_not_hide_a_copy():
    """Phantoms moved by up to 4 pixels of 256×128 and made noisy, against a hundred phantoms."""
    phantoms = [*open_pictures(POOLS / "demo-real", low=True)]
    random = np.random.default_rng(6)
    places = [(down, across) for down in (-4, -3, 0, 3, 4) for across in (-4, 0, 3) if (down, across) != (0, 0)]
    copies = []
    for picture, (down, across) in zip(phantoms, places, strict=False):
        moved_by = np.pad(picture, 4, mode="edge")[4 + down : 132 + down, 4 + across : 260 + across]
        copies.append(np.clip(moved_by + random.normal(0, 4, moved_by.shape), 0, 255).astype(np.uint8))
    training = comparable(phantoms)
    _, found = nearest_moved(comparable(copies), training)
    assert list(found[:, 0]) == list(range(len(copies)))
    near = relative(nearest_moved(comparable(copies), training)[0])
    own = [relative(nearest_moved(training[i : i + 1], np.delete(training, i, axis=0))[0])[0] for i in range(20, 30)]
    assert near.max() < 0.5 < min(own)
    assert len(list(moved(phantoms[0], 1, 2))) == 25


@pytest.mark.parametrize(("synthetic", "held_out", "rank"), [(4, 5, 1), (3, 6, 2), (5, 3, 3)])
def test_the_precedence_test_by_counting_all_orders(synthetic, held_out, rank):
    """Every order of the values is as likely as any other where both come from one distribution."""
    total = synthetic + held_out
    orders = [
        sorted(set(range(total)) - set(ours))[rank - 1] - (rank - 1)  # synthetic values before that held-out one
        for ours in combinations(range(total), synthetic)
    ]
    assert len(orders) == comb(total, synthetic)
    for below in range(synthetic + 1):
        exact = sum(order >= below for order in orders) / len(orders)
        assert precedence(below, synthetic, rank, held_out) == pytest.approx(exact)


def test_chance_is_flagged_as_rarely_as_stated():
    random = np.random.default_rng(4)
    training = random.normal(size=(60, 8))
    flagged = sum(
        nearness("features", random.normal(size=(80, 8)), random.normal(size=(90, 8)), training).copies
        for _ in range(300)
    )
    assert flagged <= 6  # at most 0.5 % are expected: 1.5 of 300


@pytest.mark.parametrize(("originals", "copies"), [(1, False), (30, True)])
def test_images_that_are_nearly_alike_count_once(originals, copies):
    """Thirty images beside training images: each beside its own, or all thirty beside one."""
    random = np.random.default_rng(7)
    training, held_out = random.normal(size=(60, 8)), random.normal(size=(90, 8))
    made = training[np.arange(30) % originals] + random.normal(0, 0.01, (30, 8))
    found = nearness("features", made, held_out, training)
    assert (found.below, found.originals, found.copies) == (30, originals, copies)


class Dense(nn.Module):
    """A denoiser of two layers for 32×16 pixels, which learns fifty images by heart within seconds."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(512 + 32, 384), nn.Linear(384 + 32, 384)
        self.conv_out = nn.Linear(384, 512)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        emb = sinusoids(t, 32)
        h = torch.relu(self.first(torch.cat((x.flatten(1), emb), 1)))
        return self.conv_out(torch.relu(self.second(torch.cat((h, emb), 1)))).view_as(x)


def train(net: Denoiser, images: list[np.ndarray], steps: int, rates: tuple[float, float]) -> None:
    clean = torch.from_numpy(np.stack(images))[:, None].float() / 127.5 - 1
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0)
    generator = torch_generator("copying", steps)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rates[0] + (rates[1] - rates[0]) * step / steps
        t = torch.randint(0, 1000, (len(clean),), generator=generator)
        noise = torch.randn(clean.shape, generator=generator)
        loss = (net.predict(net.schedule.noisy(clean, noise, t), t) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_a_diffusion_model_trained_on_50_images_until_it_copies_them_is_caught():
    small = [
        np.asarray(Image.fromarray(picture).resize((32, 16), Image.Resampling.BOX))
        for picture in open_pictures(POOLS / "demo-real", low=True)
    ]
    training, held_out = comparable(small[:50]), comparable(small[50:])
    model = Model(
        height=16, width=32, channels=1, widths=(8, 8), prediction="x0", schedule="cosine", sampler="dpm++", eta=0.0
    )
    torch.manual_seed(0)
    net = Denoiser(model)
    net.unet = Dense()

    def judged():
        made = to_grey(sample(net, range(100), steps=15, batch=50))
        return pixel_nearness(comparable(made), held_out, training)

    train(net, small[:50], 80, (1e-4, 1e-3))
    early = judged()
    assert not early.copies
    train(net, small[:50], 700, (2e-3, 1e-4))
    late = judged()
    assert late.copies
    assert late.originals > 20
    assert late.p < 1e-6
    assert np.median(late.synthetic) < np.median(early.synthetic)


def test_too_few_images_are_refused():
    with pytest.raises(MemorisationError, match="at least 20 images of each kind, and one kind has 7"):
        nearness("features", np.zeros((30, 2)), np.zeros((7, 2)), np.zeros((30, 2)))

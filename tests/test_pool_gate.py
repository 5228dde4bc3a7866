"""Promises of the quality gate on single pictures: what it refuses, and why; copies first of all."""

import numpy as np
import pytest
from PIL import Image

from generator.pool.decide import Decision
from generator.pool.gate import inspect
from generator.pool.likeness import inner, likeness, moved_likeness, nearness, stack
from generator.pool.settings import CHECKS, Settings


def radiograph_like(number, size=(256, 128)):
    draw = np.random.default_rng(number)
    shape = [draw.normal(0, weight, rows) for weight, rows in ((1, (4, 8)), (0.5, (16, 32)), (0.2, (64, 128)))]
    grey = sum(np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in shape)
    return np.clip(128 + 45 * (grey - grey.mean()) / grey.std(), 0, 255).astype(np.uint8)


COPIES = {
    "exact": lambda grey: grey,
    "noisy": lambda grey: np.clip(grey + np.random.default_rng(0).normal(0, 5, grey.shape), 0, 255).astype(np.uint8),
    "moved": lambda grey: np.roll(grey, 1, axis=1),
    "other tones": lambda grey: (255 * (grey / 255.0) ** 1.15).astype(np.uint8),
}


def judged(small, large=None, training=None, checks=CHECKS, colours=None):
    colours = small[..., None] / 255 if colours is None else colours
    large = small if large is None else large
    refusal, near = inspect(colours, small, large, training, checks)
    return refusal and refusal.check, near


@pytest.fixture(scope="module")
def training():
    return inner(stack([likeness(radiograph_like(number)) for number in range(60)]))


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("check", ["training-pixels", "training-features"])
def test_a_copy_of_a_training_image_is_refused_by_greys_and_by_edges(training, copy, check):
    found, near = judged(COPIES[copy](radiograph_like(17)), training=training, checks=(check,))
    assert (found, near[f"{check}-image"]) == (check, 17)


@pytest.mark.parametrize("check", ["training-pixels", "training-features"])
def test_a_copy_that_was_moved_is_refused_by_greys_and_by_edges(training, check):
    """By up to 4 pixels of the small picture, 16 of the large one, in any direction, with noise and new edges."""
    for down, across in [(3, 0), (0, -3), (2, 2), (-4, 3), (4, 4)]:
        copy = COPIES["noisy"](np.roll(radiograph_like(17), (down, across), axis=(0, 1)))
        found, near = judged(copy, training=training, checks=(check,))
        assert (found, near[f"{check}-image"]) == (check, 17)


def test_the_nearest_training_image_by_brute_force():
    small = radiograph_like(17)
    many = inner(stack([likeness(radiograph_like(number)) for number in range(70)]))
    moves = moved_likeness(COPIES["moved"](small))
    assert moves.pixels.shape == (9, 220)
    for ours, theirs in ((moves.pixels, many.pixels), (moves.features, many.features)):
        every = [min(np.sqrt(np.mean((one.astype(float) - other) ** 2)) for one in ours) for other in theirs]
        share, which = nearness(ours, theirs)
        assert which == np.argmin(every)
        assert share == pytest.approx(min(every) / np.mean(sorted(every)[:50]), rel=1e-12)


def test_images_of_their_own_pass_however_alike_all_are(training):
    for number in range(100, 120):
        assert judged(radiograph_like(number), training=training)[0] is None


def test_blank_saturated_and_coloured_images_are_refused_unless_the_check_is_left_out():
    good = radiograph_like(1)
    flat = (128 + (good - 128.0) / 10).astype(np.uint8)
    white = np.where(good > 120, 255, good).astype(np.uint8)
    colours = np.repeat(good[..., None] / 255, 3, axis=2)
    tinted = np.clip(colours + np.array([0.05, 0, 0]), 0, 1)
    cases = {"blank": {"large": flat}, "saturated": {"large": white}, "colour": {"colours": tinted}}
    for check, case in cases.items():
        assert judged(good, **case)[0] == check
        assert judged(good, **case, checks=[each for each in CHECKS if each != check])[0] is None
    assert judged(good, colours=colours)[0] is None


def test_of_two_nearly_equal_images_the_later_is_refused():
    settings = Settings(0, 3, "", "", None, None, None, CHECKS, None)
    images = [radiograph_like(1), radiograph_like(2), COPIES["noisy"](radiograph_like(1)), radiograph_like(3)]
    known = {
        index: {"index": index, "refusal": None, "likeness": likeness(grey).as_text()}
        for index, grey in enumerate(images)
    }
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        decision, seen = Decision(settings), {}
        for index in order:
            seen[index] = known[index]
            list(decision.advance(seen))
        assert decision.accepted == [0, 1, 3]
        assert decision.refused[2]["check"] == "duplicate"
        assert "image 0" in decision.refused[2]["says"]

"""The empirical ROC curve and DeLong's interval."""

from itertools import pairwise

import numpy as np
import pytest

from app.analysis.roc import auc, mean_curve, placements, roc_points

# J. A. Hanley & B. J. McNeil, Radiology 143 (1982) 29-36, table I: 58 normal and 51 abnormal CT images, ratings 1 to 5.
NORMAL = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2])
ABNORMAL = np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])


def trapezoid(points):
    return sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))


def test_hanley_and_mcneils_ct_ratings_with_delongs_interval():
    """Stata's manual, roctab: area 0.8932, standard error 0.0307, interval 0.83295 - 0.95339."""
    area = auc(ABNORMAL, NORMAL)
    assert area.value == pytest.approx(0.8932, abs=5e-5)
    assert (area.low, area.high, area.n) == (pytest.approx(0.83295, abs=5e-6), pytest.approx(0.95339, abs=5e-6), 109)
    assert (area.high - area.value) / 1.959964 == pytest.approx(0.0307, abs=5e-5)


def test_the_area_is_that_under_the_points():
    points = roc_points(ABNORMAL, NORMAL)
    assert points[0] == (0, 0)
    assert points[-1] == (1, 1)
    assert trapezoid(points) == pytest.approx(auc(ABNORMAL, NORMAL).value)


def test_placements_are_counted_pair_by_pair():
    below, above = placements(ABNORMAL, NORMAL)
    wins = (ABNORMAL[:, None] > NORMAL) + 0.5 * (ABNORMAL[:, None] == NORMAL)
    np.testing.assert_allclose(below, wins.mean(axis=1))
    np.testing.assert_allclose(above, wins.mean(axis=0))


def test_unsure_throughout_has_area_one_half_and_no_interval():
    area = auc(np.full(5, 3), np.full(6, 3))
    assert (area.value, area.low) == (0.5, None)
    assert "no variance" in area.note


@pytest.mark.parametrize(("positives", "area"), [([4, 5, 5], 1), ([1, 1, 1], 0)])
def test_all_right_and_all_wrong_have_no_interval(positives, area):
    found = auc(np.array(positives), np.array([2, 3, 2]))
    assert (found.value, found.low) == (area, None)


def test_one_class_missing_is_not_estimable():
    found = auc(np.array([4, 5]), np.array([]))
    assert (found.value, found.n, found.note) == (None, 2, "only one class was rated")
    assert roc_points(np.array([]), np.array([1])) == []


def test_one_case_of_a_class_gives_an_area_without_interval():
    assert auc(np.array([4]), np.array([1, 5])).note == "no interval: it takes two cases of each class"


def test_the_area_under_the_mean_curve_is_the_mean_of_the_areas():
    chance = np.random.default_rng(3)
    sides = [(chance.integers(2, 6, 7), chance.integers(1, 5, 5)) for _ in range(4)]
    mean = mean_curve([roc_points(*side) for side in sides])
    assert trapezoid(mean) == pytest.approx(np.mean([auc(*side).value for side in sides]))
    assert mean_curve([]) == []

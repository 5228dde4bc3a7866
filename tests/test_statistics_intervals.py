"""Shares with intervals, the rules for Unsure, signal detection and calibration, against published values."""

from math import sqrt

import pytest

from app.analysis.accuracy import SHARES, UNSURE_RULES, against_guessing, calibration, shares
from app.analysis.confusion import Confusion
from app.analysis.detection import detection
from app.analysis.estimate import Estimate, plain
from app.analysis.intervals import f_score, guessing, mean_of_shares, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.255289, 0.366210), (15, 148, 0.062386, 0.160487), (0, 20, 0, 0.161125)],
)
def test_wilson_intervals_are_newcombes_1998(hits, n, low, high):
    share = wilson(hits, n)
    assert (share.low, share.high, share.n) == (pytest.approx(low, abs=5e-7), pytest.approx(high, abs=5e-7), n)


def test_a_wilson_interval_of_none_or_all_ends_at_the_scale():
    assert (wilson(0, 7).low, wilson(7, 7).high) == (0, 1)


def test_a_share_of_nothing_is_not_estimable_and_an_impossible_one_refused():
    assert wilson(0, 0) == Estimate(None, n=0, note="no answer to compute it from")
    with pytest.raises(ValueError, match="5 of 4"):
        wilson(5, 4)


def test_an_estimate_is_never_nan():
    with pytest.raises(ValueError, match="say None"):
        Estimate(float("nan"))


def test_the_exact_binomial_test_against_guessing():
    """R 4: binom.test(682, 925, p = 0.5) (Conover's Mendel data) has p < 2.2e-16; binom.test(7, 10) p = 0.34375 and the
    interval 0.3475471 - 0.9332605."""
    test = guessing(7, 10)
    assert test["p"] == pytest.approx(0.34375, abs=1e-9)
    assert (test["share"].low, test["share"].high) == (
        pytest.approx(0.3475471, abs=5e-8),
        pytest.approx(0.9332605, abs=5e-8),
    )
    assert guessing(0, 0)["p"] is None


def test_f1_keeps_the_wilson_bounds_of_the_share_behind_it():
    """F1 = 2p/(1 + p), with p = 81/263 as in Newcombe."""
    score = f_score(81, 100, 82)
    assert score.value == pytest.approx(2 * 81 / (2 * 81 + 182))
    assert score.low == pytest.approx(2 * 0.255289 / 1.255289, abs=1e-6)
    assert f_score(0, 0, 0).value is None


def test_balanced_accuracy_adds_the_squares_of_newcombes_bounds():
    """Newcombe 1998b, method 10, for 56/70 and 48/80: the difference has the interval 0.0524 - 0.3339; with one share
    turned round, so has twice the mean, less 1."""
    mean = mean_of_shares(wilson(56, 70), wilson(80 - 48, 80))
    assert 2 * mean.low - 1 == pytest.approx(0.0524, abs=5e-5)
    assert 2 * mean.high - 1 == pytest.approx(0.3339, abs=5e-5)


EXAMPLE = Confusion(
    tp_fully_certain=20, tp_partially_certain=10, tn_fully_certain=25, tn_partially_certain=15,
    fp_fully_certain=4, fp_partially_certain=6, fn_fully_certain=5, fn_partially_certain=5,
    unsure_real=8, unsure_fake=4,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "sensitivity", "specificity", "precision", "accuracy"),
    [
        ("left out", 30 / 40, 40 / 50, 30 / 40, 70 / 90),
        ("wrong", 30 / 44, 40 / 58, 30 / 48, 70 / 102),
        ("half", 32 / 44, 44 / 58, 32 / 46, 76 / 102),
    ],
)
def test_each_rule_for_unsure_counted_by_hand(rule, sensitivity, specificity, precision, accuracy):
    found = shares(EXAMPLE, rule)
    assert list(found) == list(SHARES)
    values = [
        found[name].value for name in ("sensitivity", "specificity", "precision", "accuracy", "balanced_accuracy")
    ]
    expected = [sensitivity, specificity, precision, accuracy, (sensitivity + specificity) / 2]
    assert values == pytest.approx(expected)
    assert all(each.low < each.value < each.high for each in found.values())


@pytest.mark.parametrize("rule", UNSURE_RULES)
def test_shares_of_no_answers_are_not_estimable_by_any_rule(rule):
    assert all(share.value is None and share.note for share in shares(Confusion(), rule).values())


def test_all_unsure_is_not_estimable_left_out_nothing_if_wrong_and_half_if_half():
    unsure = Confusion(unsure_real=5, unsure_fake=5)
    assert [shares(unsure, rule)["accuracy"].value for rule in UNSURE_RULES] == [None, 0, 0.5]
    assert against_guessing(unsure)["p"] is None


def test_calibration_is_the_share_of_right_calls_at_each_certainty():
    found = calibration(EXAMPLE)
    assert (found["fully"].value, found["fully"].n) == (45 / 54, 54)
    assert (found["partially"].value, found["partially"].n) == (25 / 36, 36)


def test_d_prime_and_criterion_of_a_hit_rate_of_8_and_a_false_alarm_rate_of_4_tenths():
    """From a table of the normal distribution: z(.8) = 0.841621, z(.4) = -0.253347."""
    found = detection(80, 100, 40, 100)
    assert (found.d_prime.value, found.criterion.value) == (
        pytest.approx(1.094968, abs=5e-7),
        pytest.approx(-0.294137, abs=5e-7),
    )


def test_the_interval_of_d_prime_has_gourevitch_and_galanters_variance():
    """By hand: H(1-H)/(n φ²) is 0.0204142 for H = .8 with φ(.841621) = .279962, 0.0160795 for F = .4 with .386343."""
    found = detection(80, 100, 40, 100).d_prime
    variance = 0.8 * 0.2 / (100 * 0.2799619**2) + 0.4 * 0.6 / (100 * 0.3863425**2)
    assert found.high - found.value == pytest.approx(1.959964 * sqrt(variance), abs=1e-6)


def test_a_perfect_observers_d_prime_is_corrected_as_macmillan_and_kaplan_say():
    """z(1 - 1/200) = 2.575829 twice."""
    found = detection(100, 100, 0, 100).d_prime
    assert found.value == pytest.approx(2 * 2.575829, abs=1e-6)
    assert "corrected" in found.note


def test_d_prime_without_one_class_is_not_estimable():
    assert detection(5, 10, 0, 0).d_prime.value is None
    assert detection(0, 0, 5, 10).criterion.note == "only one class was called real or fake"


def test_a_plain_document_is_ready_for_json():
    assert plain({("a", "b"): [Estimate(0.5, n=3), float("inf")]}) == {
        "a - b": [{"value": 0.5, "low": None, "high": None, "n": 3, "note": ""}, "infinite"]
    }

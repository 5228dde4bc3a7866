"""Times, drift, difficulty, experience and planning."""

import random
from math import sqrt, tanh

import numpy as np
import pytest
from scipy.stats import norm

from app.analysis.difficulty import by_image, by_pool, by_setting, most_convincing, most_doubted
from app.analysis.estimate import Estimate
from app.analysis.experience import by_group, by_years, profiles, spearman
from app.analysis.intervals import mean_with_interval
from app.analysis.planning import CRITERIA, PlanError, plan_study
from app.analysis.scored import Scored
from app.analysis.times import by_observer, drift, median, response_times


def answer(observer, image, truth, rating, number=1, **more):
    row = {"observer": observer, "kind": "scored", "image": image, "truth": truth, "rating": rating, "number": number}
    return row | {"response_ms": 1000.0 * (rating or 0), "pool": truth} | more


def study(observers=3, images=20, seed=1):
    draw = random.Random(seed)
    truth = ["real", "synthetic"]
    return [
        answer(f"O{o}", f"i{i}", truth[i % 2], draw.randint(1, 5), number=i + 1)
        for o in range(observers)
        for i in range(images)
    ]


def test_columns_hold_scored_first_showings_of_real_observers():
    rows = [
        answer("Ada", "a", "real", 2),
        answer("Ada", "w", "real", 2, kind="practice"),
        answer("Ada", "a", "real", 4, repeat=True),
        answer("Ada", "b", "synthetic", None),
        answer("Sim", "a", "real", 1, simulated=True),
        answer("Grace", "b", "synthetic", 5, response_ms=None),
    ]
    scored = Scored.of(rows)
    assert (scored.observers, scored.images, scored.repeats) == (["Ada", "Grace"], ["a", "b"], [(0, 2, 4)])
    np.testing.assert_array_equal(scored.matrix(), [[2, np.nan], [np.nan, 5]])
    np.testing.assert_array_equal(scored.seconds, [2, np.nan])
    assert Scored.of(rows, include_simulated=True).observers == ["Ada", "Sim", "Grace"]


def test_a_truth_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="truth None"):
        Scored.of([answer("Ada", "a", None, 2)])


@pytest.mark.parametrize(("n", "low", "high"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (100, 40, 61)])
def test_the_medians_interval_is_conovers(n, low, high):
    """The tables of the sign test's critical values: ranks of the bounds of 95 % or more."""
    found = median(np.arange(n, 0, -1.0))
    assert (found.value, found.low, found.high, found.n) == ((n + 1) / 2, low, high, n)


def test_a_median_of_few_or_none():
    assert median(np.array([1.0, 2, np.nan])).note == "no interval: it takes six answers"
    assert median(np.array([np.nan])).value is None


def test_response_times_by_rating_correctness_and_quarter():
    scored = Scored.of(study())
    found = response_times(scored)
    assert [found["rating"][words].value for words in found["rating"]] == [1, 2, 3, 4, 5]
    assert sum(each.n for each in found["correctness"].values()) == 60
    assert [each.n for each in found["quarter"].values()] == [15, 15, 15, 15]
    assert by_observer(scored)["O1"].n == 20


def test_a_drift_that_was_put_in_is_found():
    """Each observer takes 2 s less over 100 images, one 4 s: the mean slope is -8/3."""
    rows = [
        answer(f"O{o}", f"i{i}", "real", 1, number=i, response_ms=1000 * (20 - pace * i / 100))
        for o, pace in enumerate([2, 2, 4])
        for i in range(1, 101)
    ]
    slope = drift(Scored.of(rows))["seconds_slope"]
    # Student's t with 2 degrees of freedom: 4.302653; standard error 2/3.
    assert (slope.value, slope.n) == (pytest.approx(-8 / 3), 3)
    assert slope.high - slope.value == pytest.approx(4.302653 * 2 / 3, abs=1e-5)


def test_no_drift_without_positions_or_answers():
    unknown = Scored.of([answer("Ada", "a", "real", 1, number=None)])
    assert drift(unknown)["accuracy_slope"].note == "no observer has enough answers"
    assert drift(Scored.of([]))["accuracy"]["quarter 1"].value is None


def test_a_mean_of_one_has_no_interval():
    assert mean_with_interval([2.0]).note == "no interval from one observer"


def test_a_mean_of_equals_has_no_interval_and_none_leaves_the_scale():
    """0.9, 0.95, 1: standard deviation 0.05, t with 2 degrees of freedom 4.302653."""
    assert mean_with_interval([0.7, 0.7, 0.7]).note == "no interval: all observers have the same value"
    found = mean_with_interval([0.9, 0.95, 1.0], (0.0, 1.0))
    assert (found.low, found.high) == (pytest.approx(0.95 - 4.302653 * 0.05 / sqrt(3), abs=1e-6), 1)


def test_difficulty_by_image_counted_by_hand():
    ratings = {"easy": [5, 5, 4], "split": [4, 2, 3], "fooled": [1, 1, 2], "doubted": [5, 4, 4], "fine": [1, 2, 2]}
    truths = {"easy": "synthetic", "split": "synthetic", "fooled": "synthetic", "doubted": "real", "fine": "real"}
    rows = [
        answer(f"O{o}", image, truths[image], rating)
        for image, given in ratings.items()
        for o, rating in enumerate(given)
    ]
    scored = Scored.of(rows)
    images = by_image(scored)
    assert [(each.image, each.fooled, each.sheet) for each in images] == [
        ("doubted", 3, "FP partially"),
        ("fooled", 3, "FN fully"),
        ("split", 1, None),
        ("easy", 0, "TP fully"),
        ("fine", 0, "TN partially"),
    ]
    assert [each.image for each in most_convincing(images)] == ["fooled", "split", "easy"]
    assert [each.image for each in most_doubted(images, 1)] == ["doubted"]
    assert most_doubted(images, 1)[0].mean_rating == pytest.approx(13 / 3)
    assert {pool: (share.value, share.n) for pool, share in by_pool(scored).items()} == {
        "real": (0.5, 6),
        "synthetic": (0.5, 8),
    }


def made_with(i, **more):
    return {"seed": i, "steps": (100, 50)[i % 2], "sampler": "ddim" if i < 6 else "ddpm", "version": 2} | more


def test_settings_that_differ_within_a_pool_are_compared_in_their_order():
    """Seeds differ for each image and the version for none: neither is compared. Right are ratings 4 and 5."""
    rows = [
        answer(o, f"i{i}", "synthetic", 5 if i % 2 else 1, settings=made_with(i), pool="generated")
        for o in ("Ada", "Grace")
        for i in range(8)
    ] + [answer("Ada", f"r{i}", "real", 3, settings={"bits": i % 2}) for i in range(4)]
    found = {key: (share.value, share.n) for key, share in by_setting(Scored.of(rows)).items()}
    assert list(found.items()) == [
        (("generated", "sampler", "ddim"), (0.5, 12)),
        (("generated", "sampler", "ddpm"), (0.5, 4)),
        (("generated", "steps", "50"), (1, 8)),
        (("generated", "steps", "100"), (0, 8)),
        (("real", "bits", "0"), (None, 0)),
        (("real", "bits", "1"), (None, 0)),
    ]


def test_images_without_settings_have_no_table_of_them():
    rows = [answer("Ada", f"i{i}", "real", 1, settings=None if i else {"steps": 5}) for i in range(4)]
    assert by_setting(Scored.of(rows)) == {}


def test_no_images_no_difficulty():
    assert (by_image(Scored.of([])), by_pool(Scored.of([]))) == ([], {})


def test_spearmans_correlation_with_its_interval():
    """The IQ and television example of textbooks: rho = -29/165; the interval by hand."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    found = spearman(iq, hours)
    assert found.value == pytest.approx(-29 / 165)
    z, half = -0.1776003, 1.959964 * sqrt((1 + (29 / 165) ** 2 / 2) / 7)
    assert (found.low, found.high) == (pytest.approx(tanh(z - half), abs=1e-6), pytest.approx(tanh(z + half), abs=1e-6))


def test_experience_is_told_with_honest_words():
    observers = [
        ("A", 3, "general"),
        ("B", 10, "radiologist"),
        ("C", 20, "radiologist"),
        ("D", 1, None),
        ("E", 7, None),
    ]
    rows = [answer(name, "a", "real", 1, years=years, role=role) for name, years, role in observers]
    known = profiles(rows)
    accuracies = {name: Estimate(value, n=9) for name, value in zip("ABCDE", (0.7, 0.6, 0.8, 0.65, None), strict=True)}
    found = by_years(accuracies, known)
    assert found["spearman"].n == 4
    assert found["wording"].startswith(
        "From 4 observers no relation of accuracy and experience can be shown, and none ruled"
    )
    assert found["points"][0] == ("A", 3, 0.7, 9)
    assert by_years({"A": accuracies["A"]}, known)["wording"].endswith("(it takes three observers; n = 1 observer).")
    assert by_group(accuracies, known, "role") == {
        "general": {"n": 1, "mean": 0.7, "lowest": 0.7, "highest": 0.7},
        "radiologist": {"n": 2, "mean": pytest.approx(0.7), "lowest": 0.6, "highest": 0.8},
    }


def test_a_plan_is_seeded_and_more_of_everything_narrows_the_interval():
    few, again, many = (plan_study(*size, 0.7, simulations=40) for size in ((3, 40), (3, 40), (8, 160)))
    assert few == again
    assert all(many.widths[key] < few.widths[key] for key in few.widths)
    assert few.mean_auc == pytest.approx(0.69, abs=0.03)


def test_a_plan_agrees_with_the_theory_of_the_area_under_five_ratings():
    """Mean and error of one observer's area, with the shares of each rating from the normal distribution: the area and
    its variance by Hanley & McNeil (Radiology 143 (1982) 29-36), Q1 and Q2 counted over the ratings' shares."""
    images, half, edges = 80, 40, [-np.inf, *CRITERIA, np.inf]
    distance = np.sqrt(2) * norm.ppf(0.75)
    real, fake = (np.diff(norm.cdf(edges, loc=side * distance / 2)) for side in (-1, 1))
    wins = np.tril(np.ones((5, 5)), -1) + np.eye(5) / 2  # of a fake one's rating (row) against a real one's
    area = fake @ wins @ real
    both_fake = ((fake @ wins) ** 2) @ real
    both_real = fake @ ((wins @ real) ** 2)
    tied = fake @ (wins * (1 - wins)) @ real  # a tie counts half, so its square is a quarter less
    variance = (
        area * (1 - area) - tied + (half - 1) * (both_fake - area**2) + (half - 1) * (both_real - area**2)
    ) / half**2
    plan = plan_study(1, images, 0.75, spread=0, simulations=400)
    assert plan.mean_auc == pytest.approx(area, abs=4 * np.sqrt(variance / 400))
    width = next(found for found in plan.widths.values() if found)
    assert width == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.05)


def test_planned_observers_who_guess_seldom_beat_guessing():
    """An interval of 95 % lies above the truth in one case of 40; 16 of 200 would be a chance of 1 in 10,000."""
    plan = plan_study(6, 60, 0.5, spread=0, simulations=200)
    assert plan.powers["random readers and cases"].value < 16 / 200


def test_one_planned_observer_has_the_fixed_readers_width_only():
    plan = plan_study(1, 60, 0.7, simulations=5)
    assert plan.powers["random readers and cases"].value is None
    assert plan.widths["random readers and cases"] is None
    assert plan.widths["fixed readers"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"observers": 0}, "at least one observer"),
        ({"images": 7}, "even number"),
        ({"auc": 1.0}, "0.5 .guessing. to 0.99"),
        ({"spread": 0.5}, "spread of 0.5"),
    ],
)
def test_a_study_that_cannot_be_planned_is_refused(settings, message):
    with pytest.raises(PlanError, match=message):
        plan_study(**{"observers": 3, "images": 20, "auc": 0.7} | settings)

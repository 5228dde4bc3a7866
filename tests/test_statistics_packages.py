"""The original quiz's example, analysed from its two files to the report's numbers, against other packages.

The numbers were computed from the same two files read by pandas, with scikit-learn 1.9.1, statsmodels 0.15.0, SciPy
1.17.1 and krippendorff 0.9.0; the counts are those of expected.json.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from app.analysis.experience import spearman
from app.analysis.legacy import read_legacy
from app.analysis.results import study_results

LEGACY = Path(__file__).parent / "fixtures" / "legacy"
SHARED = Path(__file__).parents[2] / "shared" / "legacy"
A, B, C = OBSERVERS = ["Observer A", "Observer B", "Observer C"]


def results_of(folder):
    return study_results(read_legacy(folder / "submissions.csv", folder / "image_labels.csv").rows)


@pytest.fixture(scope="module")
def results():
    return results_of(LEGACY)


@pytest.fixture(scope="module")
def observers(results):
    return {each.observer: each for each in results.observers}


def close(*values):
    return pytest.approx(list(values), abs=1e-12)


@pytest.mark.parametrize("folder", [LEGACY, SHARED], ids=["shipped", "shared"])
def test_the_results_hold_every_expected_count_and_share(folder):
    if not folder.exists():
        pytest.skip("../shared/legacy is not here")
    expected = json.loads((folder / "expected.json").read_text())
    found = {each.observer: each for each in results_of(folder).observers}
    assert set(found) == set(expected)
    for name, numbers in expected.items():
        shares, counts = found[name].shares, found[name].confusion
        assert shares["left out"]["precision"].value == numbers["precision"]
        assert shares["left out"]["sensitivity"].value == numbers["recall"]
        assert shares["left out"]["accuracy"].value == numbers["accuracy_excluding_unsure"]
        assert shares["wrong"]["accuracy"].value == numbers["accuracy_unsure_counted_wrong"]
        named = {key: value for key, value in numbers.items() if key[0].isupper() or key == "answered"}
        assert {key: getattr(counts, key.lower().replace(" ", "_")) for key in named} == named


def test_shares_are_scikit_learns(observers):
    """accuracy_score, balanced_accuracy_score, recall_score (of either class), precision_score, f1_score."""
    expected = {
        A: (0.5660377358490566, 0.5671428571428572, 0.5866666666666667,
            0.5476190476190477, 0.5365853658536586, 0.5605095541401274),
        B: (0.8023952095808383, 0.8020384725811083, 0.7901234567901234, 0.813953488372093, 0.8, 0.7950310559006211),
        C: (0.5425531914893617, 0.5386363636363636, 0.6, 0.4772727272727273, 0.5660377358490566, 0.5825242718446602),
    }  # fmt: skip
    for name, values in expected.items():
        assert [each.value for each in observers[name].shares["left out"].values()] == close(*values)


def test_intervals_of_accuracy_are_statsmodels_and_scipys(observers):
    """statsmodels proportion_confint, "wilson" and "beta"; scipy.stats.binomtest."""
    expected = {
        A: (0.48834123922881556, 0.6406185487274152, 0.4852369852477945, 0.6443304161016251, 0.11243011953491902),
        B: (0.7355001653490777, 0.8556912275200507, 0.7338365307056454, 0.8599018380818727, 1.2248159148500592e-15),
        C: (0.44215447666238733, 0.639610453014928, 0.4365880963931193, 0.6457635774671198, 0.4704921148903706),
    }
    for name, (low, high, exact_low, exact_high, p) in expected.items():
        wilson, guessing = observers[name].shares["left out"]["accuracy"], observers[name].guessing
        assert (wilson.low, wilson.high) == (pytest.approx(low), pytest.approx(high))
        assert (guessing["share"].low, guessing["share"].high) == (pytest.approx(exact_low), pytest.approx(exact_high))
        assert guessing["p"] == pytest.approx(p, rel=1e-9)


def test_roc_curves_and_areas_are_scikit_learns(observers):
    """roc_auc_score and roc_curve(drop_intermediate=False) of the five levels."""
    areas = {A: 0.5661386138613861, B: 0.7970297029702971, C: 0.552361111111111}
    assert [observers[name].auc.value for name in OBSERVERS] == close(*areas.values())
    false_rates = [0, 0.1485148515, 0.3762376238, 0.5445544554, 0.7920792079, 1]
    true_rates = [0, 0.19, 0.44, 0.69, 0.86, 1]
    np.testing.assert_allclose(observers[A].curve, list(zip(false_rates, true_rates, strict=True)), atol=1e-9)


def test_calibration_is_the_groups_mean(observers):
    """pandas groupby("rating"): synthetic images among those rated so."""
    counts = {
        A: [(14, 35), (17, 42), (25, 42), (25, 48), (19, 34)],
        C: [(7, 16), (13, 25), (10, 26), (22, 40), (8, 13)],
    }
    for name, expected in counts.items():
        found = observers[name].by_rating.values()
        assert [(each.value, each.n) for each in found] == [(hits / n, n) for hits, n in expected]


def test_means_over_observers_and_drift_are_scipys(results):
    """scipy.stats.t.interval of accuracies, and of the slopes of scipy.stats.linregress per 100 images."""
    mean, slope = results.means["accuracy"], results.drift["accuracy_slope"]
    assert [mean.value, mean.low, mean.high] == close(0.6369953789730856, 0.2799727690534257, 0.9940179888927454)
    assert [slope.value, slope.low, slope.high] == close(
        0.0005432915541038844, -0.14220453414754397, 0.14329111725575172
    )
    assert (mean.n, slope.n) == (3, 3)


def test_agreement_is_scikit_learns_statsmodels_and_krippendorffs(results):
    """cohen_kappa_score(weights="quadratic"), fleiss_kappa over the images that all rated, krippendorff.alpha."""
    expected = {
        (A, B): (-0.023860289819572555, 201),
        (A, C): (0.05058559681036634, 120),
        (B, C): (0.10515423277816105, 120),
    }
    assert {tuple(sorted(pair)): (each.value, each.n) for pair, each in results.pairs.items()} == {
        pair: (pytest.approx(value), n) for pair, (value, n) in expected.items()
    }
    assert [(each.value, each.n) for each in results.agreement.values()] == [
        (pytest.approx(-0.030587687291359383), 120),
        (pytest.approx(-0.02269572013055665), 201),
        (pytest.approx(0.03155422111788442), 201),
    ]


def test_an_images_mean_rating_is_pandas(results):
    means = {each.image: (each.mean_rating, each.n) for each in results.images}
    assert means["CILtTLhw.png"] == (1, 3)
    assert means["rthCf1v1.png"] == means["uihMUIo6.png"] == (5, 2)


def test_spearmans_correlation_with_ties_is_scipys():
    found = spearman([1, 3, 3, 8, 15, 30], [0.61, 0.7, 0.66, 0.72, 0.6, 0.75])
    assert found.value == pytest.approx(0.4058397249567139)

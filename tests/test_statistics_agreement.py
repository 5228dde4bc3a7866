"""Agreement between and within observers, against published data."""

from math import nan

import numpy as np
import pytest

from app.analysis.agreement import agreement, intra_observer, pairwise_kappa, weighted_kappa

# J. L. Fleiss, Psychol Bull 76 (1971) 378-382, table 1: the six diagnoses of each of 30 subjects, in ascending order.
FLEISS = """444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445
333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"""
DIAGNOSES = np.array([[float(each) for each in subject] for subject in FLEISS.split()]).T

# K. Krippendorff, Computing Krippendorff's alpha-reliability (2011): four observers, twelve units, some missing.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
)

# The R package irr's `anxiety`, raters 1 and 2.
ANXIETY = np.array(
    [
        [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3],
        [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
    ],
    float,
)


def values(ratings, **settings):
    return agreement(np.asarray(ratings, float), **{"replicates": 0} | settings)


def test_fleiss_kappa_of_fleiss_1971():
    """The R package irr, kappam.fleiss: 0.4302445."""
    kappa = values(DIAGNOSES)["fleiss_kappa"]
    assert (kappa.value, kappa.n) == (pytest.approx(0.4302445, abs=5e-8), 30)


def test_krippendorffs_alphas_of_krippendorffs_four_coders():
    """0.743 nominal, 0.815 ordinal."""
    found = values(KRIPPENDORFF)
    assert found["krippendorff_alpha_nominal"].value == pytest.approx(0.743, abs=5e-4)
    assert found["krippendorff_alpha_ordinal"].value == pytest.approx(0.815, abs=5e-4)


def test_fleiss_kappa_takes_the_images_that_all_rated_and_alpha_all_rated_twice():
    found = values(KRIPPENDORFF)
    assert found["fleiss_kappa"].value == pytest.approx(values(KRIPPENDORFF[:, 1:9])["fleiss_kappa"].value)
    assert (found["fleiss_kappa"].n, found["krippendorff_alpha_nominal"].n) == (8, 11)


def test_quadratically_weighted_kappa_of_the_anxiety_ratings():
    """R, irr: kappa2(anxiety[, 1:2], "squared") = 0.297; scikit-learn's cohen_kappa_score: 0.2967651."""
    found = weighted_kappa(*ANXIETY)
    assert (found.value, found.n) == (pytest.approx(0.2967651, abs=5e-8), 20)


def test_pairs_are_compared_over_the_images_that_both_rated():
    found = pairwise_kappa(KRIPPENDORFF, list("ABCD"))
    assert list(found) == [("A", "B"), ("A", "C"), ("A", "D"), ("B", "C"), ("B", "D"), ("C", "D")]
    assert [each.n for each in found.values()] == [9, 8, 9, 9, 10, 10]


def test_the_bootstrap_is_seeded_and_encloses_the_value():
    one, again, other = (values(DIAGNOSES, seed=seed, replicates=60) for seed in (1, 1, 2))
    assert one == again != other
    assert all(each.low < each.value < each.high for each in one.values())


def test_the_bootstrap_is_as_wide_as_studies_differ():
    """A hundred studies drawn anew from one model say how much kappa and alpha vary. The interval may be wider, since
    drawing rows and columns counts noise more than once (Owen 2007, section 4), and must not be narrower."""
    random = np.random.default_rng(11)

    def study():
        evidence = np.sqrt(0.5) * random.normal(size=80) + np.sqrt(0.5) * random.normal(size=(8, 80))
        return 1.0 + (evidence[..., None] > [-1.1, -0.35, 0.35, 1.1]).sum(-1)

    drawn = [values(study(), replicates=2) for _ in range(100)]
    estimated = [values(study(), replicates=150) for _ in range(6)]
    for name in drawn[0]:
        spread = np.std([found[name].value for found in drawn], ddof=1)
        error = np.mean([found[name].high - found[name].low for found in estimated]) / (2 * 1.96)
        assert 0.9 * spread < error < 1.8 * spread, name


def test_an_observer_drawn_twice_is_not_compared_with_the_own_copy():
    """Observers who rate at random agree by chance: bootstrap replicates must not be pulled up by copies."""
    ratings = np.random.default_rng(5).integers(1, 6, (3, 150)).astype(float)
    alpha = values(ratings, seed=3, replicates=200)["krippendorff_alpha_nominal"]
    assert -0.2 < alpha.low < 0 < alpha.high < 0.2


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        (np.full((3, 4), 3), "all ratings are alike"),
        (np.array([[1, 2, 3]]), "no image was rated by two"),
        (np.array([[1, nan], [nan, 2]]), "no image was rated by two"),
        (np.empty((0, 0)), "no image was rated by two"),
    ],
)
def test_agreement_without_anything_to_agree_on_is_not_estimable(ratings, reason):
    for found in values(ratings, replicates=5).values():
        assert found.value is None
        assert found.note.startswith(reason)


def test_agreement_with_oneself_on_repeats():
    pairs = [(0, 1, 1), (0, 2, 1), (0, 3, 4), (0, 5, 5), (2, 3, 3)]
    found = intra_observer(pairs, ["Ada", "Grace", "Mary"])
    assert list(found) == ["Ada", "Mary"]
    ada = found["Ada"]
    assert (ada["exact"].value, ada["same_call"].value, ada["exact"].n) == (0.5, 0.75, 4)
    # By hand: mean squared difference 2/4; of all 16 pairs 6.75.
    assert ada["weighted_kappa"].value == pytest.approx(
        1 - 0.5 / np.mean((np.array([1, 2, 3, 5])[:, None] - [1, 1, 4, 5]) ** 2)
    )
    assert found["Mary"]["weighted_kappa"].note.startswith("all ratings are alike")

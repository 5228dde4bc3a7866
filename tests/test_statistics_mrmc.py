"""Obuchowski-Rockette/Hillis on the Van Dyke data to every printed digit, and what happens at the edges."""

from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import f as f_distribution

from app.analysis.mrmc import RANDOM, analyse, auc_terms
from app.analysis.ratings import RatingsError, read_ratings

VAN_DYKE = Path(__file__).parent / "fixtures" / "van_dyke" / "ratings.csv"
BOTH, READERS, CASES = RANDOM

# OR-DBM MRMC 2.51, trapezoidal AUC, jackknife.
PUBLISHED = {
    "0": {
        "aucs": [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        "components": [0.89703704, 0.00308263, 0.00101410, 0.00048396],
        BOTH: (0.03317360, 12.74, 0.82522360, 0.96885048),
        READERS: (0.02428971, inf, 0.84943008, 0.94464399),
        CASES: (0.02482994, 4, 0.82809808, 0.96597599),
    },
    "1": {
        "aucs": [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
        "components": [0.94083736, 0.00130460, 0.00059047, 0.00020419],
        BOTH: (0.02156637, 12.71, 0.89413783, 0.98753689),
        READERS: (0.01677632, inf, 0.90795637, 0.97371835),
        CASES: (0.01615303, 4, 0.89598936, 0.98568536),
    },
}


def digits(number, places=8):
    return pytest.approx(number, abs=0.5001 * 10**-places)


@pytest.fixture(scope="module")
def van_dyke():
    return read_ratings(VAN_DYKE)


@pytest.fixture(scope="module")
def analysis(van_dyke):
    return analyse(van_dyke)


def of_readers(ratings, places):
    """The ratings of some of the readers, of one perhaps several times."""
    chosen = list(places)
    return replace(ratings, readers=[f"reader {i}" for i in range(len(chosen))], values=ratings.values[:, chosen])


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_van_dyke_modality_alone_to_every_printed_digit(analysis, name):
    found = next(each for each in analysis.treatments if each.name == name)
    expected = PUBLISHED[name]
    assert list(found.aucs.values()) == [digits(value) for value in expected["aucs"]]
    assert [found.mean, found.ms_readers, found.variance, found.cov2] == [digits(v) for v in expected["components"]]
    assert (found.positives, found.negatives) == (45, 69)
    for key in RANDOM:
        se, df, low, high = expected[key]
        interval = found.intervals[key]
        assert (interval.se, interval.low, interval.high) == (digits(se), digits(low), digits(high))
        assert interval.df == (df if df in (4, inf) else digits(df, 2))


def test_van_dyke_components_of_both_modalities(analysis):
    """RJafroc and MRMCaov print the same."""
    both = analysis.comparison
    assert (both.ms_treatments, both.ms_interaction) == (digits(0.0047961705, 10), digits(0.0005510306, 10))
    assert [both.variance, both.cov1, both.cov2, both.cov3] == [
        digits(value, 10) for value in (0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284)
    ]
    assert (analysis.design, analysis.readers, analysis.cases, analysis.left_out) == ("paired cases", 5, 114, 0)


@pytest.mark.parametrize(
    ("random", "f", "df2", "p", "se", "low", "high"),
    [
        (BOTH, 4.4563187, 15.259675, 0.051665686, 0.02074862, -0.087959499, 0.00035885444),
        (READERS, 5.4759532, inf, 0.019279843, 0.018717483, -0.080485914, -0.0071147303),
        (CASES, 8.704, 4, 0.041958752, 0.014846287, -0.085020224, -0.0025804202),
    ],
)
def test_van_dyke_modalities_compared(analysis, random, f, df2, p, se, low, high):
    """RJafroc, dataset02, Wilcoxon area, method OR."""
    test, difference = analysis.comparison.tests[random], analysis.comparison.differences["0", "1"][random]
    assert (test.f, test.df1, test.p) == (digits(f, 7), 1, digits(p, 9))
    assert test.df2 == (df2 if df2 in (4, inf) else digits(df2, 6))
    assert (difference.value, difference.se) == (digits(-0.043800322, 9), digits(se))
    assert (difference.low, difference.high) == (digits(low, 9), digits(high, 9))
    # With two treatments the F test and the interval's t test are one.
    assert difference.p == pytest.approx(test.p)


def test_delongs_covariances_are_close_to_the_jackknifes_and_leave_the_fixed_cases_alone(van_dyke, analysis):
    delong = analyse(van_dyke, "delong")
    assert delong.comparison.variance == pytest.approx(analysis.comparison.variance, rel=0.02)
    assert delong.comparison.tests[CASES] == analysis.comparison.tests[CASES]


def test_the_jackknife_leaves_out_one_case_after_the_other(van_dyke):
    """Against the definition, by leaving out each case and computing all areas anew."""
    values, positive = van_dyke.values.reshape(10, -1), van_dyke.positive
    aucs, terms = auc_terms(values, positive, "jackknife")
    cases = len(positive)
    without = np.array(
        [auc_terms(np.delete(values, i, axis=1), np.delete(positive, i), "delong")[0] for i in range(cases)]
    )
    deviations = without - without.mean(axis=0)
    np.testing.assert_allclose(terms @ terms.T, (cases - 1) / cases * deviations.T @ deviations, atol=1e-15)
    np.testing.assert_allclose(aucs[0], 0.91964573, atol=5e-9)


def nested(ratings):
    """The second treatment with cases of its own."""
    t, r, c = ratings.values.shape
    values = np.full((t, r, 2 * c), nan)
    values[0, :, :c], values[1, :, c:] = ratings.values
    cases = [f"{name}-{i}" for i in range(2) for name in ratings.cases]
    return replace(ratings, cases=cases, positive=np.tile(ratings.positive, 2), values=values)


def test_cases_of_its_own_for_each_treatment_leave_no_covariance_between_treatments(van_dyke, analysis):
    """Hillis 2014: as for paired cases with Cov1 = Cov3 = 0, computed here from the published components."""
    found = analyse(nested(van_dyke))
    assert found.design == "cases nested in treatments"
    assert (found.comparison.cov1, found.comparison.cov3) == (0, 0)
    assert found.treatments == analysis.treatments
    noise = 0.0005510306 + 5 * 0.0003440748
    assert found.comparison.tests[BOTH].f == pytest.approx(0.0047961705 / noise, rel=1e-6)
    df2 = 4 * noise**2 / 0.0005510306**2
    assert found.comparison.tests[BOTH].p == pytest.approx(f_distribution.sf(0.0047961705 / noise, 1, df2), rel=1e-5)


def test_partly_shared_cases_covary_by_what_they_share(van_dyke, analysis):
    """The same normal cases, other abnormal ones: between the two extremes."""
    t, r = van_dyke.values.shape[:2]
    own = van_dyke.values[:, :, van_dyke.positive]
    shared = van_dyke.values[:, :, ~van_dyke.positive]
    p = own.shape[2]
    values = np.full((t, r, 2 * p + shared.shape[2]), nan)
    values[0, :, :p], values[1, :, p : 2 * p] = own
    values[:, :, 2 * p :] = shared
    positive = np.arange(values.shape[2]) < 2 * p
    found = analyse(replace(van_dyke, cases=[str(i) for i in range(len(positive))], positive=positive, values=values))
    assert found.design == "cases partly shared by treatments"
    assert 0 < found.comparison.cov1 < analysis.comparison.cov1


def test_an_incomplete_design_counts_the_cases_that_all_readers_rated(van_dyke):
    values = van_dyke.values.copy()
    values[:, 2, :10] = nan
    thinned = analyse(replace(van_dyke, values=values))
    kept = replace(
        van_dyke, cases=van_dyke.cases[10:], positive=van_dyke.positive[10:], values=van_dyke.values[:, :, 10:]
    )
    assert (thinned.cases, thinned.left_out) == (104, 10)
    assert thinned.treatments[0].mean == pytest.approx(analyse(kept).treatments[0].mean)
    assert thinned.comparison.tests[BOTH].f == pytest.approx(analyse(kept).comparison.tests[BOTH].f)


def test_one_reader_has_the_fixed_readers_interval_only(van_dyke):
    found = analyse(of_readers(van_dyke, [0]))
    intervals = found.treatments[0].intervals
    assert intervals[READERS].low < intervals[READERS].value < intervals[READERS].high
    assert {intervals[key].note for key in (BOTH, CASES)} == {"no interval from one reader"}
    assert found.comparison.tests[BOTH].f is None
    assert found.comparison.tests[READERS].p > 0


def test_one_reader_compared_is_delongs_test(van_dyke):
    """RJafroc prints for reader 0: standard error 0.025512133, p 0.269338854 (jackknife)."""
    difference = analyse(of_readers(van_dyke, [0])).comparison.differences["0", "1"][READERS]
    assert (difference.se, difference.p) == (digits(0.025512133, 9), digits(0.269338854, 9))


def test_equal_areas_give_a_difference_of_0_and_p_1_or_say_that_they_leave_no_variance(van_dyke):
    twins = replace(van_dyke, values=van_dyke.values[[0, 0]])
    comparison = analyse(twins).comparison
    assert comparison.differences["0", "1"][BOTH].value == 0
    assert {comparison.tests[key].note for key in RANDOM} == {"not estimable: the ratings leave no variance"}


def test_readers_of_equal_areas_have_an_interval_from_the_cases_alone(van_dyke):
    copies = analyse(of_readers(van_dyke, [0, 0, 0])).treatments[0]
    assert copies.intervals[CASES].note == "no interval: the ratings leave no variance"
    assert copies.intervals[BOTH].df == inf
    assert copies.intervals[BOTH].se == pytest.approx(copies.intervals[READERS].se)


def test_all_right_leaves_no_variance(van_dyke):
    perfect = np.broadcast_to(np.where(van_dyke.positive, 5.0, 1.0), van_dyke.values.shape)
    found = analyse(replace(van_dyke, values=perfect))
    assert found.treatments[0].mean == 1
    assert {each.note for each in found.treatments[0].intervals.values()} == {
        "no interval: the ratings leave no variance"
    }


def test_one_class_missing_gives_a_reason(van_dyke):
    found = analyse(replace(van_dyke, positive=np.zeros(114, bool)))
    assert found.treatments == []
    assert "all readers (5) rated 0 positive and 114 negative cases" in found.reason


def test_an_interval_stays_on_the_scale(van_dyke):
    few = replace(van_dyke, cases=van_dyke.cases[60:80], positive=van_dyke.positive[60:80])
    for covariance in ("jackknife", "delong"):
        found = analyse(replace(few, values=van_dyke.values[:, :, 60:80]), covariance)
        assert all(each.intervals[BOTH].high <= 1 for each in found.treatments)


def test_an_unknown_covariance_is_refused(van_dyke):
    with pytest.raises(ValueError, match="expected one of jackknife, delong"):
        analyse(van_dyke, "bootstrap")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reader,treatment,case,truth\n", "no column 'rating'"),
        ("reader,treatment,case,truth,rating\n", "no ratings"),
        ("reader,treatment,case,truth,rating\na,x,1,2,3\n", "line 2.*truth must be 0 or 1"),
        ("reader,treatment,case,truth,rating\na,x,1,1,high\n", "rating a number"),
        ("reader,treatment,case,truth,rating\na,x,1,1,nan\n", "rating a number"),
        ("reader,treatment,case,truth,rating\na,x,1,1\n", "nothing empty"),
        ("reader,treatment,case,truth,rating\na,x,1,1,3\na,x,1,1,4\n", "rated case 1 twice"),
        ("reader,treatment,case,truth,rating\na,x,1,1,3\na,y,1,0,4\n", "both positive and negative"),
        ("", "no column 'reader'"),
        ("reader,treatment,case,truth,rating\n\udcff", "not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_no_reader_study_is_refused_in_one_sentence(tmp_path, text, message):
    path = tmp_path / "ratings.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RatingsError, match=message):
        read_ratings(path)

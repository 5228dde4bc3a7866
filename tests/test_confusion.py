"""Outcomes, certainty, the confusion table and its shares: counted again in plain steps, and the degenerate cases."""

import random
from dataclasses import asdict
from math import isnan

import pytest

from app.analysis.confusion import METRICS, Confusion, certainty, classify, confusion_by_observer, outcome, pooled
from app.analysis.table import ALL_OBSERVERS, COLUMNS, confusion_table

SHARES = [metric.name for metric in METRICS]


def answer(truth, rating, observer="A", kind="scored", **more):
    return {"observer": observer, "kind": kind, "truth": truth, "rating": rating, **more}


def random_rows(count=3000, seed=7):
    draw = random.Random(seed)
    return [answer(draw.choice(["real", "synthetic"]), draw.randint(1, 5), draw.choice("ABCDEF")) for _ in range(count)]


def recount(rows, truth, ratings):
    return sum(1 for row in rows if row["truth"] == truth and row["rating"] in ratings)


@pytest.mark.parametrize(
    ("truth", "rating", "result", "sure"),
    [
        ("synthetic", 5, "TP", "fully"),
        ("synthetic", 4, "TP", "partially"),
        ("synthetic", 3, "Unsure", "none"),
        ("synthetic", 2, "FN", "partially"),
        ("synthetic", 1, "FN", "fully"),
        ("real", 5, "FP", "fully"),
        ("real", 4, "FP", "partially"),
        ("real", 3, "Unsure", "none"),
        ("real", 2, "TN", "partially"),
        ("real", 1, "TN", "fully"),
    ],
)
def test_every_truth_and_rating_has_its_outcome_and_certainty(truth, rating, result, sure):
    assert (outcome(truth, rating), certainty(rating)) == (result, sure)
    assert classify(answer(truth, rating))["outcome"] == result


@pytest.mark.parametrize(("truth", "rating"), [("real", 7), ("real", 0), ("real", "5"), ("fake", 5), (None, 5)])
def test_a_truth_or_rating_that_there_is_not_is_refused(truth, rating):
    with pytest.raises(ValueError, match="expected real or synthetic and 1 to 5"):
        outcome(truth, rating)
    with pytest.raises(ValueError, match="expected"):
        confusion_by_observer([answer(truth, rating)])


def test_a_rating_that_there_is_not_has_no_certainty():
    with pytest.raises(ValueError, match="rating 6"):
        certainty(6)


def test_an_unrated_row_and_one_without_a_known_truth_get_no_outcome():
    assert classify(answer("real", None)) == {}
    assert classify(answer(None, 4)) == {"certainty": "partially", "label": "Probably fake", "outcome": None}


def test_counts_equal_a_plain_recount():
    rows = random_rows()
    for observer, confusion in confusion_by_observer(rows).items():
        own = [row for row in rows if row["observer"] == observer]
        assert asdict(confusion) == {
            "tp_fully_certain": recount(own, "synthetic", [5]),
            "tp_partially_certain": recount(own, "synthetic", [4]),
            "tn_fully_certain": recount(own, "real", [1]),
            "tn_partially_certain": recount(own, "real", [2]),
            "fp_fully_certain": recount(own, "real", [5]),
            "fp_partially_certain": recount(own, "real", [4]),
            "fn_fully_certain": recount(own, "synthetic", [1]),
            "fn_partially_certain": recount(own, "synthetic", [2]),
            "unsure_real": recount(own, "real", [3]),
            "unsure_fake": recount(own, "synthetic", [3]),
        }
        assert confusion.tp == recount(own, "synthetic", [4, 5])
        assert confusion.tn == recount(own, "real", [1, 2])
        assert confusion.fp == recount(own, "real", [4, 5])
        assert confusion.fn == recount(own, "synthetic", [1, 2])
        assert confusion.unsure == sum(1 for row in own if row["rating"] == 3)
        assert confusion.answered == len(own)


def test_shares_equal_a_plain_recount_each_with_its_denominator():
    rows = random_rows()
    confusion = pooled(confusion_by_observer(rows).values())
    called_fake, called_real = (4, 5), (1, 2)
    synthetic = [row["rating"] for row in rows if row["truth"] == "synthetic" and row["rating"] != 3]
    real = [row["rating"] for row in rows if row["truth"] == "real" and row["rating"] != 3]
    fake = [row["truth"] for row in rows if row["rating"] in called_fake]
    right = sum(rating in called_fake for rating in synthetic) + sum(rating in called_real for rating in real)
    expected = {
        "sensitivity": (sum(rating in called_fake for rating in synthetic), len(synthetic)),
        "specificity": (sum(rating in called_real for rating in real), len(real)),
        "precision": (fake.count("synthetic"), len(fake)),
        "accuracy_excluding_unsure": (right, len(synthetic) + len(real)),
        "accuracy_unsure_counted_wrong": (right, len(rows)),
    }
    assert confusion.rates == expected
    for name, (hits, n) in expected.items():
        assert getattr(confusion, name) == hits / n


def test_the_metrics_described_are_the_shares_computed():
    assert list(Confusion().rates) == SHARES


def test_no_answers_are_not_estimable():
    assert all(rate.value is None and rate.n == 0 for rate in Confusion().rates.values())
    assert confusion_by_observer([]) == {}
    assert pooled([]) == Confusion()


def test_only_unsure_ratings_leave_just_the_accuracy_that_counts_them_wrong():
    confusion = confusion_by_observer([answer("real", 3), answer("synthetic", 3), answer("real", 3)])["A"]
    assert (confusion.unsure_real, confusion.unsure_fake, confusion.answered) == (2, 1, 3)
    assert confusion.accuracy_unsure_counted_wrong == 0
    assert [getattr(confusion, name) for name in SHARES[:4]] == [None] * 4


def test_without_synthetic_images_sensitivity_is_not_estimable():
    confusion = confusion_by_observer([answer("real", 1), answer("real", 5)])["A"]
    assert confusion.sensitivity is None
    assert (confusion.specificity, confusion.precision, confusion.accuracy_excluding_unsure) == (0.5, 0, 0.5)


def test_without_real_images_specificity_is_not_estimable():
    confusion = confusion_by_observer([answer("synthetic", 4), answer("synthetic", 2)])["A"]
    assert confusion.specificity is None
    assert (confusion.sensitivity, confusion.precision) == (0.5, 1)


def test_warm_up_and_unrated_rows_never_count():
    rows = [answer("real", 1, kind="practice"), answer("real", None), answer("real", 2)]
    assert confusion_by_observer(rows)["A"] == Confusion(tn_partially_certain=1)


def test_an_observer_with_a_warm_up_alone_is_listed_with_zeros():
    assert confusion_by_observer([answer("real", 1, kind="practice")]) == {"A": Confusion()}


def test_simulated_observers_are_left_out_unless_asked_for():
    rows = [answer("real", 1), answer("real", 1, observer="Robot", simulated=True)]
    assert list(confusion_by_observer(rows)) == ["A"]
    assert list(confusion_by_observer(rows, include_simulated=True)) == ["A", "Robot"]
    assert confusion_table(rows)[-1]["answered"] == 1
    assert confusion_table(rows, include_simulated=True)[-1]["answered"] == 2


def test_a_simulated_observer_is_left_out_of_the_table_although_its_progress_is_known():
    rows = [answer("real", 1), answer("real", 1, observer="Robot", simulated=True)]
    table = confusion_table(rows, {"Robot": True, "A": False})
    assert [row["observer"] for row in table] == ["A", ALL_OBSERVERS]


def test_observers_stand_in_the_order_of_their_first_answer():
    rows = [answer("real", 1, observer=name) for name in ("Zoë", "=cmd()", "a/b", "Zoë")]
    assert list(confusion_by_observer(rows)) == ["Zoë", "=cmd()", "a/b"]


def test_pooling_weighs_every_answer_the_same():
    rows = [answer("real", 1)] + [answer("real", 5, observer="B")] * 3
    assert confusion_table(rows)[-1]["specificity"] == 0.25


def test_one_observer_pooled_is_that_observer():
    own, together = confusion_table(random_rows()[:1], {})
    assert {**own, "observer": ALL_OBSERVERS} == together


def test_the_table_has_the_described_columns_and_never_a_nan():
    for rows in ([], [answer("real", 3)], random_rows()):
        for row in confusion_table(rows):
            assert list(row) == [column.name for column in COLUMNS]
            assert not any(isinstance(value, float) and isnan(value) for value in row.values())


def test_the_table_lists_those_who_have_not_begun_and_says_who_has_finished():
    table = confusion_table([answer("real", 1, observer="B")], {"A": False, "B": True})
    assert [(row["observer"], row["finished"], row["answered"]) for row in table] == [
        ("A", False, 0),
        ("B", True, 1),
        (ALL_OBSERVERS, False, 1),
    ]


def test_all_have_finished_only_if_that_is_known_of_each():
    rows = [answer("real", 1), answer("real", 1, observer="B")]
    assert confusion_table(rows, {"A": True, "B": True})[-1]["finished"] is True
    assert confusion_table(rows, {"A": True})[-1]["finished"] is None
    assert confusion_table([])[-1]["finished"] is None

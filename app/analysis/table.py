"""The confusion table, one row an observer and one for all together: what pages, CSV and workbook show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .confusion import METRICS, Confusion, confusion_by_observer, pooled

ALL_OBSERVERS = "All observers"
MACHINE_RULE = "it learned from the study's truth, and is in no number of the people's."
OUTCOMES = {
    "tp": "synthetic images called fake",
    "tn": "real images called real",
    "fp": "real images called fake",
    "fn": "synthetic images called real",
}


@dataclass(frozen=True)
class Column:
    """One column of the confusion table. `group` heads the columns that belong together (empty: none).

    `kind` is text, flag, integer (a count of answers) or number (a share from 0 to 1).
    """

    name: str
    group: str
    title: str
    kind: str
    description: str


def _outcome_columns(name: str, meaning: str) -> list[Column]:
    group = name.upper()
    return [
        Column(name, group, "Total", "integer", f"{group}: {meaning}."),
        Column(f"{name}_fully_certain", group, "Fully certain", "integer", f"{group} rated 'Definitely'."),
        Column(f"{name}_partially_certain", group, "Partially certain", "integer", f"{group} rated 'Probably'."),
    ]


def _metric_columns() -> list[Column]:
    columns = []
    for metric in METRICS:
        description = f"{metric.formula}. {metric.meaning} Empty where n is 0: not estimable."
        columns.append(Column(metric.name, metric.title, "Value", "number", description))
        columns.append(Column(f"{metric.name}_n", metric.title, "n", "integer", f"Denominator of {metric.name}."))
    return columns


COLUMNS = [
    Column(
        "observer",
        "",
        "Observer",
        "text",
        f"The observer's name. The row {ALL_OBSERVERS!r} adds up the counts of the rows above, so that every answer "
        f"weighs the same. Below it stands the machine observer, if one took the study: {MACHINE_RULE}",
    ),
    Column(
        "finished",
        "",
        "Finished",
        "flag",
        "True if the observer has rated every image of the study; in the last row, if all observers have. "
        "Empty where not known.",
    ),
    Column("answered", "", "Answered", "integer", "Scored images rated, the Unsure ones among them."),
    *(column for name, meaning in OUTCOMES.items() for column in _outcome_columns(name, meaning)),
    Column("unsure", "Unsure", "Total", "integer", "Images rated Unsure."),
    Column("unsure_real", "Unsure", "Real", "integer", "Real images rated Unsure."),
    Column("unsure_fake", "Unsure", "Fake", "integer", "Synthetic images rated Unsure."),
    *_metric_columns(),
]


def confusion_table(
    rows: Iterable[Mapping], finished: Mapping[str, bool] | None = None, *, include_simulated: bool = False
) -> list[dict]:
    """The confusion table: a dict an observer with the names of COLUMNS, and last the one for all observers together.

    `finished` says of each observer whether the session is complete; who is in it is listed first and in its order,
    without any answer too. Shares are 0 to 1, or None where not estimable; `finished` is None where not known.
    Simulated observers are left out unless `include_simulated`.
    """
    rows = list(rows)
    finished = finished or {}
    counted = confusion_by_observer(rows, include_simulated=include_simulated)
    left_out = {row["observer"] for row in rows} - set(counted)
    observers = [name for name in dict.fromkeys([*finished, *counted]) if name not in left_out]
    states = [finished.get(name) for name in observers]
    table = [
        _table_row(name, state, counted.get(name, Confusion())) for name, state in zip(observers, states, strict=True)
    ]
    all_finished = all(states) if states and None not in states else None
    return [*table, _table_row(ALL_OBSERVERS, all_finished, pooled(counted.values()))]


def _table_row(observer: str, finished: bool | None, confusion: Confusion) -> dict:
    row = {"observer": observer, "finished": finished}
    for name, rate in confusion.rates.items():
        row |= {name: rate.value, f"{name}_n": rate.n}
    names = [column.name for column in COLUMNS]
    # What is not in the row yet is a count: an attribute of the same name.
    return {name: row[name] if name in row else getattr(confusion, name) for name in names}

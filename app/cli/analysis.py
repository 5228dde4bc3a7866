"""Commands that analyse reader studies and plan them."""

import json

import click
from flask import current_app

from ..audit import note
from ..web import records
from .common import FILE, bar, include_simulated_option, out_option, told


@click.command("analyse-ratings")
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@told
def analyse_ratings(file, as_json):
    """Analyse any reader study: FILE is a CSV with the columns reader, treatment, case, truth, rating.

    truth is 1 (positive) or 0, rating any number, higher for positive. Gives each reader's AUC, the mean AUC of each
    treatment and their comparison after Obuchowski and Rockette with Hillis' degrees of freedom.
    """
    from ..analysis.mrmc_text import ratings_document, ratings_lines
    from ..analysis.ratings import read_ratings

    _echo(ratings_document(read_ratings(file)), ratings_lines, as_json)


@click.command("plan-study")
@click.option("--observers", type=int, required=True, help="How many observers.")
@click.option("--images", type=int, required=True, help="How many images, half real and half synthetic.")
@click.option("--auc", type=float, required=True, help="The observers' expected area under the ROC curve.")
@click.option(
    "--spread", type=float, default=0.05, show_default=True, help="Standard deviation of it between observers."
)
@click.option("--against", type=float, default=0.5, show_default=True, help="The area to show a difference from.")
@click.option("--simulations", type=int, default=500, show_default=True, help="How many studies to simulate.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@told
def plan_study(observers, images, auc, as_json, **settings):
    """Tell how wide a study's interval would be and how likely it shows what it should, by simulation."""
    from ..analysis.mrmc_text import plan_lines
    from ..analysis.planning import plan_study as run

    with bar(max(settings["simulations"], 0), "Simulating") as progress:
        plan = run(observers, images, auc, **settings, progress=lambda: progress.update(1))
    _echo(plan, plan_lines, as_json)


@click.command("report")
@click.argument("study")
@out_option("report")
@include_simulated_option
@told
def report(study, out, include_simulated):
    """Write the report of STUDY: one HTML page with all tables and figures, and each figure as SVG and PNG."""
    from ..analysis.report import write_report
    from ..reports import report_parts

    data = current_app.config["QUIZ_DATA"]
    parts = report_parts(records(), records().study(study), data, include_simulated)
    written = write_report(out, *parts)
    note("report", study)
    click.echo(f"{out}: " + ", ".join(sorted(path.name for path in written.iterdir())))


@click.command("compare-studies")
@click.argument("study")
@click.argument("other")
@include_simulated_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@told
def compare_studies(study, other, include_simulated, as_json):
    """Compare the mean AUC of STUDY and OTHER over the observers who finished both.

    An image that came from the same file of the same pool counts as the same case.
    """
    from ..analysis.mrmc_text import ratings_document, ratings_lines
    from ..reports import compared_ratings

    ratings = compared_ratings(records(), [records().study(name) for name in (study, other)], include_simulated)
    _echo(ratings_document(ratings), ratings_lines, as_json)


def _echo(document, lines, as_json: bool) -> None:
    from ..analysis.estimate import plain

    click.echo(json.dumps(plain(document), indent=2, allow_nan=False) if as_json else "\n".join(lines(document)))


COMMANDS = (analyse_ratings, compare_studies, plan_study, report)

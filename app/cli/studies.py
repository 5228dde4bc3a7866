"""Commands that make studies, invite observers, and get results in and out."""

import click
from flask import current_app

from ..audit import note
from ..study import Protocol
from ..web import now, records
from .common import FILE, bar, include_simulated_option, out_option, told
from .protocol import given, own_texts, protocol_options


@click.command("create-study")
@click.argument("name")
@click.option("--real", required=True, metavar="POOL", help="Pool of real images.")
@click.option("--synthetic", required=True, metavar="POOL", help="Pool of synthetic images.")
@click.option("--images", type=int, help="How many images, half of each. [200]")
@click.option("--practice", type=int, help="Practice trials after the warm-up, with images that the study leaves. [0]")
@click.option("--seed", type=int, help="Seed of the choice and the order of images. [0]")
@protocol_options
@told
def create_study(name, real, synthetic, texts, **settings):
    """Create the study NAME from two pools; its protocol is frozen when the first observer begins."""
    from ..creation import create_study as run

    protocol = Protocol(name=name, texts=own_texts(texts), **given(settings))
    with bar(protocol.images + protocol.practice + 1, "Encoding") as progress:
        study = run(
            records(), current_app.config["QUIZ_DATA"], protocol, real, synthetic, now(), lambda: progress.update(1)
        )
    click.echo(f"Study {study.name}: {len(study.images)} images, {protocol.viewing_seconds:g} s each.")
    click.echo(f"Next: flask invite {study.name} --observer NAME")


@click.command("edit-study")
@click.argument("name")
@protocol_options
@told
def edit_study(name, texts, **settings):
    """Change settings of the study NAME, as long as no observer has begun it."""
    changes = given(settings) | ({"texts": own} if (own := own_texts(texts)) else {})
    if not changes:
        raise click.ClickException("Nothing to change: give at least one option, as in --viewing-seconds 15.")
    records().edit_study(name, changes)
    note("edit-study", name)
    click.echo(f"Study {name}: changed {', '.join(sorted(changes))}.")


@click.command("invite")
@click.argument("study")
@click.option(
    "--observer", "observers", multiple=True, required=True, help="An observer's name; may be given several times."
)
@click.option(
    "--new-link",
    is_flag=True,
    help="Replace the link of an observer who was invited before; the old one stops working.",
)
@click.option(
    "--base-url",
    envvar="PUBLIC_URL",
    default="http://127.0.0.1:8050",
    show_default=True,
    help="Where observers reach the quiz; also PUBLIC_URL.",
)
@told
def invite(study, observers, new_link, base_url):
    """Print a personal link for each observer of STUDY. An observer invited before keeps the same link."""
    found = records().study(study)
    for observer in observers:
        session, new = records().invite(found, observer, now())
        if new:
            note("invite", study, session["id"])
        if new_link and not new:
            session = records().replace_link(study, session["id"])
            note("new-link", study, session["id"])
        click.echo(f"{session['observer']}\t{base_url.rstrip('/')}/quiz/{records().token(session)}")


@click.command("export")
@click.argument("study")
@out_option("export")
@include_simulated_option
@click.option("--images", is_flag=True, help="Copy the images too, sorted by how most observers called them.")
@told
def export(study, out, include_simulated, images):
    """Write answers, statistics, confusion tables, data dictionary and protocol of STUDY to a folder."""
    from ..analysis.export import write_export
    from ..answers import export_parts
    from ..reports import images_by_outcome

    found = records().study(study)
    parts = export_parts(records(), found, include_simulated)
    source = current_app.config["QUIZ_DATA"] / "studies" / found.folder
    pictures = images_by_outcome(source, parts[1], include_simulated) if images else None
    folder = write_export(out, *parts, include_simulated=include_simulated, images=pictures)
    note("export", study)
    click.echo(f"{folder}: " + ", ".join(sorted(path.name for path in folder.iterdir())))


@click.command("import-answers")
@click.argument("study")
@click.option("--answers", type=FILE, required=True, help="The original quiz's submissions.csv.")
@click.option("--labels", type=FILE, required=True, help="The original quiz's image_labels.csv.")
@told
def import_answers(study, answers, labels):
    """Make the finished study STUDY out of the original quiz's two files."""
    from ..creation import import_answers as run

    click.echo("\n".join(run(records(), current_app.config["QUIZ_DATA"], study, answers, labels, now()).report.lines()))


COMMANDS = (create_study, edit_study, invite, export, import_answers)

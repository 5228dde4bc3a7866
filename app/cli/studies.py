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
@click.option(
    "--trim",
    metavar="auto|T,L,B,R",
    help="Cut the same black or white border from all images: the widest there is, or so many pixels of 1024x512.",
)
@click.option("--mask-margins", type=int, default=0, metavar="N", help="Blacken N pixels on all sides of all images.")
@click.option("--match-histogram", is_flag=True, help="Give all images the same histogram, the mean of all.")
@protocol_options
@told
def create_study(name, real, synthetic, texts, trim, mask_margins, match_histogram, **settings):
    """Create the study NAME from two pools; its protocol is frozen when the first observer begins."""
    from ..blinding.preparation import Preparation, read_trim
    from ..creation import create_study as run

    protocol = Protocol(name=name, texts=own_texts(texts), **given(settings))
    wanted = Preparation(read_trim(trim), mask_margins, match_histogram)
    total = (protocol.images + protocol.practice + 1) * (1 + wanted.passes)
    data, report = current_app.config["QUIZ_DATA"], lambda: progress.update(1)
    with bar(total, "Encoding") as progress:
        study = run(records(), data, protocol, real, synthetic, now(), report, wanted)
    click.echo(f"Study {study.name}: {len(study.images)} images, {protocol.viewing_seconds:g} s each.")
    for line in _prepared(study):
        click.echo(line)
    click.echo(f"Next: flask invite {study.name} --observer NAME")


def _prepared(study) -> list[str]:
    """What was done to all images besides encoding them, in words."""
    done = next(iter(study.pools.values())).get("preparation", {})
    top, left, bottom, right = cut = done.get("trim", [0] * 4)
    return [
        *([f"Cut from all: top {top}, left {left}, bottom {bottom}, right {right} px."] if any(cut) else []),
        *([f"Blackened in all: {done['mask_margins']} px on each side."] if done.get("mask_margins") else []),
        *(["All have the same histogram."] if done.get("match_histogram") else []),
    ]


@click.command("audit-study")
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@told
def audit_study(study, as_json):
    """Tell whether anything but the picture gives away which images of STUDY are synthetic, and what removes it."""
    import json

    from ..blinding import text
    from ..blinding.audit import audit_images
    from ..blinding.serving import served_images

    found = records().study(study)
    with bar(len(found.images), "Measuring") as progress:
        audit = audit_images(served_images(current_app, found), found.images, lambda: progress.update(1))
    click.echo(json.dumps(text.as_json(study, audit), indent=2) if as_json else text.as_text(study, audit))
    note("audit-study", study)


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
    from ..machine import machine_rows
    from ..reports import images_by_outcome, study_parts

    found, data = records().study(study), current_app.config["QUIZ_DATA"]
    parts = study_parts(records(), found, data, include_simulated)
    pictures = images_by_outcome(data / "studies" / found.folder, parts[1], include_simulated) if images else None
    machine = machine_rows(data, found)
    folder = write_export(out, *parts, include_simulated=include_simulated, machine_rows=machine, images=pictures)
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


COMMANDS = (create_study, audit_study, edit_study, invite, export, import_answers)

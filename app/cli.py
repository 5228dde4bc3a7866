"""The `flask …` commands: thin, each a call into a room that can be used without it."""

import sys
import tomllib
from contextlib import nullcontext
from functools import wraps
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from .store import StoreError
from .study import ORDERS, TEXTS, TRUTHS, Protocol, StudyError
from .web import now, records

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def init_app(app: Flask) -> None:
    for command in (
        import_pool,
        render_phantoms,
        create_study,
        edit_study,
        invite,
        export,
        import_answers,
        simulate,
        demo,
        serve,
    ):
        app.cli.add_command(command)


def told(command):
    """Errors that a user can cause end the command with their one sentence."""

    @with_appcontext
    @wraps(command)
    def telling(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (StudyError, StoreError, *_room_errors()) as error:
            raise click.ClickException(str(error)) from error

    return telling


def _room_errors() -> list[type[Exception]]:
    from .analysis.export import ExportError
    from .analysis.legacy import LegacyError
    from .pools import PoolError
    from .serving import ServingError
    from .simulate import SimulationError

    return [ExportError, LegacyError, PoolError, ServingError, SimulationError]


def bar(length: int, label: str):
    """A progress bar that leaves standard output to the results."""
    return click.progressbar(length=length, label=label, file=sys.stderr, show_pos=True)


@click.command("import-pool")
@click.argument("name")
@click.argument("folder", type=FOLDER)
@click.option("--truth", type=click.Choice(TRUTHS), required=True, help="What all the images are.")
@click.option("--about", help="One sentence on where the images come from.")
@told
def import_pool(name, folder, truth, about):
    """Import the images in FOLDER (PNG, JPEG, TIFF, WebP, DICOM) as the pool NAME."""
    from .pools import find_files
    from .pools import import_pool as run

    with bar(len(find_files(folder)), "Importing") as progress:
        report = run(current_app.config["QUIZ_DATA"] / "pools", name, folder, truth, about, lambda: progress.update(1))
    click.echo(report)


@click.command("render-phantoms")
@click.argument("name")
@click.option("--count", type=int, required=True, help="How many images.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--look",
    default="aria",
    show_default=True,
    help="The device family to imitate; a wrong name lists those there are.",
)
@click.option(
    "--truth",
    type=click.Choice(TRUTHS),
    default="synthetic",
    show_default=True,
    help="The side that the phantoms stand for.",
)
@click.option("--quality", type=int, help="Write lossy WebP of this quality (1 to 100) instead of PNG.")
@told
def render_phantoms(name, count, seed, look, truth, quality):
    """Render simulated radiographs (phantoms) as the pool NAME; started again, it goes on where it was stopped."""
    try:
        from generator.phantom.pool import PhantomError, render_pool
    except ImportError as error:
        raise click.ClickException(
            "This needs the generator's packages: pip install -r requirements/generator.txt"
        ) from error
    about = f"Phantoms: radiographs simulated from a made-up anatomy, with the look {look}. No patient was X-rayed."
    pools = current_app.config["QUIZ_DATA"] / "pools"
    try:
        with bar(count, "Rendering") as progress:
            folder = render_pool(
                pools,
                name,
                truth,
                about,
                count,
                seed,
                look,
                quality=quality,
                progress=lambda done, _: progress.update(done - progress.pos),
            )
    except PhantomError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Pool {name}: {count} phantoms in {folder}")


def _read_settings(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Take a TOML file's values as the defaults of the options of the same names."""
    if path is None:
        return
    try:
        settings = {key.replace("-", "_"): value for key, value in tomllib.loads(path.read_text()).items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} is not TOML: {error}.") from error
    known = {option.name for option in context.command.params if isinstance(option, click.Option)} - {"settings"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise click.BadParameter(
            f"{path} sets {', '.join(unknown)}, which this command does not know. It knows: {', '.join(sorted(known))}."
        )
    texts = settings.pop("texts", None)
    if isinstance(texts, dict):
        context.meta["texts"] = texts
    elif texts is not None:
        settings["texts"] = str(path.parent / texts)
    context.default_map = {**(context.default_map or {}), **settings}


PROTOCOL_OPTIONS = [
    click.option("--repeats", type=int, help="So many images are shown a second time, at least 30 trials later. [0]"),
    click.option(
        "--practice-feedback/--no-practice-feedback", default=None, help="Tell the truth after practice. [yes]"
    ),
    click.option("--title", help="What observers see as the quiz's title."),
    click.option("--viewing-seconds", type=float, help="How long each image is on screen. [13]"),
    click.option("--break-every", type=int, help="Offer a break after so many images; 0 for none. [25]"),
    click.option("--break-seconds", type=int, help="Suggested length of a break. [30]"),
    click.option("--long-break-seconds", type=int, help="Suggested length of the break halfway. [120]"),
    click.option(
        "--order", type=click.Choice(ORDERS), help="A random order for each observer, or one fixed order. [random]"
    ),
    click.option("--warm-up-seconds", type=float, help="How long the warm-up image is on screen. [600]"),
    click.option(
        "--profile/--no-profile", default=None, help="Ask observers for role, specialty and experience. [yes]"
    ),
    click.option(
        "--show-results/--no-show-results", default=None, help="Show observers their own results at the end. [no]"
    ),
    click.option(
        "--pause-when-hidden/--no-pause-when-hidden",
        default=None,
        help="Hide the image and stop the clock while the page is not in front. [no]",
    ),
    click.option(
        "--texts",
        type=FOLDER,
        help=f"A folder with the study's own texts in Markdown: {', '.join(f'{name}.md' for name in TEXTS)}.",
    ),
    click.option(
        "--settings",
        type=FILE,
        callback=_read_settings,
        is_eager=True,
        expose_value=False,
        help="A TOML file with any of these options.",
    ),
]


def protocol_options(command):
    for option in reversed(PROTOCOL_OPTIONS):
        command = option(command)
    return command


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
    from .creation import create_study as run

    protocol = Protocol(name=name, texts=_texts(texts), **_given(settings))
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
    changes = _given(settings) | ({"texts": own} if (own := _texts(texts)) else {})
    if not changes:
        raise click.ClickException("Nothing to change: give at least one option, as in --viewing-seconds 15.")
    records().edit_study(name, changes)
    click.echo(f"Study {name}: changed {', '.join(sorted(changes))}.")


def _given(settings: dict) -> dict:
    return {name: value for name, value in settings.items() if value is not None}


def _texts(folder: Path | None) -> dict[str, str]:
    """The study's own texts: from the folder if one is given, else from the settings file's table."""
    if folder is None:
        return click.get_current_context().meta.get("texts", {})
    texts = {name: (folder / f"{name}.md").read_text() for name in TEXTS if (folder / f"{name}.md").exists()}
    if not texts:
        raise StudyError(f"{folder} has none of {', '.join(f'{name}.md' for name in TEXTS)}.")
    return texts


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
        if new_link and not new:
            session = records().replace_link(study, session["id"])
        click.echo(f"{session['observer']}\t{base_url.rstrip('/')}/quiz/{records().token(session)}")


@click.command("export")
@click.argument("study")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write; an earlier export in it is replaced.",
)
@click.option("--include-simulated", is_flag=True, help="Take simulated observers in.")
@told
def export(study, out, include_simulated):
    """Write answers, data dictionary, confusion tables (CSV, XLSX) and protocol of STUDY to a folder."""
    from .analysis.export import write_export
    from .answers import export_parts

    parts = export_parts(records(), records().study(study), include_simulated)
    write_export(out, *parts, include_simulated=include_simulated)
    click.echo(f"{out}: " + ", ".join(sorted(path.name for path in out.iterdir())))


@click.command("import-answers")
@click.argument("study")
@click.option("--answers", type=FILE, required=True, help="The original quiz's submissions.csv.")
@click.option("--labels", type=FILE, required=True, help="The original quiz's image_labels.csv.")
@told
def import_answers(study, answers, labels):
    """Make the finished study STUDY out of the original quiz's two files."""
    from .creation import import_answers as run

    click.echo("\n".join(run(records(), study, answers, labels, now()).report.lines()))


@click.command("simulate")
@click.argument("study")
@click.option("--observers", type=click.IntRange(1, 500), default=6, show_default=True, help="How many.")
@click.option("--skill", type=float, default=0.7, show_default=True, help="Their expected area under the ROC curve.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--think", is_flag=True, help="Take human times instead of only reporting them.")
@click.option("--url", help="The server to play against; without it, one is started for the time.")
@told
def simulate(study, observers, skill, seed, think, url):
    """Let simulated observers play STUDY over HTTP, to rehearse it. They begin it as real ones do: it is frozen then.

    They are marked as simulated and left out of results. Give the rehearsal a study of its own.
    """
    from .serving import temporary_server
    from .simulate import check_skill
    from .simulate import simulate as run

    check_skill(skill)
    found = records().study(study)
    sessions = [records().invite(found, f"Simulated {i + 1}", now(), simulated=True)[0] for i in range(observers)]
    truths = {name: image["truth"] for name, image in {**found.practice, **found.images}.items()}
    left = sum(len(found.trials("")) - records().position(session).index for session in sessions)
    with nullcontext(url) if url else temporary_server() as base, bar(left, "Simulating") as progress:
        addresses = {session["observer"]: f"{base.rstrip('/')}/quiz/{records().token(session)}" for session in sessions}
        run(addresses, truths, skill, seed, think, lambda: progress.update(1))
    click.echo(f"Study {study}: {observers} simulated observers, {left} ratings.")


PORT = click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8050, show_default=True)


@click.command("serve")
@PORT
@told
def serve(port):
    """Serve the quiz with gunicorn on 127.0.0.1."""
    from .serving import require_free_port, run_gunicorn

    require_free_port(port)
    run_gunicorn(port)


@click.command("demo")
@PORT
@told
def demo(port):
    """Build the demo study if there is none, say how to reach it, and serve it."""
    from .serving import require_free_port, run_gunicorn

    require_free_port(port)
    session = prepare_demo()
    click.echo(f"""
  Observer    http://127.0.0.1:{port}/quiz/{records().token(session)}
  Researcher  http://127.0.0.1:{port}/research/
              password {current_app.config["RESEARCH_PASSWORD"]}

Stop with Ctrl-C. Started again, it goes on where it was.""")
    run_gunicorn(port)


def prepare_demo() -> dict:
    """The session of the demo study's observer, both made if they are not there."""
    from .creation import create_study as run

    protocol = Protocol(name="demo", title="Real or synthetic? (demo with phantoms)", show_results=True)
    try:
        study = records().study(protocol.name)
    except StudyError:
        with bar(protocol.images + 1, "Building the demo study") as progress:
            study = run(
                records(),
                current_app.config["QUIZ_DATA"],
                protocol,
                "demo-real",
                "demo-synthetic",
                now(),
                lambda: progress.update(1),
            )
    return records().invite(study, "Demo observer", now())[0]

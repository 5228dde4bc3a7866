"""Commands that serve the quiz and play it."""

import os
from contextlib import nullcontext
from functools import partial

import click
from flask import current_app

from ..study import Protocol, StudyError
from ..web import now, records
from .common import bar, told

PORT = click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", default=8050, show_default=True)


@click.command("serve")
@PORT
@click.option("--public", is_flag=True, help="Also under a public address, by ngrok; needs NGROK_AUTHTOKEN.")
@told
def serve(port, public):
    """Serve the quiz with gunicorn on 127.0.0.1."""
    from ..serving import require_free_port, run_gunicorn

    if public:
        from ..public import serve_publicly

        serve_publicly(port, partial(announce, port), click.echo)
        return
    require_free_port(port)
    run_gunicorn(port)


def announce(port: int, address: str) -> None:
    """Print every observer's link at the public address, and where the researcher goes."""
    click.echo(f"The quiz is public at {address} until you press Ctrl-C.\n")
    for study in records().studies():
        for session in () if study.imported else records().sessions(study.name):
            if not (session["simulated"] or session.get("erased_at")):
                click.echo(f"{study.name}\t{session['observer']}\t{address}/quiz/{records().token(session)}")
    click.echo(f"\nInvite observers and see their progress at http://127.0.0.1:{port}/research/")


@click.command("demo")
@PORT
@told
def demo(port):
    """Build the demo study if there is none, say how to reach it, and serve it."""
    from ..serving import require_free_port, run_gunicorn

    require_free_port(port)
    session = prepare_demo()
    click.echo(f"""
  Observer    http://127.0.0.1:{port}/quiz/{records().token(session)}
  Researcher  http://127.0.0.1:{port}/research/
              password {current_app.config["RESEARCH_PASSWORD"]}

Stop with Ctrl-C. Started again, it goes on where it was.""")
    os.environ.setdefault("LOG_LEVEL", "warning")  # what was just said should stay in sight
    run_gunicorn(port)


def prepare_demo() -> dict:
    """The session of the demo study's observer, both made if they are not there."""
    from ..creation import create_study as run

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
    from ..serving import temporary_server
    from ..simulate import check_skill
    from ..simulate import simulate as run

    check_skill(skill)
    found = records().study(study)
    sessions = [records().invite(found, f"Simulated {i + 1}", now(), simulated=True)[0] for i in range(observers)]
    truths = {name: image["truth"] for name, image in {**found.practice, **found.images}.items()}
    left = sum(len(found.trials("")) - records().position(session).index for session in sessions)
    with nullcontext(url) if url else temporary_server() as base, bar(left, "Simulating") as progress:
        addresses = {session["observer"]: f"{base.rstrip('/')}/quiz/{records().token(session)}" for session in sessions}
        run(addresses, truths, skill, seed, think, lambda: progress.update(1))
    click.echo(f"Study {study}: {observers} simulated observers, {left} ratings.")


COMMANDS = (serve, demo, simulate)

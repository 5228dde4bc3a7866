"""The observer's pages and their calls, as `docs/http.md` describes them."""

import json
import re

from flask import Blueprint, current_app, g, redirect, render_template, request, send_from_directory

from .analysis.confusion import Confusion, confusion_by_observer
from .replies import CallError
from .study import RATINGS, ROLES, check_profile, stage
from .turns import open_link
from .web import now, records, text

bp = Blueprint("observer", __name__)
YEAR_SECONDS = 365 * 24 * 3600
IMAGE_NAME = re.compile(r"[0-9a-f]{32}\.webp")


@bp.url_value_preprocessor
def find_session(endpoint, values):
    """Turn the link token of the address into the study and session it opens."""
    token = (values or {}).pop("token", None)
    if token is None:
        return
    g.token, g.url = token, f"/quiz/{token}"
    g.study, g.session = open_link(records(), token)


@bp.get("/")
def home():
    return render_template(
        "message.html",
        title="PanoDiff Quiz",
        message="To take the quiz, open the personal link that the researcher sent you.",
    )


# Pages


@bp.get("/quiz/<token>")
def page():
    """The page that the session has come to."""
    return PAGES[stage(g.session, g.study.protocol)]()


def welcome_page(error: str | None = None):
    texts = g.study.protocol.texts
    return _render(
        "welcome",
        welcome_html=text("welcome", texts.get("welcome")),
        consent_html=text("consent", texts.get("consent")),
        error=error,
    )


def profile_page(values=None, errors=None):
    return _render("profile", roles=list(ROLES.items()), values=values or {}, errors=errors or {})


def instructions_page():
    protocol = g.study.protocol
    return _render(
        "instructions",
        instructions_html=text("instructions", protocol.texts.get("instructions")),
        viewing_seconds=f"{protocol.viewing_seconds:g}",
        break_every=protocol.break_every,
        scored_total=g.study.scored_total,
        scale=list(RATINGS.items()),
    )


def trials_page():
    if records().progress(g.study, g.session)["finished"]:
        return done_page()
    return _render("trials", scale=list(RATINGS.items()))


def done_page():
    protocol = g.study.protocol
    return _render(
        "done",
        thanks_html=text("thanks", protocol.texts.get("thanks")),
        results=_own_results() if protocol.show_results else None,
    )


PAGES = {"welcome": welcome_page, "profile": profile_page, "instructions": instructions_page, "trials": trials_page}


@bp.post("/quiz/<token>/consent")
def consent():
    if request.form.get("agree") != "yes":
        return welcome_page("Please tick the box if you agree to take part."), 400
    records().freeze(g.study.name, now())
    records().set_once(g.session, consented_at=now())
    return redirect(g.url, 303)


@bp.post("/quiz/<token>/profile")
def profile():
    if not g.session.get("consented_at"):
        return redirect(g.url, 303)
    values, errors = check_profile(request.form)
    if errors:
        return profile_page(request.form, errors), 400
    records().set_once(g.session, profile=values)
    return redirect(g.url, 303)


@bp.post("/quiz/<token>/start")
def start():
    if stage(g.session, g.study.protocol) == "instructions":
        records().set_once(g.session, started_at=now(), display=_display(request.form.get("display", "")))
    return redirect(g.url, 303)


@bp.get("/images/<folder>/<name>")
def image(folder: str, name: str):
    """A study image. Its random name is what grants access; it never changes, so it may be cached for good."""
    if not (re.fullmatch(r"[0-9a-f]{16}", folder) and IMAGE_NAME.fullmatch(name)):
        raise CallError(404, "not-found", "There is no such image.")
    response = send_from_directory(
        current_app.config["QUIZ_DATA"] / "studies" / folder, name, mimetype="image/webp", max_age=YEAR_SECONDS
    )
    response.cache_control.immutable = True
    response.cache_control.public = None
    response.cache_control.private = True
    # The time of the file says nothing about the image, but nobody needs it either; nor a date beside a maximal age.
    for needless in ("Last-Modified", "Expires"):
        response.headers.pop(needless, None)
    return response


# Calls, which seldom come this far (see `calls.py`)


@bp.get("/quiz/<token>/state")
def state():
    return current_app.extensions["calls"].answering("state", g.token)


@bp.post("/quiz/<token>/trials/<int:index>/shown")
def shown(index: int):
    return current_app.extensions["calls"].answering("shown", g.token, index)


@bp.put("/quiz/<token>/trials/<int:index>")
def rate(index: int):
    return current_app.extensions["calls"].answering("rate", g.token, index)


def _display(sent: str) -> dict:
    """What the display check found: numbers, flags and short texts under short names; anything else is dropped."""
    try:
        found = json.loads(sent[:4000])
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {_plain(name)[:40]: _plain(value) for name, value in list(found.items())[:30] if _keepable(value)}


def _keepable(value: object) -> bool:
    """Whether a value can be stored and exported as it is: no NaN, no infinity, no number too large."""
    return isinstance(value, str) or (isinstance(value, int | float) and -(2**53) <= value <= 2**53)


def _plain(value: object) -> object:
    """A text without what UTF-8 cannot hold, at most 200 characters long; anything else as it is."""
    return value.encode("utf-8", "replace").decode()[:200] if isinstance(value, str) else value


def _own_results() -> dict:
    counted = confusion_by_observer(records().rows_of(g.study, g.session), include_simulated=True)
    confusion = counted.get(g.session["observer"], Confusion())
    return {
        "accuracy": confusion.accuracy_excluding_unsure,
        "correct": confusion.tp + confusion.tn,
        "wrong": confusion.fp + confusion.fn,
        "unsure": confusion.unsure,
        "rated": confusion.answered,
    }


def _render(name: str, **values):
    return render_template(f"quiz/{name}.html", study=g.study.protocol, quiz_url=g.url, **values)

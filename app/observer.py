"""The observer's pages and their calls, as `docs/http.md` describes them."""

import json
import re
from dataclasses import asdict
from functools import lru_cache

from flask import Blueprint, current_app, g, jsonify, redirect, render_template, request, send_from_directory

from .analysis.confusion import Confusion, confusion_by_observer
from .fields import clean_measures
from .records import Position
from .study import LOOK_AHEAD, RATINGS, ROLES, StudyError, Trial, check_profile, check_rating, stage
from .tickets import make_ticket, released_at
from .web import CallError, now, records, text

bp = Blueprint("observer", __name__)
YEAR_SECONDS = 365 * 24 * 3600
SESSIONS_KEPT = 256  # a worker, each of 200 trials taking 25 KB
IMAGE_NAME = re.compile(r"[0-9a-f]{32}\.webp")


@bp.url_value_preprocessor
def find_session(endpoint, values):
    """Turn the link token of the address into the study and session it opens."""
    token = (values or {}).pop("token", None)
    if token is None:
        return
    found = records().find_link(token)
    if found is None:
        raise CallError(
            404,
            "no-such-link",
            "This link is not valid, or was replaced by a newer one. Ask the researcher for your link.",
        )
    g.url = f"/quiz/{token}"
    g.study = records().study(found[0])
    g.session = records().session(*found)


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
    for name in ("Last-Modified", "Expires"):
        response.headers.pop(name, None)
    return response


# Calls


@bp.get("/quiz/<token>/state")
def state():
    _require_started()
    return jsonify(_state(records().position(g.session)))


@bp.post("/quiz/<token>/trials/<int:index>/shown")
def shown(index: int):
    trial = _trial(index)
    _released_at(_body(), trial)
    at = now()
    return jsonify(trial=index, elapsed_ms=max(0, at - records().mark_shown(g.session["id"], index, at)))


@bp.put("/quiz/<token>/trials/<int:index>")
def rate(index: int):
    """Store a rating, durable before the reply; the same one again changes nothing, a different one is refused."""
    trial = _trial(index)
    body = _body()
    try:
        rating = check_rating(body.get("rating"))
    except StudyError as error:
        raise CallError(400, "bad-rating", str(error)) from None
    if not isinstance(body.get("next_shown", False), bool):
        raise CallError(400, "malformed", "next_shown has to be true or false.")
    answer = {
        "kind": trial.kind,
        "number": trial.number,
        "repeat": trial.repeat,
        "image": trial.image,
        "viewing_ms": trial.viewing_ms,
        "rating": rating,
        "released_at": None,
        "received_at": now(),
        "next_shown": body.get("next_shown", False),
        "measures": clean_measures(body.get("measures")),
    }
    return jsonify(_state(_store_answer(trial, answer, body)) | {"saved": index, "feedback": _feedback(trial)})


def _store_answer(trial: Trial, answer: dict, body: dict) -> Position:
    """Store the answer; the position after it. CallError if the trial is not due or has a different rating."""
    try:
        answer["released_at"] = _released_at(body, trial)
    except CallError:
        # A browser that lost the reply comes back with an old rating and no ticket for it: that is fine if
        # the rating is the same.
        _compare(trial, answer)
        return records().position(g.session)
    if records().add_answer(g.session["id"], trial.index, answer):
        received_at = answer["received_at"]
        return Position(trial.index + 1, received_at, received_at if answer["next_shown"] else None)
    _compare(trial, answer)
    return records().position(g.session)


def _feedback(trial: Trial) -> dict | None:
    """The truth of a practice image, if the study tells it. The warm-up stands for neither side."""
    protocol = g.study.protocol
    if trial.kind == "practice" and trial.index > 0 and protocol.practice_feedback:
        return {"truth": g.study.practice[trial.image]["truth"]}
    return None


def _compare(trial: Trial, answer: dict) -> None:
    stored = records().answer(g.session["id"], trial.index)
    if stored is None:
        raise CallError(
            409, "out-of-turn", f"Trial {trial.index} is not due yet: reload the page to go on where you were."
        )
    if stored["rating"] != answer["rating"]:
        raise CallError(409, "already-rated", "This image has a different rating already; the first one stands.")


def _state(position: Position) -> dict:
    """The JSON that the trial page goes by. Carries no truth, no file name, no provenance."""
    trials = _trials()
    due = trials[position.index : position.index + 1 + LOOK_AHEAD]
    current = None
    if due:
        elapsed = None if position.shown_at is None else max(0, now() - position.shown_at)
        ticket = make_ticket(_secret(), g.session["id"], position.index, position.released_at)
        current = _trial_dict(due[0]) | {"ticket": ticket, "elapsed_ms": elapsed}
    return {
        "session": g.session["id"],
        "title": g.study.protocol.title,
        "pause_when_hidden": g.study.protocol.pause_when_hidden,
        "scored_total": g.study.scored_total,
        "finished": not due,
        "current": current,
        "upcoming": [_trial_dict(trial) for trial in due[1:]],
    }


def _trial_dict(trial: Trial) -> dict:
    return {
        "trial": trial.index,
        "kind": trial.kind,
        "number": trial.number,
        "image": f"/images/{g.study.folder}/{trial.image}.webp",
        "viewing_ms": trial.viewing_ms,
        "break_before": trial.break_before and asdict(trial.break_before),
    }


def _trial(index: int) -> Trial:
    _require_started()
    trials = _trials()
    if index >= len(trials):
        raise CallError(404, "no-such-trial", f"There is no trial {index} in this session.")
    return trials[index]


def _trials() -> list[Trial]:
    """The trials of the started session."""
    return _sequence(g.session["id"])


@lru_cache(maxsize=SESSIONS_KEPT)
def _sequence(session_id: str) -> list[Trial]:
    """Worked out once: a started session's study is frozen, and no other session has its id."""
    return g.study.trials(session_id)


def _require_started() -> None:
    if stage(g.session, g.study.protocol) != "trials":
        raise CallError(409, "out-of-turn", "The trials have not begun yet: reload the page.")


def _secret() -> str:
    return current_app.config["SECRET_KEY"]


def _released_at(body: dict, trial: Trial) -> int:
    """When the server released the trial, from the ticket that it gave out then; CallError if the ticket is not this
    trial's."""
    at = released_at(_secret(), body.get("ticket"), g.session["id"], trial.index)
    if at is None:
        raise CallError(409, "out-of-turn", f"Trial {trial.index} is not due: reload the page to go on where you were.")
    return at


def _body() -> dict:
    data = request.get_data()  # raises what a body that is too large deserves, however it was sent
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise CallError(400, "malformed", "The request's body has to be a JSON object.")
    return body


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

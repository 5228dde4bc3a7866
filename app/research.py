"""The researcher's signed-in pages: studies, observers and their links, live progress and pace, counts, leaderboard,
downloads."""

import hashlib
import hmac
from functools import wraps
from math import ceil

from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for

from .analysis.confusion import METRICS
from .analysis.export import zip_export
from .analysis.leaderboard import leaderboard
from .analysis.table import confusion_table
from .audit import note
from .machine import machine_rows
from .records import Study
from .study import StudyError
from .web import CallError, now, records

bp = Blueprint("research", __name__, url_prefix="/research")
# The report holds its own style and images, and no script.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
FREE_TRIES = 3  # wrong passwords before sign-in slows down
LONGEST_WAIT_SECONDS = 60
PACE_TRIALS = 10  # the pace is that of the last so many ratings
FEWEST_FOR_PACE = 3
PAUSE_MS = 15 * 60_000  # without a rating, an observer is not at it


def signed_in(view):
    """Let only a signed-in researcher pass; send others to the sign-in page."""

    @wraps(view)
    def guarded(*args, **kwargs):
        if not hmac.compare_digest(str(session.get("researcher", "")), _mark()):
            return redirect(url_for("research.sign_in", next=request.path))
        return view(*args, **kwargs)

    return guarded


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in():
    if request.method != "POST":
        return render_template("research/sign_in.html", error=None)
    wait = _take_try()
    if wait:
        message = f"Too many wrong passwords: wait {wait} seconds and try again."
        return render_template("research/sign_in.html", error=message), 429, {"Retry-After": str(wait)}
    given = request.form.get("password", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, current_app.config["RESEARCH_PASSWORD"].encode()):
        error = "That is not the password. It stands in secrets.json in the server's data folder."
        return render_template("research/sign_in.html", error=error), 403
    records().store.delete("sign-in", _caller())
    session.permanent = True
    session["researcher"] = _mark()
    return redirect(_next(), 303)


@bp.post("/sign-out")
def sign_out():
    session.clear()
    return redirect(url_for("research.sign_in"), 303)


@bp.get("/")
@signed_in
def studies():
    found = [
        (study, [each for each in _observers(study) if not each["session"]["simulated"]])
        for study in records().studies()
    ]
    return render_template("research/studies.html", studies=found)


@bp.get("/<name>")
@signed_in
def study(name: str):
    return _study_page(_study(name))


@bp.get("/<name>/progress")
@signed_in
def progress(name: str):
    """The part of the study's page that changes while observers work."""
    return render_template("research/progress.html", **_live(_study(name)))


@bp.post("/<name>/invite")
@signed_in
def invite(name: str):
    study = _study(name)
    names = [line for line in request.form.get("observers", "").splitlines() if line.strip()]
    try:
        for observer in names:
            invited, new = records().invite(study, observer, now())
            if new:
                note("invite", study.name, invited["id"])
    except StudyError as error:
        return _study_page(study, str(error)), 400
    return redirect(url_for("research.study", name=name), 303)


@bp.post("/<name>/sessions/<session_id>/new-link")
@signed_in
def new_link(name: str, session_id: str):
    study = _study(name)
    if session_id not in {known["id"] for known in records().sessions(study.name)}:
        raise CallError(404, "not-found", "There is no such observer in this study.")
    records().replace_link(study.name, session_id)
    note("new-link", study.name, session_id)
    return redirect(url_for("research.study", name=name), 303)


@bp.get("/<name>/export.zip")
@signed_in
def export(name: str):
    study = _study(name)
    from .reports import study_parts

    data = current_app.config["QUIZ_DATA"]
    content = zip_export(*study_parts(records(), study, data), machine_rows=machine_rows(data, study))
    note("export", study.name)
    return Response(
        content, mimetype="application/zip", headers={"Content-Disposition": f'attachment; filename="{study.name}.zip"'}
    )


@bp.get("/<name>/report")
@signed_in
def report(name: str):
    """The results: the page that `flask report` writes, with everything in it."""
    from .analysis.report import report_page
    from .reports import report_parts

    page = report_page(*report_parts(records(), _study(name), current_app.config["QUIZ_DATA"]))
    note("report", name)
    return Response(page, headers={"Content-Security-Policy": REPORT_POLICY})


def _study(name: str) -> Study:
    try:
        return records().study(name)
    except StudyError as error:
        raise CallError(404, "not-found", str(error)) from None


def _study_page(study: Study, error: str | None = None):
    live = _live(study)
    finished = {each["session"]["observer"]: each["finished"] for each in live["observers"]}
    table = confusion_table(records().rows(study), finished)
    places = leaderboard(table) if study.protocol.leaderboard else None
    return render_template(
        "research/study.html", error=error, pools=study.pools, table=table, metrics=METRICS, places=places, **live
    )


def _live(study: Study) -> dict:
    """What the live part of the page shows: cheap enough to be asked for every few seconds."""
    observers = [observer | _pace(study, observer) for observer in _observers(study)]
    ends = [observer["ends_at"] for observer in observers if observer["ends_at"]]
    return {
        "study": study,
        "observers": observers,
        "finished": sum(observer["finished"] for observer in observers),
        "last_end": max(ends, default=None),
        "rating": len(ends),
        "now": now(),
        "base_url": (current_app.config["PUBLIC_URL"] or request.url_root).rstrip("/"),
    }


def _observers(study: Study) -> list[dict]:
    """For each session: who, how far, when last, and the link's token."""
    sessions = records().sessions(study.name)
    return [
        {
            "session": known,
            "token": None if study.imported or known.get("erased_at") else records().token(known),
            **records().progress(study, known),
        }
        for known in sessions
    ]


def _pace(study: Study, observer: dict) -> dict:
    """`pace`, the mean milliseconds an image over the last PACE_TRIALS ratings, breaks included, and `ends_at`, when
    the session ends if that goes on; None where an observer is not rating, has only begun, or has just paused.

    Reads one answer. `stage` becomes "paused" if the last rating is PAUSE_MS ago.
    """
    unknown = {"pace": None, "ends_at": None}
    window = min(PACE_TRIALS, observer["rated"] - 1)
    if observer["stage"] != "rating" or not observer["last_at"]:
        return unknown
    if now() - observer["last_at"] > PAUSE_MS:
        return unknown | {"stage": "paused"}
    if window < FEWEST_FOR_PACE:
        return unknown
    newest = len(study.practice) + observer["rated"] - 1
    taken = observer["last_at"] - records().answer(observer["session"]["id"], newest - window)["received_at"]
    if not 0 < taken <= PAUSE_MS:
        return unknown
    pace = taken / window
    return {"pace": pace, "ends_at": round(observer["last_at"] + pace * (study.scored_total - observer["rated"]))}


@bp.app_template_filter()
def ahead(then: int, at: int) -> str:
    """How long after `at` (ms since 1970) it will be, in words."""
    minutes = ceil(max(0, then - at) / 60_000)
    if minutes <= 1:
        return "within a minute"
    return f"in {minutes} min" if minutes < 120 else f"in {minutes // 60} h {minutes % 60} min"


def _mark() -> str:
    """What a signed-in cookie holds: it ends with the password that it was given for."""
    config = current_app.config
    return hmac.new(config["SECRET_KEY"].encode(), config["RESEARCH_PASSWORD"].encode(), hashlib.sha256).hexdigest()[
        :32
    ]


def _next() -> str:
    """The research page asked for before signing in; never another site's address."""
    wanted = request.args.get("next", "")
    own = wanted.startswith("/research/") and wanted.isprintable() and "\\" not in wanted
    return wanted if own else url_for("research.studies")


def _caller() -> str:
    return request.remote_addr or "unknown"


def _take_try() -> int:
    """Count a try of this caller, before it is looked at, so that tries at the same time count each; 0 if it may be
    made, otherwise the seconds to wait. The wait doubles with each wrong password after the first few."""
    left = 0

    def change(kept: dict | None) -> dict | None:
        nonlocal left
        failures = kept["failures"] if kept else 0
        left = _seconds_left(failures, now() - kept["last_at"]) if kept else 0
        return None if left else {"failures": failures + 1, "last_at": now()}

    records().store.update("sign-in", _caller(), change)
    return left


def _seconds_left(failures: int, elapsed_ms: int) -> int:
    if failures < FREE_TRIES:
        return 0
    wait = min(2 ** (failures - FREE_TRIES + 1), LONGEST_WAIT_SECONDS)
    # A clock that was set back must not lock the researcher out for longer than the wait itself.
    return min(wait, max(0, ceil(wait - elapsed_ms / 1000)))

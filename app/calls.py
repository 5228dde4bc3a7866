"""The trial page's calls, straight from WSGI: they are nearly all that observers ask, and the way to a view of Flask
and back takes longer than what is done there.

What goes wrong is told by Flask's own handlers, as for any other address.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache

from flask import Flask
from werkzeug.wsgi import get_input_stream

from . import front
from .replies import HEADERS, NOT_KEPT, CallError
from .study import Trial, stage
from .turns import Turn, open_link

ADDRESS = re.compile(r"/quiz/([^/]+)/(?:(state)|trials/(\d{1,9})(/shown)?)", re.ASCII)
ROUTES = {
    "state": "/quiz/<token>/state",
    "shown": "/quiz/<token>/trials/<int:index>/shown",
    "rate": "/quiz/<token>/trials/<int:index>",
}
METHODS = {"state": "GET", "shown": "POST", "rate": "PUT"}
SESSIONS_KEPT = 256  # a worker, each of 200 trials taking 25 KB
SUCCESS = [("Content-Type", "application/json"), *HEADERS.items(), ("Cache-Control", NOT_KEPT)]
ENCODE = json.JSONEncoder(separators=(",", ":")).encode


class Calls:
    def __init__(self, app: Flask):
        self._app = app
        self._trials = lru_cache(SESSIONS_KEPT)(self._work_out_trials)

    def before(self, application):
        """`application`, but for the calls."""

        def send(environ, start_response):
            address = ADDRESS.fullmatch(environ.get("PATH_INFO", ""))
            if address is not None:
                token, state, index, shown = address.groups()
                call = "state" if state else "shown" if shown else "rate"
                if environ["REQUEST_METHOD"] == METHODS[call]:
                    return self.answering(call, token, index and int(index))(environ, start_response)
            return application(environ, start_response)

        return send

    def answering(self, call: str, token: str, index: int | None = None):
        """The WSGI application that answers one call."""

        def answer(environ, start_response):
            front.name_request(environ, ROUTES[call])
            reply = Reply(self._app, environ, start_response)
            return reply.of(lambda: self._answer(call, token, index, reply))

        return answer

    def _answer(self, call: str, token: str, index: int | None, reply: "Reply") -> dict | None:
        front.refuse_cross_site(reply.environ)
        records, config = self._app.extensions["records"], self._app.config
        study, session = open_link(records, token)
        if stage(session, study.protocol) != "trials":
            raise CallError(409, "out-of-turn", "The trials have not begun yet: reload the page.")
        trials = self._trials(study.name, session["id"])
        turn = Turn(records, config["SECRET_KEY"], study, session, trials, config["CLOCK"])
        if call == "state":
            return turn.state()
        body = _body(reply.environ, config["MAX_CONTENT_LENGTH"])
        if call == "shown":
            return turn.shown(index, body)
        return _rate(turn, index, body, reply)

    def _work_out_trials(self, study: str, session: str) -> list[Trial]:
        """Once: a started session's study is frozen, and no other session has its id."""
        return self._app.extensions["records"].study(study).trials(session)


class Reply:
    """One call's reply: a JSON object, or what Flask's handlers make of an error."""

    def __init__(self, app: Flask, environ: dict, start_response):
        self._app, self.environ, self._start_response = app, environ, start_response

    def of(self, answer: Callable[[], dict | None]):
        """The body of the reply that `answer` gives; None if it gives none yet."""
        try:
            document = answer()
        except Exception as error:
            return self._error(error)(self.environ, self._start_response)
        if document is None:
            return None
        body = (ENCODE(document) + "\n").encode()
        self._start_response("200 OK", [*SUCCESS, ("Content-Length", str(len(body)))])
        return [body]

    def _error(self, error: Exception):
        app = self._app
        with app.request_context(self.environ):
            try:
                return app.process_response(app.make_response(app.handle_user_exception(error)))
            except Exception as unexpected:
                return app.handle_exception(unexpected)


def _rate(turn: Turn, index: int, body: dict, reply: Reply) -> dict | None:
    """Where the server can wait for the store by itself (see `worker.py`), it is told the reply later."""
    steps = turn.rate(index, body)
    later = reply.environ.get("quiz.later")
    try:
        wanted = next(steps)
        if later is None:
            return steps.send(turn.records.add_answer(*wanted))
    except StopIteration as end:
        return end.value

    def stored(outcome: Callable[[], bool]) -> None:
        def answer() -> dict:
            try:
                return steps.send(outcome())
            except StopIteration as end:
                return end.value

        later(lambda: reply.of(answer))

    turn.records.add_answer_later(*wanted, stored)
    return None


def _body(environ: dict, most: int) -> dict:
    """The JSON object sent. Raises RequestEntityTooLarge and ClientDisconnected, however it was sent."""
    data = get_input_stream(environ, max_content_length=most).read()
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise CallError(400, "malformed", "The request's body has to be a JSON object.")
    return body

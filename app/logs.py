"""The server's log: one JSON object a line on standard error, without anything personal.

Observers' links stand in the addresses, so a request is logged by its route's pattern; nobody's network address, name
or input is logged, and of an unexpected error its kind and place alone, because its words may quote what was sent.
"""

import json
import logging
import re
import traceback
from datetime import UTC, datetime

from flask import has_request_context, request
from gunicorn import glogging

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What gunicorn says of a request goes on with its sender and its words.
SAID_OF_A_REQUEST = re.compile(r"(Invalid request|Error handling request)\b.*", re.DOTALL)
LINK = re.compile(r"/quiz/[^/\s?\"']+")
QUIET = "/health/"


class Logger(glogging.Logger):
    """gunicorn's log, and that of the application under it, as JSON lines."""

    access_log_enabled = True

    def setup(self, cfg) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())
        application = logging.getLogger("app")
        application.handlers, application.propagate = list(self.error_log.handlers), False
        application.setLevel(self.loglevel)

    def access(self, resp, req, environ, request_time) -> None:
        """One line for each request, when its reply has been sent."""
        route = environ.get("quiz.route")
        if route and route.startswith(QUIET):
            return
        status = resp.status_code or 500
        line = {**about(environ), "status": status, "ms": round(request_time.total_seconds() * 1000, 1)}
        self.error_log.log(logging.ERROR if status >= 500 else logging.INFO, line)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname.lower()}
        if isinstance(record.msg, dict):
            line |= record.msg
        else:
            line["message"] = _without_secrets(record.getMessage())
            line |= about(request.environ) if has_request_context() else {}
        if record.exc_info and record.exc_info[1]:
            line |= {"error": type(record.exc_info[1]).__name__, "traceback": _trace(record.exc_info[1])}
        return json.dumps(line)


def about(environ: dict) -> dict:
    """What may be said of a request."""
    method = environ.get("REQUEST_METHOD")
    return {
        "method": method if method in METHODS else "other",
        "route": environ.get("quiz.route"),
        "request": environ.get("quiz.request"),
    }


def _without_secrets(message: str) -> str:
    return LINK.sub("/quiz/LINK", SAID_OF_A_REQUEST.sub(r"\1", message))


def _trace(error: BaseException) -> list[str]:
    """Kinds and places of the error and of what led to it, first cause first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return [*(_trace(before) if before else []), *places, type(error).__name__]

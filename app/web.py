"""What every page and call has in common: security headers, the check against cross-site writes, errors in one
sentence, texts."""

import os

from flask import Flask, Request, current_app, jsonify, render_template, request
from flask.sessions import SecureCookieSessionInterface
from markdown_it import MarkdownIt
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from . import ROOT, front, health
from .answers import iso
from .calls import Calls
from .known_images import with_known_images
from .records import Records
from .replies import HEADERS, NOT_KEPT, CallError
from .store import StoreError
from .study import StudyError

# Raw HTML and links with a scheme that runs code stay text.
MARKDOWN = MarkdownIt("js-default")


class CookieSessions(SecureCookieSessionInterface):
    """Signed session cookies that are sent over HTTPS alone if that is how the page came."""

    def open_session(self, app: Flask, request: Request):
        """Without a cookie nothing has to be checked, and an observer has none: that saves a seventh of a request."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init_app(app: Flask) -> None:
    calls = app.extensions["calls"] = Calls(app)
    application = with_known_images(calls.before(app.wsgi_app), app.config["QUIZ_DATA"] / "studies")
    app.wsgi_app = front.proxied(front.guard(application), os.environ.get("TRUSTED_PROXIES"))
    # Flask's own would quote the address, which holds an observer's link.
    app.log_exception = lambda exc_info: app.logger.error("unexpected error", exc_info=exc_info)
    app.session_interface = CookieSessions()
    app.jinja_env.filters.update(iso=iso, ago=ago)
    app.before_request(name_request)
    app.before_request(refuse_cross_site)
    app.after_request(add_headers)
    app.register_error_handler(CallError, lambda error: tell(error.status, error.code, error.message))
    app.register_error_handler(HTTPException, tell_http)
    app.register_error_handler(StudyError, lambda error: tell(400, "malformed", str(error)))
    app.register_error_handler(StoreError, tell_store)
    health.init_app(app)


def records() -> Records:
    return current_app.extensions["records"]


def now() -> int:
    """Milliseconds since 1970 UTC."""
    return current_app.config["CLOCK"]()


def ago(then: int, at: int) -> str:
    """How long before `at` (ms since 1970) it was, in words."""
    minutes = max(0, at - then) // 60_000
    if minutes < 1:
        return "just now"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"


def name_request() -> None:
    front.name_request(request.environ, request.url_rule and request.url_rule.rule)


def refuse_cross_site() -> None:
    front.refuse_cross_site(request.environ)


def add_headers(response):
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static" and response.status_code < 400:
        response.cache_control.immutable = True
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = NOT_KEPT
    return response


def tell_http(error: HTTPException):
    if error.code is None or error.code < 400:
        return error
    codes = {
        404: "not-found",
        405: "wrong-method",
        413: "too-large",
        415: "malformed",
        429: "too-many",
        500: "server-error",
    }
    messages = {
        404: "There is nothing at this address. Check it, or ask the researcher for a new link.",
        405: "This address does not take that kind of request.",
        413: "The request is too large: at most 64 KiB are taken.",
        500: "Something went wrong on the server. Nothing is lost; try again in a moment.",
    }
    body, status = tell(error.code, codes.get(error.code, "malformed"), messages.get(error.code, error.description))
    # What the status demands besides: Allow, Content-Range, Retry-After.
    return body, status, [(name, value) for name, value in error.get_headers() if name != "Content-Type"]


def tell_store(error: StoreError):
    current_app.logger.error("store: %s", error)
    return tell(503, "store-away", "The server can't reach its store just now. Nothing is lost; try again in a moment.")


def tell(status: int, code: str, message: str):
    """The error as JSON for the quiz's calls, as a page for everything else."""
    if (
        request.path.endswith("/state")
        or "/trials/" in request.path
        or request.accept_mimetypes.best == "application/json"
    ):
        return jsonify(error=code, message=message), status
    titles = {
        403: "Not from here",
        404: "Not found",
        413: "Too large",
        429: "Please wait",
        500: "An error",
        503: "Please wait",
    }
    return render_template("message.html", title=titles.get(status, "That did not work"), message=message), status


def text(name: str, own: str | None) -> Markup:
    """A text of the study as HTML: its own Markdown, or the default in `templates/texts`."""
    markdown = own if own else (ROOT / "templates" / "texts" / f"{name}.md").read_text()
    return Markup(MARKDOWN.render(markdown))

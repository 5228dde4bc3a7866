"""What comes before the application sees a request: proxies that are trusted, hosts, bodies and ranges that cannot be.

All of it plain WSGI.
"""

import random
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest, ClientDisconnected
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import get_host

from .replies import CallError

HOST = re.compile(r"([\w-]{1,63}\.)*[\w-]{1,63}\.?(:\d{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?", re.ASCII)
RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))", re.ASCII)
STALLED_SECONDS = 20  # without a byte of a request's body, or room for one of a reply's
MOST_PROXIES = 9


class SettingError(ValueError):
    """A setting in the environment can't be used: one sentence that says what to do."""


def proxied(application, trusted: str | None):
    """Believe the scheme, host and client's address that so many proxies in front tell, each of which adds to
    X-Forwarded-For, -Proto and -Host; none if `trusted` is not set. Raises SettingError."""
    if not trusted or trusted == "0":
        return application
    if not (trusted.isdecimal() and int(trusted) <= MOST_PROXIES):
        raise SettingError(f"TRUSTED_PROXIES={trusted} is not known: give the number of proxies in front, as in 1.")
    number = int(trusted)

    def addressed(environ, start_response):
        environ["REMOTE_ADDR"] = _address(environ["REMOTE_ADDR"]) or environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return application(environ, start_response)

    return ProxyFix(addressed, x_for=number, x_proto=number, x_host=number)


def guard(application):
    """Refuse a Host header that no server has, leave out a Range that has to be ignored, bound the wait for a body."""

    def guarded(environ, start_response):
        if not HOST.fullmatch(environ.get("HTTP_HOST", "")):
            return BadRequest("The Host header is not one.")(environ, start_response)
        if not _one_range(environ):
            environ.pop("HTTP_RANGE", None)
        # gunicorn's threads would wait for ever for a body that never comes.
        if connection := environ.get("gunicorn.socket"):
            connection.settimeout(STALLED_SECONDS)
        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = Body(environ["wsgi.input"])
        return application(environ, start_response)

    return guarded


def name_request(environ: dict, route: str | None) -> None:
    """Leave for the log what it may say of the request: a name made up for it, and its route without what varies."""
    environ["quiz.request"], environ["quiz.route"] = f"{random.getrandbits(64):016x}", route


def refuse_cross_site(environ: dict) -> None:
    """Refuse a write that a page of another site sent; a client that is no browser sends neither header and has no
    cookies to abuse."""
    if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    foreign = site not in ("same-origin", "none") if site else origin is not None and not _own(origin, environ)
    if foreign:
        raise CallError(
            403, "cross-site", "This request came from another site: open the quiz's own page and try again."
        )


def _own(origin: str, environ: dict) -> bool:
    try:
        return urlsplit(origin).netloc == get_host(environ)
    except ValueError:
        return False


class Body:
    """A request's body, whose damage is the sender's fault and not the application's.

    gunicorn reads the line and checks chunks while the application reads the body, and raises errors of its own.
    """

    def __init__(self, body):
        self._body = body

    def read(self, size: int = -1) -> bytes:
        return self._checked(self._body.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._checked(self._body.readline, size)

    def __iter__(self):
        return iter(self.readline, b"")

    def _checked(self, read, size: int) -> bytes:
        try:
            return read(size)
        except Exception as error:
            raise ClientDisconnected("The request's body is damaged, or ended too early.") from error


def _address(given: str) -> str | None:
    """A network address without the port that some proxies add; None if it is not one."""
    try:
        return str(ip_address(given.strip("[]")))
    except ValueError:
        pass
    try:
        return str(ip_address(urlsplit(f"//{given}").hostname or ""))
    except ValueError:
        return None


def _one_range(environ: dict) -> bool:
    """Whether the request asks for one part of a file in a way that has to be answered with it, or with 416.

    A range in other units, malformed or with another method than GET has to be ignored, several at once may be, and
    so may one that hangs on a date or a weak tag: files here have strong ones (RFC 9110, sections 13.1.5 and 14.2).
    """
    asked = RANGE.fullmatch(environ.get("HTTP_RANGE", "").strip())
    condition = environ.get("HTTP_IF_RANGE", '"').lstrip()
    if asked is None or not condition.startswith('"') or environ["REQUEST_METHOD"] != "GET":
        return False
    first, last, _suffix = asked.groups()
    return not last or int(first) <= int(last)

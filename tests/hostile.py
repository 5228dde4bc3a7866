"""Hostile requests: any address and field of the written schema, with values that fit, nearly fit, or cannot be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from schema import Operation, operations, resolved

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "FOO")
LARGEST = 64 * 1024
NASTY = [
    *("", " ", ".", "..", "/", "//", "\\", "?", "#", ";", "&", "+", "\t", "\x00", "%", "%00", "%zz", "\r\nX: y"),
    *("../../etc/passwd", "..%2f..%2fsecrets.json", "' OR 1=1 --", "<script>alert(1)</script>", "=1+1", "{{7*7}}"),
    *("null", "NaN", "-0", "1e999", "0x10", "1_000", "9" * 400, "٣", "½", "𝟛", "١"),
    *("é" * 40, "\U0001f600", "\ud800", "\u202e", "a" * 5000, "[" * 2000),
]
HEADERS = {
    "Accept": ("*/*", "application/json", "text/html;q=x", ",,,", "application/json;q=99"),
    "Accept-Encoding": ("gzip", "br;q=nan", "*"),
    "Accept-Language": ("de", "x" * 300),
    "Cookie": ("research=x", "research=.", "=", ";;;", "research=eyJyZXNlYXJjaGVyIjoiYSJ9.x.y", "a=" + "b" * 4000),
    "Content-Type": ("text/plain", "multipart/form-data; boundary=x", "application/json; charset=x", "", "/"),
    "Content-Encoding": ("gzip", "identity"),
    "Expect": ("100-continue", "x"),
    "Host": ("", "x y", "[::1", "a" * 300, "evil.example"),
    "If-Match": ("*", '"x"'),
    "If-Modified-Since": ("Thu, 01 Jan 1970 00:00:00 GMT", "yesterday", "Thu, 01 Jan 99999 00:00:00 GMT"),
    "If-None-Match": ("*", 'W/"x"', '"' * 9),
    "If-Range": ('"x"', "Thu, 01 Jan 1970 00:00:00 GMT"),
    "Origin": ("null", "http://[", "https://elsewhere.example", "\x7f"),
    "Range": ("bytes=0-0", "bytes=-1", "bytes=9-1", "bytes=0-0,2-3", "bytes=99999999-", "bytes=" + "9" * 99 + "-"),
    "Referer": ("https://elsewhere.example/", "x"),
    "Sec-Fetch-Site": ("same-origin", "cross-site", "none", "x"),
    "Transfer-Encoding": ("chunked", "gzip, chunked", "x"),
    "Upgrade": ("websocket", "h2c"),
    "X-Forwarded-For": ("127.0.0.1", "x", "::1, ::"),
    "X-Forwarded-Host": ("elsewhere.example", "\x7f"),
    "X-Forwarded-Proto": ("https", "x"),
    "X-HTTP-Method-Override": ("DELETE",),
}


@dataclass(frozen=True)
class Known:
    """Stands for something that exists, which is looked up when the request is sent: what exists changes meanwhile."""

    name: str
    number: int


@dataclass
class World:
    """What exists, by the name that the schema has for it, and where each session was seen last, by its link."""

    values: Mapping[str, list]
    current: dict[str, dict] = field(default_factory=dict)
    cookie: str = ""  # a signed-in researcher's

    def look_up(self, value: object, link: str | None) -> object:
        """The value with everything known put in."""
        if isinstance(value, Known):
            current = self.current.get(link) or {}
            if value.name in current and value.number % 4:
                return current[value.name]
            others = self.values.get(value.name) or [
                one[value.name] for one in self.current.values() if value.name in one
            ]
            return others[value.number % len(others)] if others else ""
        if isinstance(value, dict):
            return {name: self.look_up(one, link) for name, one in value.items()}
        return value

    def learn(self, link: str | None, reply: object) -> None:
        if link and isinstance(reply, dict) and isinstance(reply.get("current"), dict):
            self.current[link] = reply["current"]


@dataclass(frozen=True)
class Hostile:
    """A request before what is known is put in."""

    operation: Operation
    method: str
    parameters: Mapping
    query: Mapping | str
    form: Mapping | None
    body: object
    raw: bytes | None
    headers: tuple[tuple[str, str], ...]
    signed_in: bool
    length_off: int

    def sent(self, world: World) -> tuple[str | None, bytes]:
        """(the link it goes to, the bytes on the wire)"""
        link = world.look_up(self.parameters.get("link"), None)
        link = link if isinstance(link, str) else None
        values = {name: world.look_up(value, link) for name, value in self.parameters.items()}
        values |= {"link": link} if link is not None else {}
        path = self.operation.path
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", quote(str(value).encode("utf-8", "surrogatepass"), safe="%/.;:@&=+$,~"))
        query = (
            urlencode(_encodable(self.query))
            if isinstance(self.query, Mapping)
            else quote(self.query.encode("utf-8", "surrogatepass"), safe="%&=")
        )
        kind, body = self._content(world, link)
        headers = {"Host": "127.0.0.1", "Connection": "close"}
        headers |= {"Content-Type": kind, "Content-Length": str(max(0, len(body) + self.length_off))} if body else {}
        headers |= {"Cookie": world.cookie} if self.signed_in else {}
        headers |= dict(self.headers)
        lines = [f"{self.method} {path or '/'}{'?' if query else ''}{query} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return link, "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body

    def _content(self, world: World, link: str | None) -> tuple[str, bytes]:
        if self.raw is not None:
            return "application/json", self.raw
        if self.form is not None:
            form = _encodable(world.look_up(dict(self.form), link))
            return "application/x-www-form-urlencoded", urlencode(form).encode()
        if self.body is not None:
            return "application/json", json.dumps(world.look_up(self.body, link)).encode("utf-8", "surrogatepass")
        return "", b""

    @property
    def well_formed(self) -> bool:
        """Whether any server has to answer it: nothing is wrong with it as HTTP."""
        odd = {"Host", "Transfer-Encoding", "Expect", "Upgrade", "Content-Encoding", "Origin", "X-Forwarded-Host"}
        return self.method.isupper() and not self.length_off and not odd & {name for name, _ in self.headers}


def _encodable(form: Mapping) -> dict[bytes, bytes]:
    return {str(k).encode("utf-8", "surrogatepass"): str(v).encode("utf-8", "surrogatepass") for k, v in form.items()}


def hostile_requests() -> st.SearchStrategy[Hostile]:
    # A report takes seconds.
    known = [one for one in operations() for _ in range(1 if one.path.endswith("/report") else 6)]
    made = {one.method + one.path: _request_for(one) for one in known}
    return st.sampled_from([made[one.method + one.path] for one in known]).flatmap(lambda strategy: strategy)


def _request_for(operation: Operation) -> st.SearchStrategy[Hostile]:
    form = None if operation.form is None else st.fixed_dictionaries({}, optional=_fields(operation.form))
    return st.builds(
        Hostile,
        operation=st.just(operation),
        method=_mostly(st.just(operation.method), st.sampled_from(METHODS), 9),
        parameters=st.fixed_dictionaries(_fields(operation.parameters, 9)),
        query=_mostly(st.fixed_dictionaries({}, optional=_fields(operation.query)), _texts(), 9),
        form=st.none() if form is None else form,
        body=st.none() if operation.body is None else _mostly(_objects(operation.body), _json(), 9),
        raw=_mostly(st.none(), st.binary(max_size=300) | st.just(b" " * (LARGEST + 1)), 19),
        headers=_mostly(st.just(()), st.lists(_header(), max_size=4).map(tuple), 2),
        signed_in=st.booleans(),
        length_off=_mostly(st.just(0), st.sampled_from([-1, 1, 10**6, 10**30]), 29),
    )


def _mostly(usual: st.SearchStrategy, odd: st.SearchStrategy, times: int) -> st.SearchStrategy:
    """The usual, that many times as often as the odd."""
    return st.integers(0, times).flatmap(lambda drawn: odd if drawn == times else usual)


def _fields(schemas: Mapping[str, Mapping], times: int = 3) -> dict[str, st.SearchStrategy]:
    return {name: _mostly(_fitting(name, schema), _texts() | _json(), times) for name, schema in schemas.items()}


def _objects(schema: Mapping) -> st.SearchStrategy[dict]:
    """JSON objects with some of the fields, most of them fitting, and some that nobody asked for."""
    required = {name: schema["properties"][name] for name in schema.get("required", [])}
    return st.builds(
        lambda fitting, others, extra: {**extra, **others, **fitting},
        _mostly(st.fixed_dictionaries(_fields(required, 9)), st.just({}), 9),
        st.fixed_dictionaries({}, optional=_fields(schema["properties"])),
        _mostly(st.just({}), st.dictionaries(_texts(), _json(), max_size=3), 4),
    )


def _fitting(name: str, schema: Mapping) -> st.SearchStrategy:
    schema = resolved(schema)
    if name in ("link", "folder", "name", "study", "session", "ticket", "trial"):
        return st.builds(Known, st.just(name), st.integers(0, 10**6))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema["type"] == "object":
        return _objects(schema)
    if schema["type"] == "integer":
        return st.integers(int(schema["minimum"]) - 1, int(schema["maximum"]) + 1)
    if schema["type"] == "number":
        return st.floats(allow_nan=True) | st.floats(schema["minimum"], schema["maximum"])
    return st.booleans() if schema["type"] == "boolean" else _texts()


@cache
def _texts() -> st.SearchStrategy[str]:
    return st.sampled_from(NASTY) | st.text(st.characters(codec=None), max_size=40)


@cache
def _json() -> st.SearchStrategy:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | _texts()
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts(), inner, max_size=4)
    )


@cache
def _header() -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from(sorted(HEADERS)).flatmap(
        lambda name: st.tuples(
            st.just(name), st.sampled_from(HEADERS[name]) | st.text("\t !\"';=,/ax0\x7f\xff", max_size=20)
        )
    )

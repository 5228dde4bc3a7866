"""gunicorn's threaded worker, but for requests that need no waiting: those are answered by its loop itself.

A request that goes to a thread and back costs several times what is done for it there. A rating has nothing to wait for
but the disk, and an image that was sent before nothing at all: if such a request has arrived as a whole, the loop
answers it, and goes on with others while a rating is being written. Everything else is a thread's, as gunicorn does it:
pages, requests that come in pieces, lines that take a reply too slowly, and any request on a new line.
"""

import os
import re
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO

from gunicorn.http import Request, wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from .front import STALLED_SECONDS

RECEIVE_BYTES = 65_536
AT_ONCE = re.compile(rb"(GET /images/\S+|PUT /quiz/[^/\s]+/trials/\d+) HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,5})\r\n", re.IGNORECASE)
OTHERWISE = re.compile(rb"\r\n(transfer-encoding|expect|upgrade):", re.IGNORECASE)


class Reply:
    """Takes what gunicorn would write to a socket."""

    def __init__(self):
        self.parts = []

    def sendall(self, data: bytes) -> None:
        self.parts.append(data)

    def sendfile(self, file: BinaryIO, offset: int, count: int) -> None:
        self.parts.append(os.pread(file.fileno(), count, offset))

    def settimeout(self, seconds: float) -> None:
        """Nothing waits here."""


@dataclass
class Done:
    """A future that has come: whether the line stays open for another request."""

    keep: bool

    def cancelled(self) -> bool:
        return False

    def exception(self) -> None:
        return None

    def result(self) -> bool:
        return self.keep


class Worker(ThreadWorker):
    def run(self) -> None:
        # Another store is reached over a network, and so may be the images beside it: that is waiting.
        self._at_once = hasattr(self.wsgi.extensions["records"].store, "create_later")
        self._ready = deque()
        self._woken = False
        super().run()

    def enqueue_req(self, conn: TConn) -> None:
        """Answer the request here, or else give it to a thread."""
        if self._at_once and conn.initialized and conn.sock.gettimeout() == 0 and _has_whole_request(conn):
            self._answer(conn)
        else:
            super().enqueue_req(conn)

    def _answer(self, conn: TConn) -> None:
        request = None
        try:
            request = next(conn.parser)
            response, environ = wsgi.create(request, Reply(), conn.client, conn.server, self.cfg)
            environ["wsgi.multithread"] = True
            if not self.alive:
                response.force_close()
            send = partial(self._send, conn, request, response, environ, datetime.now())
            environ["quiz.later"] = partial(self._later, send)
            body = self.wsgi(environ, response.start_response)
        except Exception as error:
            self._fail(conn, request, error)
        else:
            if body is not None:
                send(lambda: body)

    def _later(self, send: Callable, make: Callable) -> None:
        """Let the loop send the body that `make` returns. For any thread to call, once it can be made."""
        self._ready.append((send, make))
        if not self._woken:
            self._woken = True
            self.method_queue.defer(self._send_ready)

    def _send_ready(self) -> None:
        self._woken = False
        while self._ready:
            send, make = self._ready.popleft()
            send(make)

    def _send(
        self, conn: TConn, request: Request, response: wsgi.Response, environ: dict, began: datetime, make
    ) -> None:
        try:
            _write(response, make())
            self.log.access(response, request, environ, datetime.now() - began)
            request.body.read()  # what the application has left of it
            left = _unsent(conn, response.sock.parts)
        except Exception as error:
            self._fail(conn, request, error)
        else:
            self._settle(conn, left, not response.should_close())

    def finish_request(self, conn: TConn, done: Future | Done) -> None:
        """gunicorn's own would wait up to two seconds here for the other side to close a line."""
        if not done.cancelled() and (done.exception() or done.result()):
            super().finish_request(conn, done)
        else:
            self.nr_conns -= 1
            self.tpool.submit(conn.close, graceful=True)

    def _settle(self, conn: TConn, left: bytes, keep: bool) -> None:
        if left:
            done = self.tpool.submit(_send_slowly, conn, left, keep)
            done.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))
        else:
            self.finish_request(conn, Done(keep))

    def _fail(self, conn: TConn, request: Request | None, error: Exception) -> None:
        if not isinstance(error, ConnectionError):
            self.handle_error(request, conn.sock, conn.client, error)
        self.finish_request(conn, Done(False))


def _has_whole_request(conn: TConn) -> bool:
    """Whether a request that can be answered at once has arrived, and nothing behind it.

    What has arrived stays for gunicorn's own parser; this is no judgement on the request.
    """
    try:
        data = conn.sock.recv(RECEIVE_BYTES)
    except OSError:
        return False
    conn.parser.unreader.unread(data)
    if not AT_ONCE.match(data):
        return False
    head, end, body = data.partition(b"\r\n\r\n")
    head += b"\r\n"
    length = LENGTH.search(head)
    return bool(end) and not OTHERWISE.search(head) and len(body) == int(length[1] if length else 0)


def _write(response: wsgi.Response, body) -> None:
    """What `body` holds, as WSGI wants it to be written."""
    try:
        if isinstance(body, wsgi.FileWrapper):
            response.write_file(body)
        else:
            for part in body:
                response.write(part)
        response.close()
    finally:
        if hasattr(body, "close"):
            body.close()


def _unsent(conn: TConn, parts: list[bytes]) -> bytes:
    """Send what the line takes without waiting; what is left."""
    try:
        sent = conn.sock.sendmsg(parts)
    except BlockingIOError:
        sent = 0
    return b"" if sent == sum(map(len, parts)) else b"".join(parts)[sent:]


def _send_slowly(conn: TConn, data: bytes, keep: bool) -> bool:
    conn.sock.settimeout(STALLED_SECONDS)
    conn.sock.sendall(data)
    return keep

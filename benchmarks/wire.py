"""A light HTTP client for load: one keep-alive connection an observer, bodies counted or kept, nothing else."""

import asyncio
import json
from dataclasses import dataclass

TIMEOUT_SECONDS = 30
RECEIVE_BYTES = 256 * 1024


class Dropped(ConnectionError):
    """The connection ended before the whole reply was there."""


@dataclass(frozen=True)
class Reply:
    status: int
    size: int  # bytes of the body
    body: bytes  # empty if the request did not ask to keep it

    def json(self) -> dict:
        return json.loads(self.body)


class Connection(asyncio.BufferedProtocol):
    """One request at a time; the reply's body is thrown away unless it is wanted."""

    def __init__(self):
        self._buffer = bytearray(RECEIVE_BYTES)
        self._view = memoryview(self._buffer)
        self._waiting: asyncio.Future | None = None
        self.open = False

    def connection_made(self, transport) -> None:
        self._transport, self.open = transport, True

    def connection_lost(self, error) -> None:
        self.open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(Dropped(str(error or "the server hung up")))

    def get_buffer(self, hint: int) -> memoryview:
        return self._view

    def buffer_updated(self, count: int) -> None:
        if self._left is None:
            self._head += self._view[:count]
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._status, self._size, self._close = _parse(bytes(self._head[:end]))
            body = self._head[end + 4 :]
            self._left = self._size - len(body)
            self._body = bytearray(body) if self._keep else bytearray()
        else:
            self._left -= count
            if self._keep:
                self._body += self._view[:count]
        if self._left <= 0:
            self._finish()

    def _finish(self) -> None:
        if self._close:
            self.close()
        if not self._waiting.done():
            self._waiting.set_result(Reply(self._status, self._size, bytes(self._body)))

    def ask(self, request: bytes, keep: bool) -> asyncio.Future:
        self._head, self._left, self._keep = bytearray(), None, keep
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        self.open = False
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


def _parse(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body, and whether the connection ends with it."""
    lines = head.lower().split(b"\r\n")
    fields = dict(line.split(b":", 1) for line in lines[1:])
    status = int(lines[0].split(b" ", 2)[1])
    close = fields.get(b"connection", b"").strip() == b"close" or lines[0].startswith(b"http/1.0")
    return status, int(fields.get(b"content-length", 0)), close


class Client:
    """Requests to one server. Raises OSError (dropped, refused, too late) if there is no whole reply."""

    def __init__(self, port: int):
        self.port, self.dropped = port, 0
        self._connection: Connection | None = None

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "", keep: bool = True) -> Reply:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        if body or method != "GET":
            head += f"Content-Type: {kind or 'application/json'}\r\nContent-Length: {len(body)}\r\n"
        reused = self._connection is not None and self._connection.open
        try:
            return await self._ask(head.encode() + b"\r\n" + body, keep)
        except Dropped:
            if not reused:
                raise
            # A server may end an idle connection just as a request sets out, and every browser tries such a one again.
            self.dropped += 1
            return await self._ask(head.encode() + b"\r\n" + body, keep)

    async def _ask(self, request: bytes, keep: bool) -> Reply:
        if self._connection is None or not self._connection.open:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
        connection = self._connection
        late = asyncio.get_running_loop().call_later(TIMEOUT_SECONDS, connection.abort)
        try:
            return await connection.ask(request, keep)
        finally:
            late.cancel()

    def close(self) -> None:
        if self._connection is not None and self._connection.open:
            self._connection.close()

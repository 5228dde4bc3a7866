"""Stands in for ngrok's agent: its words on standard output, its local API, and a tunnel that leads from one port of
this machine to another.

A folder (STANDIN_FOLDER) tells it what to do, read at each start: `trouble` (a way to fail, gone after one use if
`once` is there too) and `port` (the public one; any without). It leaves there `pid`, `api`, `arguments`, `token` and,
for each tunnel closed by request, a line in `closed`.
"""

import http.client
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

FOLDER = Path(os.environ["STANDIN_FOLDER"])
TOKEN = os.environ.get("NGROK_AUTHTOKEN", "")
TROUBLES = {
    "token": f"authentication failed: The authtoken is not valid.\\nYour authtoken: {TOKEN}\\nERR_NGROK_107",
    "network": "dial tcp: lookup connect.ngrok-agent.com: no such host",
    "limit": f"Your account is limited to 1 agent, {TOKEN} has one.\\nERR_NGROK_108",
}


def say(level: str, message: str, **more: str) -> None:
    rest = "".join(f' {name}="{value}"' for name, value in more.items())
    print(f't=2026-11-22T12:00:00+0000 lvl={level} msg="{message}"{rest}', flush=True)


class Public(BaseHTTPRequestHandler):
    """The public end: hands requests on as ngrok does, with the client's address, scheme and host."""

    protocol_version = "HTTP/1.1"

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {**dict(self.headers), "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        headers["X-Forwarded-Host"] = self.headers["Host"]
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        content = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_GET = do_POST = do_PUT = hand_on

    def log_message(self, *_) -> None:
        pass


class Agent(BaseHTTPRequestHandler):
    """The agent's own API, as far as a tunnel needs it."""

    tunnels: ClassVar[dict[str, tuple[dict, ThreadingHTTPServer]]] = {}

    def do_GET(self) -> None:
        self.reply(200, {"endpoints": [about for about, _ in self.tunnels.values()]})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        port = FOLDER / "port"
        end = ThreadingHTTPServer(("127.0.0.1", int(port.read_text()) if port.exists() else 0), Public)
        end.upstream = wanted["upstream"]["url"].removeprefix("http://")
        threading.Thread(target=end.serve_forever, daemon=True).start()
        about = {**wanted, "url": f"http://127.0.0.1:{end.server_port}"}
        self.tunnels[wanted["name"]] = (about, end)
        self.reply(201, about)

    def do_DELETE(self) -> None:
        about, end = self.tunnels.pop(self.path.rpartition("/")[2])
        threading.Thread(target=end.shutdown, daemon=True).start()
        end.server_close()
        with (FOLDER / "closed").open("a") as closed:
            closed.write(about["url"] + "\n")
        self.send_response(204)
        self.end_headers()

    def reply(self, status: int, document: dict) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


def main() -> None:
    (FOLDER / "arguments").write_text(" ".join(sys.argv[1:]))
    (FOLDER / "token").write_text(TOKEN)
    (FOLDER / "pid").write_text(str(os.getpid()))
    trouble = FOLDER / "trouble"
    if trouble.exists():
        kind = trouble.read_text()
        if (FOLDER / "once").exists():
            trouble.unlink()
        if kind == "silence":
            time.sleep(600)
        say("eror", "failed to connect", err=TROUBLES[kind])
        sys.exit(1)
    api = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    (FOLDER / "api").write_text(f"http://127.0.0.1:{api.server_port}")
    say("info", "starting web service", obj="web", addr=f"127.0.0.1:{api.server_port}")
    say("info", "tunnel session started")
    say("info", "client session established")
    threading.Timer(0.1, say, ("info", "after the start")).start()
    api.serve_forever()


main()

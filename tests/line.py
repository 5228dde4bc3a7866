"""The network between an application and a service, which can be cut in the middle of anything."""

import socket
import threading
from contextlib import suppress


class Line:
    """A port that leads to another one for as long as the line is whole."""

    def __init__(self, to_port: int):
        self._to_port, self._whole, self._ends = to_port, True, set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "Line":
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.cut()
        _hang_up(self._listener)
        self._listener.close()

    def cut(self) -> None:
        self._whole = False
        for end in list(self._ends):
            _hang_up(end)

    def mend(self) -> None:
        self._whole = True

    def _listen(self) -> None:
        with suppress(OSError):  # which is how it learns that the line is taken down
            while True:
                threading.Thread(target=self._join, args=(self._listener.accept()[0],), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        """Carry both ways until an end hangs up."""
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._to_port)) as far:
            self._ends |= {near, far}
            if self._whole:
                back = threading.Thread(target=_carry, args=(far, near), daemon=True)
                back.start()
                _carry(near, far)
                back.join()
            self._ends -= {near, far}


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    _hang_up(target)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)

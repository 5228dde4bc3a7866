"""Whether the server lives, and whether it can work: what load balancers and containers ask."""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoReplyError
from threading import Lock

from flask import Blueprint, Flask, current_app, jsonify

from .records import Records
from .store import StoreError

bp = Blueprint("health", __name__, url_prefix="/health")
PROBE_SECONDS = 2  # a store that takes longer for one small read is as good as away


class Probe:
    """Asks the store for a document that is not there: one small read.

    One question at a time in a process, whose answer all who ask meanwhile wait for: a store that hangs holds one
    thread.
    """

    def __init__(self, records: Records):
        self._records = records
        self._thread = ThreadPoolExecutor(1)  # starts its thread at the first question, after the server has forked
        self._lock, self._asked = Lock(), None

    def problem(self) -> str | None:
        """Why the store cannot be used, or None."""
        try:
            self._question().result(timeout=PROBE_SECONDS)
        except NoReplyError:
            return f"no answer within {PROBE_SECONDS} seconds"
        except StoreError as error:
            return str(error)
        return None

    def _question(self) -> Future:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(lambda: self._records.store.get("health", "probe"))
            return self._asked


def init_app(app: Flask) -> None:
    app.extensions["probe"] = Probe(app.extensions["records"])
    app.register_blueprint(bp)


@bp.get("/live")
def live():
    return jsonify(live=True)


@bp.get("/ready")
def ready():
    problem = current_app.extensions["probe"].problem()
    if problem is None:
        return jsonify(ready=True)
    current_app.logger.error("not ready: %s", problem)
    return jsonify(ready=False, error="store-away", message="The server can't reach its store just now."), 503

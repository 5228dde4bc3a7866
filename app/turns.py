"""The rules of the trial page's calls, without Flask and without HTTP: where a session stands, that an image is shown,
a rating."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass

from .fields import clean_measures
from .records import Position, Records, Study
from .replies import CallError
from .study import LOOK_AHEAD, StudyError, Trial, check_rating
from .tickets import make_ticket, released_at


def open_link(records: Records, token: str) -> tuple[Study, dict]:
    """The study and session that a link token opens."""
    found = records.find_link(token)
    if found is None:
        raise CallError(
            404,
            "no-such-link",
            "This link is not valid, or was replaced by a newer one. Ask the researcher for your link.",
        )
    return records.study(found[0]), records.session(*found)


@dataclass(slots=True)
class Turn:
    """One call of a session that has started. `clock` gives ms since 1970. Every method raises CallError."""

    records: Records
    secret: str
    study: Study
    session: Mapping
    trials: list[Trial]  # of the whole session, in order
    clock: Callable[[], int]

    def state(self) -> dict:
        return self._state(self.records.position(self.session))

    def shown(self, index: int, body: Mapping) -> dict:
        trial = self._trial(index)
        self._released_at(body, trial)
        at = self.clock()
        return {"trial": index, "elapsed_ms": max(0, at - self.records.mark_shown(self.session["id"], index, at))}

    def rate(self, index: int, body: Mapping) -> Generator[tuple[str, int, dict], bool, dict]:
        """Yields the answer to be stored (session, trial, answer), is sent whether it was, and returns the reply.

        The reply counts once the answer is durable. The same rating again changes nothing, a different one is refused.
        """
        trial = self._trial(index)
        try:
            rating = check_rating(body.get("rating"))
        except StudyError as error:
            raise CallError(400, "bad-rating", str(error)) from None
        if not isinstance(body.get("next_shown", False), bool):
            raise CallError(400, "malformed", "next_shown has to be true or false.")
        answer = {
            "kind": trial.kind,
            "number": trial.number,
            "repeat": trial.repeat,
            "image": trial.image,
            "viewing_ms": trial.viewing_ms,
            "rating": rating,
            "released_at": None,
            "received_at": self.clock(),
            "next_shown": body.get("next_shown", False),
            "measures": clean_measures(body.get("measures")),
        }
        try:
            answer["released_at"] = self._released_at(body, trial)
        except CallError:
            # A browser that lost the reply comes back with an old rating and no ticket for it: that is fine if
            # the rating is the same.
            stored = False
        else:
            stored = yield self.session["id"], index, answer
        if stored:
            received_at = answer["received_at"]
            position = Position(index + 1, received_at, received_at if answer["next_shown"] else None)
        else:
            self._compare(trial, answer)
            position = self.records.position(self.session)
        return self._state(position) | {"saved": index, "feedback": self._feedback(trial)}

    def _feedback(self, trial: Trial) -> dict | None:
        """The truth of a practice image, if the study tells it. The warm-up stands for neither side."""
        if trial.kind == "practice" and trial.index > 0 and self.study.protocol.practice_feedback:
            return {"truth": self.study.practice[trial.image]["truth"]}
        return None

    def _compare(self, trial: Trial, answer: Mapping) -> None:
        stored = self.records.answer(self.session["id"], trial.index)
        if stored is None:
            raise CallError(
                409, "out-of-turn", f"Trial {trial.index} is not due yet: reload the page to go on where you were."
            )
        if stored["rating"] != answer["rating"]:
            raise CallError(409, "already-rated", "This image has a different rating already; the first one stands.")

    def _state(self, position: Position) -> dict:
        """The JSON that the trial page goes by. Carries no truth, no file name, no provenance."""
        due = self.trials[position.index : position.index + 1 + LOOK_AHEAD]
        current = None
        if due:
            elapsed = None if position.shown_at is None else max(0, self.clock() - position.shown_at)
            ticket = make_ticket(self.secret, self.session["id"], position.index, position.released_at)
            current = self._trial_dict(due[0]) | {"ticket": ticket, "elapsed_ms": elapsed}
        return {
            "session": self.session["id"],
            "title": self.study.protocol.title,
            "pause_when_hidden": self.study.protocol.pause_when_hidden,
            "scored_total": self.study.scored_total,
            "finished": not due,
            "current": current,
            "upcoming": [self._trial_dict(trial) for trial in due[1:]],
        }

    def _trial_dict(self, trial: Trial) -> dict:
        return {
            "trial": trial.index,
            "kind": trial.kind,
            "number": trial.number,
            "image": f"/images/{self.study.folder}/{trial.image}.webp",
            "viewing_ms": trial.viewing_ms,
            "break_before": trial.break_before and asdict(trial.break_before),
        }

    def _trial(self, index: int) -> Trial:
        if index >= len(self.trials):
            raise CallError(404, "no-such-trial", f"There is no trial {index} in this session.")
        return self.trials[index]

    def _released_at(self, body: Mapping, trial: Trial) -> int:
        """When the server released the trial, from the ticket that it gave out then; CallError if the ticket is not
        this trial's."""
        at = released_at(self.secret, body.get("ticket"), self.session["id"], trial.index)
        if at is None:
            raise CallError(
                409, "out-of-turn", f"Trial {trial.index} is not due: reload the page to go on where you were."
            )
        return at

"""Studies, sessions and answers as the store keeps them. The only module that knows the store's kinds and keys.

| kind | key | document |
|---|---|---|
| study | STUDY | protocol, images with their truth, practice images, when frozen |
| observer | STUDY/HASH-OF-NAME | the session that an observer's name belongs to |
| session | STUDY/SESSION | observer, link generation, consent, profile, start |
| link | HASH-OF-TOKEN | the study and session that a personal link opens |
| shown | SESSION/INDEX | when a trial's image was first on screen, unless the answer before it says so |
| answer | SESSION/INDEX | the rating of a trial, written once |
| audit | TIME/RANDOM | what a researcher did |

The researcher's sign-in keeps a kind of its own, `sign-in`, which nobody needs to keep.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .analysis.table import ALL_OBSERVERS
from .lookups import Lookups
from .store import Store
from .study import Protocol, StudyError, Trial, check_name, is_late, sequence, stage

# Everything worth copying. What refers to another kind comes before it, so that nothing that is added meanwhile is
# copied without what it refers to.
KINDS = ("answer", "shown", "link", "observer", "session", "study", "audit")
# How long a process believes what it has read, unless there is news on its machine (see Lookups).
LINK_SECONDS = 600  # at ten seconds an answer, a read in sixty answers
SESSION_SECONDS = 3600
PROGRESS_STAGES = {"welcome": "invited", "profile": "profile", "instructions": "instructions", "trials": "rating"}


@dataclass(frozen=True)
class Study:
    """A study with its images. `images` and `practice` map a random image name to its truth, pool and source."""

    protocol: Protocol
    folder: str
    images: Mapping[str, Mapping]
    practice: Mapping[str, Mapping]
    created_at: int
    frozen_at: int | None = None
    imported: bool = False
    pools: Mapping[str, Mapping] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.protocol.name

    @property
    def scored_total(self) -> int:
        """How many scored trials a session has, hidden repeats included."""
        return len(self.images) + self.protocol.repeats

    def trials(self, session: str) -> list[Trial]:
        return sequence(self.protocol, list(self.images), list(self.practice), session)

    def as_dict(self) -> dict:
        return {
            "protocol": self.protocol.as_dict(),
            "folder": self.folder,
            # A list keeps the frozen order, which not every store keeps within a map.
            "images": [{"name": name, **image} for name, image in self.images.items()],
            "practice": [{"name": name, **image} for name, image in self.practice.items()],
            "created_at": self.created_at,
            "frozen_at": self.frozen_at,
            "imported": self.imported,
            "pools": self.pools,
        }

    @classmethod
    def from_dict(cls, document: Mapping) -> "Study":
        named = {
            kind: {image["name"]: {k: v for k, v in image.items() if k != "name"} for image in document[kind]}
            for kind in ("images", "practice")
        }
        return cls(**{**document, **named, "protocol": Protocol(**document["protocol"])})


@dataclass(frozen=True)
class Position:
    """Where a session stands: the first trial without a rating, when it was released, and when its image was first on
    screen (None: not yet)."""

    index: int
    released_at: int
    shown_at: int | None


class Records:
    """Everything the application asks of its store. Times are milliseconds since 1970 UTC."""

    def __init__(self, store: Store, secret_key: str, lookups: Lookups):
        self.store = store
        self._secret = secret_key.encode()
        self._frozen: dict[str, Study] = {}
        self.lookups = lookups

    # Studies

    def add_study(self, study: Study) -> None:
        """Raises StudyError if the name is taken."""
        if not self.store.create("study", study.name, study.as_dict()):
            self.require_free(study.name)

    def study(self, name: str) -> Study:
        """The study; StudyError if there is none. A frozen study never changes, so it is read from the store once."""
        if name in self._frozen:
            return self._frozen[name]
        check_name(name)
        document = self.store.get("study", name)
        if document is None:
            known = ", ".join(key for key, _ in self.store.scan("study")) or "none yet"
            raise StudyError(f"There is no study named {name}. Studies: {known}.")
        study = Study.from_dict(document)
        if study.frozen_at is not None:
            self._frozen[name] = study
        return study

    def require_free(self, name: str) -> None:
        """Raises StudyError if there is a study of this name."""
        if self.store.get("study", name) is not None:
            raise StudyError(f"There is a study named {name} already: choose another name.")

    def add_imported(self, study: Study, answers: Mapping[str, list[dict]], now: int) -> None:
        """Add a finished study from earlier results: by observer, the answers in the order given.

        The study itself is written last, so that a crash leaves nothing that can be seen; what it leaves is cleared by
        the next try.
        """
        for observer, given in answers.items():
            session, _ = self._add_session(
                study.name, observer, {"invited_at": now, "generation": 0, "simulated": False, "imported": True}
            )
            for index, answer in enumerate(given):
                self.add_answer(session["id"], index, answer)
        self.add_study(study)

    def clear_unfinished(self, study_name: str) -> None:
        """Remove what an interrupted import left of a study that never came to be."""
        for session in self.sessions(study_name):
            for key, _ in self.store.scan("answer", f"{session['id']}/"):
                self.store.delete("answer", key)
            self.store.delete("session", f"{study_name}/{session['id']}")
        for key, _ in self.store.scan("observer", f"{study_name}/"):
            self.store.delete("observer", key)

    def studies(self) -> list[Study]:
        return sorted(
            (Study.from_dict(document) for _, document in self.store.scan("study")),
            key=lambda study: (study.created_at, study.name),
        )

    def edit_study(self, name: str, changes: Mapping) -> Study:
        """Change settings of the protocol, as long as no observer has begun; StudyError afterwards, or for a change
        that cannot be."""
        self.study(name)

        def change(document: dict | None) -> dict:
            study = Study.from_dict(document)
            if study.frozen_at is not None:
                raise StudyError(
                    f"The study {name} is frozen, because an observer has begun it: create a new study instead."
                )
            texts = {**study.protocol.texts, **changes.get("texts", {})}
            return replace(study, protocol=replace(study.protocol, **{**changes, "texts": texts})).as_dict()

        return Study.from_dict(self.store.update("study", name, change))

    def freeze(self, name: str, now: int) -> None:
        """Freeze the study if it is not frozen yet."""
        if name not in self._frozen:
            frozen = self.store.update(
                "study", name, lambda document: None if document["frozen_at"] else {**document, "frozen_at": now}
            )
            if frozen is not None:
                self._frozen[name] = Study.from_dict(frozen)

    # Sessions

    def invite(self, study: Study, observer: str, now: int, simulated: bool = False) -> tuple[dict, bool]:
        """The observer's session, and whether it is new. Inviting the same name again gives the same session."""
        if study.imported:
            raise StudyError(
                f"The study {study.name} was imported: it has no images to show, so nobody can be invited."
            )
        session, new = self._add_session(
            study.name, observer, {"invited_at": now, "generation": 0, "simulated": simulated}
        )
        if bool(session["simulated"]) != simulated:
            other = "a simulated" if session["simulated"] else "a real"
            raise StudyError(f"{session['observer']} is {other} observer of {study.name}: choose another name.")
        self._create_link(session)
        return session, new

    def _add_session(self, study_name: str, observer: str, values: Mapping) -> tuple[dict, bool]:
        name = check_observer(observer)
        key = _observer_key(study_name, name)
        wanted = {"session": secrets.token_hex(8), "name": name}
        new = self.store.create("observer", key, wanted)
        known = wanted if new else self.store.get("observer", key)
        session = {"id": known["session"], "study": study_name, "observer": known["name"], **values}
        # Done for a known observer too: a crash may have come between these writes the first time.
        self.store.create("session", f"{study_name}/{session['id']}", session)
        return self._stored_session(study_name, session["id"]), new

    def token(self, session: Mapping) -> str:
        """The session's link token: 256 bits that only the holder of the secret key can compute, so that a link can be
        shown again although the
        store holds nothing but its hash."""
        message = f"link:{session['id']}:{session['generation']}".encode()
        return base64.urlsafe_b64encode(hmac.digest(self._secret, message, "sha256")).rstrip(b"=").decode()

    def replace_link(self, study_name: str, session_id: str) -> dict:
        """Give the session a new link; the old one stops working at once, on other machines within LINK_SECONDS."""
        session = self._stored_session(study_name, session_id)
        if session.get("erased_at"):
            raise StudyError("This observer was deleted: nobody is left to send a link to.")
        session = self.store.update(
            "session", f"{study_name}/{session_id}", lambda old: {**old, "generation": old["generation"] + 1}
        )
        self._create_link(session)
        # Another caller may be doing the same: whoever comes last removes every link but the newest.
        newest = self._stored_session(study_name, session_id)
        for generation in range(newest["generation"]):
            self._delete_link({**newest, "generation": generation})
        return newest

    def _create_link(self, session: Mapping) -> None:
        self.store.create("link", _hash(self.token(session)), {"study": session["study"], "session": session["id"]})

    def _delete_link(self, session: Mapping) -> None:
        self.store.delete("link", _hash(self.token(session)))
        self.lookups.tell()

    def session_of(self, study_name: str, observer: str) -> str:
        """The id of the session of the observer with this name; StudyError if there is none."""
        known = self.store.get("observer", _observer_key(study_name, check_observer(observer)))
        if known is None:
            raise StudyError(f"There is no observer named {observer} in the study {study_name}.")
        return known["session"]

    def delete_observer(self, study_name: str, observer: str, keep_answers: bool, now: int) -> None:
        """Erase the person: link, name, profile and display check; with `keep_answers` the answers stay, as those of
        nobody known.

        What leads to the rest goes last, so that it can be called again after a crash.
        """
        session_id = self.session_of(study_name, observer)
        key = f"{study_name}/{session_id}"
        session = self.store.get("session", key)
        if session is not None:
            self._delete_link(session)
        if keep_answers:
            self.store.update("session", key, lambda old: _erased(old, now))
        else:
            for kind in ("answer", "shown"):
                for trial, _ in self.store.scan(kind, f"{session_id}/"):
                    self.store.delete(kind, trial)
            self.store.delete("session", key)
        self.store.delete("observer", _observer_key(study_name, check_observer(observer)))

    def find_link(self, token: str) -> tuple[str, str] | None:
        """(study name, session id) that the token opens, or None."""
        digest = _hash(token)
        link = self.lookups.get(f"link {digest}", LINK_SECONDS, lambda: self.store.get("link", digest), bool)
        return None if link is None else (link["study"], link["session"])

    def session(self, study_name: str, session_id: str) -> dict:
        """The session; StudyError if there is none.

        Remembered once it is started, because nothing changes in it from then on; before, another worker may have taken
        it a stage further.
        """
        return self.lookups.get(
            f"session {study_name}/{session_id}",
            SESSION_SECONDS,
            lambda: self._stored_session(study_name, session_id),
            lambda session: session.get("started_at"),
        )

    def _stored_session(self, study_name: str, session_id: str) -> dict:
        session = self.store.get("session", f"{study_name}/{session_id}")
        if session is None:
            raise StudyError(f"There is no session {session_id} in the study {study_name}.")
        return session

    def sessions(self, study_name: str) -> list[dict]:
        """The study's sessions, in the order of invitation."""
        found = [session for _, session in self.store.scan("session", f"{study_name}/")]
        return sorted(found, key=lambda session: (session["invited_at"], session["observer"]))

    def set_once(self, session: Mapping, **values) -> dict:
        """Set fields of the session that are not set yet; what is set stays as it is."""

        def change(old: dict | None) -> dict:
            return {**old, **{name: value for name, value in values.items() if old.get(name) is None}}

        return self.store.update("session", f"{session['study']}/{session['id']}", change)

    # Trials

    def position(self, session: Mapping) -> Position:
        """Where the session stands. Answers are written in turn, so their number is the index of the next one."""
        index = self.store.count("answer", f"{session['id']}/")
        released_at, shown_at = session.get("started_at"), None
        if index:
            last = self.store.get("answer", _trial_key(session["id"], index - 1))
            released_at = last["received_at"]
            shown_at = released_at if last["next_shown"] else None
        if shown_at is None:
            shown = self.store.get("shown", _trial_key(session["id"], index))
            shown_at = shown and shown["at"]
        return Position(index, released_at, shown_at)

    def mark_shown(self, session_id: str, index: int, now: int) -> int:
        """Record that a trial's image is on screen; the time of the first call stands. Returns that time."""
        if self.store.create("shown", _trial_key(session_id, index), {"at": now}):
            return now
        return self.store.get("shown", _trial_key(session_id, index))["at"]

    def add_answer(self, session_id: str, index: int, answer: Mapping) -> bool:
        """Store the answer unless the trial has one. False if it has."""
        return self.store.create("answer", _trial_key(session_id, index), dict(answer))

    def add_answer_later(
        self, session_id: str, index: int, answer: Mapping, done: Callable[[Callable[[], bool]], None]
    ) -> None:
        """Like `add_answer`, but at once: `done` is called with what gives its result or raises its error, then."""
        self.store.create_later("answer", _trial_key(session_id, index), dict(answer), done)

    def answer(self, session_id: str, index: int) -> dict | None:
        return self.store.get("answer", _trial_key(session_id, index))

    def progress(self, study: Study, session: Mapping) -> dict:
        """How far a session is: stage (invited, profile, instructions, rating, finished), scored ratings so far, time
        of the last one."""
        rated = self.store.count("answer", f"{session['id']}/")
        last = self.answer(session["id"], rated - 1) if rated else None
        practice, total = len(study.practice), len(study.practice) + study.scored_total
        finished = session.get("imported") or rated == total
        return {
            "stage": "finished" if finished else PROGRESS_STAGES[stage(session, study.protocol)],
            "finished": bool(finished),
            "rated": max(0, rated - practice),
            "last_at": (last and last["received_at"]) or session.get("started_at") or session.get("consented_at"),
        }

    def rows(self, study: Study, progress: Callable[[], None] = lambda: None) -> list[dict]:
        """The study's table of answers: one dict an answer with the names of `app.fields`, observers in the order of
        invitation."""
        rows = []
        for session in self.sessions(study.name):
            rows += self.rows_of(study, session)
            progress()
        return rows

    def rows_of(self, study: Study, session: Mapping) -> list[dict]:
        """One session's part of the table of answers."""
        profile = session.get("profile") or {}
        common = {
            "study": study.name,
            "session": session["id"],
            "observer": session["observer"],
            "simulated": session["simulated"],
        }
        common |= {name: profile.get(name) for name in ("role", "specialty", "years")}
        shown = {key: document["at"] for key, document in self.store.scan("shown", f"{session['id']}/")}
        known = {**study.practice, **study.images}
        rows, before = [], None
        for key, answer in self.store.scan("answer", f"{session['id']}/"):
            shown_at = before["received_at"] if before and before["next_shown"] else shown.get(key)
            if shown_at and answer["received_at"] and shown_at > answer["received_at"]:
                shown_at = None  # the rating overtook the call that told of the showing
            measures = answer["measures"]
            late = (
                is_late(answer["viewing_ms"], measures.get("submitted_ms"), shown_at, answer["received_at"])
                if answer["received_at"]
                else None
            )
            image = {name: known[answer["image"]].get(name) for name in ("truth", "pool", "source")}
            stored = {
                name: answer[name]
                for name in ("kind", "number", "repeat", "image", "rating", "viewing_ms", "released_at", "received_at")
            }
            rows.append({**common, **image, **stored, "shown_at": shown_at, "late": late, **measures})
            before = answer
        return rows

    # What researchers did

    def add_audit(self, entry: Mapping, now: int) -> None:
        self.store.create("audit", f"{now:015d}/{secrets.token_hex(4)}", {"at": now, **entry})

    def audit_log(self) -> list[dict]:
        """All entries, oldest first."""
        return [entry for _, entry in self.store.scan("audit")]


def check_observer(name: str) -> str:
    """Return the observer's name without needless spaces; raise StudyError if it cannot be one."""
    name = " ".join(name.split())
    if name.casefold() == ALL_OBSERVERS.casefold():
        raise StudyError(f"{name!r} is what results call everybody together: choose another name.")
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise StudyError(f"{name[:90]!r} cannot be an observer's name: use 1 to 80 printable characters.")
    return name


def _erased(session: Mapping | None, now: int) -> dict | None:
    if session is None:
        return None
    kept = {name: value for name, value in session.items() if name not in ("profile", "display")}
    return {**kept, "observer": f"Deleted {session['id']}", "erased_at": now}


def _observer_key(study_name: str, name: str) -> str:
    return f"{study_name}/{hashlib.sha256(name.casefold().encode()).hexdigest()[:32]}"


def _trial_key(session_id: str, index: int) -> str:
    return f"{session_id}/{index:05d}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

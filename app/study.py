"""The rules of the quiz, pure: no Flask, no storage, no clock of its own. Times are integers, milliseconds since 1970
UTC, passed in."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import isfinite

RATINGS = {1: "Definitely real", 2: "Probably real", 3: "Unsure", 4: "Probably fake", 5: "Definitely fake"}
TRUTHS = ("real", "synthetic")
ORDERS = ("random", "fixed")
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
RESERVED_NAMES = ("sign-in", "sign-out")
NAME_RULE = "use 1 to 64 lower-case letters, digits, '-' and '_', beginning with a letter or digit"
ROLES = {
    "general": "General dentist",
    "specialist": "Specialist dentist",
    "radiologist": "Oral radiologist",
    "resident": "Resident in training",
    "student": "Dental student",
    "other": "Other",
}
KINDS = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    str: (str, "a text"),
}
TEXTS = ("welcome", "consent", "instructions", "thanks")
REPEAT_DISTANCE = 30  # trials at least between the two showings of an image
LOOK_AHEAD = 4  # trials named to the browser beyond the current one


class StudyError(ValueError):
    """A study that cannot be: one sentence that says what to change."""


@dataclass(frozen=True)
class Protocol:
    """What a study is, apart from its images. Frozen with the study's first session.

    Times are in seconds. `break_every` 0 means no breaks; the break halfway lasts `long_break_seconds`.
    The lengths of breaks are suggestions: the observer goes on when ready. `practice` trials, half real and half
    synthetic, follow the warm-up and come from images outside the study; `repeats` images are shown a second time,
    unannounced. `leaderboard` ranks those who have finished, on the research pages alone.
    """

    name: str
    title: str = "Real or synthetic?"
    images: int = 200
    viewing_seconds: float = 13
    break_every: int = 25
    break_seconds: int = 30
    long_break_seconds: int = 120
    order: str = "random"
    seed: int = 0
    warm_up_seconds: float = 600
    practice: int = 0
    practice_feedback: bool = True
    repeats: int = 0
    profile: bool = True
    show_results: bool = False
    leaderboard: bool = False
    pause_when_hidden: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        check_name(self.name)
        self._check_types()
        printable = self.title.strip() and self.title.isprintable()
        _require(printable and len(self.title) <= 200, "title: write 1 to 200 printable characters")
        _require(1 <= self.images <= 2000, f"images: {self.images} is not between 1 and 2000")
        for name in ("viewing_seconds", "warm_up_seconds"):
            _require(
                0.1 <= getattr(self, name) <= 3600, f"{name}: {getattr(self, name)} is not between 0.1 and 3600 seconds"
            )
        for name in ("break_every", "break_seconds", "long_break_seconds"):
            _require(0 <= getattr(self, name) <= 3600, f"{name}: {getattr(self, name)} is not between 0 and 3600")
        _require(
            0 <= self.practice <= 50 and self.practice % 2 == 0, f"practice: {self.practice} is no even number up to 50"
        )
        most = max(0, self.images - REPEAT_DISTANCE)
        _require(
            0 <= self.repeats <= most,
            f"repeats: {self.repeats} is not between 0 and {most}: repeats stand {REPEAT_DISTANCE} trials apart",
        )
        _require(self.order in ORDERS, f"order: {self.order!r} is neither 'random' nor 'fixed'")
        for name, text in self.texts.items():
            _require(name in TEXTS, f"texts: {name!r} is not one of {', '.join(TEXTS)}")
            _require(
                isinstance(text, str) and len(text) <= 20_000 and _encodable(text),
                f"texts: {name} is not a text of at most 20,000 characters",
            )

    def _check_types(self):
        for item in fields(self):
            if item.type in KINDS:
                types, kind = KINDS[item.type]
                value = getattr(self, item.name)
                # bool is an int to Python, not to a researcher.
                fits = isinstance(value, types) and (item.type is bool or not isinstance(value, bool))
                _require(fits and (item.type is not float or isfinite(value)), f"{item.name}: {value!r} is not {kind}")

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Break:
    kind: str  # "short" or "long"
    seconds: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One image shown and rated within a session. `index` counts every trial from 0, `number` those of its kind from
    1."""

    index: int
    kind: str  # "practice" or "scored"
    number: int
    image: str
    viewing_ms: int
    break_before: Break | None
    repeat: bool = False


def check_name(name: str) -> str:
    """Return `name` if it may name a study or pool; raise StudyError otherwise."""
    _require(isinstance(name, str) and NAME_PATTERN.fullmatch(name), f"{name!r} is not a name: {NAME_RULE}")
    _require(name not in RESERVED_NAMES, f"{name!r} is an address of the research pages: choose another name")
    return name


def image_order(protocol: Protocol, images: Sequence[str], session: str) -> list[str]:
    """The order in which a session shows the study's images.

    "fixed" keeps the frozen list's order, which is itself shuffled by the study's seed. "random" sorts the image names
    by the SHA-256 of "SEED:SESSION:NAME": a permutation that anyone can recompute, in any language, from the exported
    answers.
    """
    if protocol.order == "fixed":
        return list(images)
    return sorted(images, key=_draw(f"{protocol.seed}:{session}"))


def sequence(protocol: Protocol, images: Sequence[str], practice: Sequence[str], session: str) -> list[Trial]:
    """All trials of a session, in order: practice, the warm-up first, then scored.

    The warm-up has a time of its own, further practice trials that of the scored ones.
    """
    viewing_ms = round(protocol.viewing_seconds * 1000)
    times = [round(protocol.warm_up_seconds * 1000)] + [viewing_ms] * len(practice)
    warm_up = [
        Trial(i, "practice", i + 1, name, time, None)
        for i, (name, time) in enumerate(zip(practice, times, strict=False))
    ]
    order = with_repeats(protocol, image_order(protocol, images, session), session)
    scored = [
        Trial(len(warm_up) + i, "scored", i + 1, name, viewing_ms, break_before(protocol, i + 1, len(order)), repeat)
        for i, (name, repeat) in enumerate(order)
    ]
    return warm_up + scored


def with_repeats(protocol: Protocol, order: Sequence[str], session: str) -> list[tuple[str, bool]]:
    """The order with the session's hidden repeats put in: (image, whether it is shown for the second time).

    Repeated are images that come early enough, drawn by hash like the order itself; each comes again somewhere between
    REPEAT_DISTANCE trials after its first showing and the end.
    """
    if not protocol.repeats:
        return [(name, False) for name in order]
    key = _draw(f"{protocol.seed}:{session}:repeat")
    early = sorted(range(len(order) - REPEAT_DISTANCE + 1), key=lambda place: key(order[place]))[: protocol.repeats]
    places = [(float(place), name, False) for place, name in enumerate(order)]
    for first in early:
        soonest = first + REPEAT_DISTANCE - 1
        share = int.from_bytes(key(f"{order[first]}:place")[:6]) / 2**48
        places.append((soonest + 0.5 + int(share * (len(order) - soonest)), order[first], True))
    return [(name, repeat) for _, name, repeat in sorted(places)]


def _draw(seed: str) -> Callable[[str], bytes]:
    return lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()


def break_before(protocol: Protocol, number: int, total: int) -> Break | None:
    """The break before scored trial `number` (from 1) of `total`: after every `break_every` images, and a longer one
    halfway."""
    done = number - 1
    if not protocol.break_every or not done:
        return None
    if done == total // 2:
        return Break("long", protocol.long_break_seconds)
    if done % protocol.break_every == 0:
        return Break("short", protocol.break_seconds)
    return None


def check_rating(rating: object) -> int:
    """Return the rating, an integer 1 to 5; raise StudyError for anything else."""
    _require(type(rating) is int and rating in RATINGS, "The rating has to be a whole number from 1 to 5.")
    return rating


def is_late(viewing_ms: int, submitted_ms: float | None, shown_at: int | None, received_at: int) -> bool | None:
    """Whether a rating was submitted after the viewing time was over.

    The browser's own measurement decides, since it has no network in it; the server's times stand in where there is
    none. None if neither is known.
    """
    if submitted_ms is not None:
        return submitted_ms > viewing_ms
    if shown_at is not None:
        return received_at - shown_at > viewing_ms
    return None


def stage(session: Mapping, protocol: Protocol) -> str:
    """The page that a session has come to, before its trials: "welcome", "profile", "instructions" or "trials"."""
    if not session.get("consented_at"):
        return "welcome"
    if protocol.profile and session.get("profile") is None:
        return "profile"
    if not session.get("started_at"):
        return "instructions"
    return "trials"


def check_profile(form: Mapping[str, str]) -> tuple[dict, dict]:
    """A profile as sent in a form: (profile, errors), the errors by field."""
    errors = {}
    role = form.get("role", "")
    if role not in ROLES:
        errors["role"] = "Choose your role."
    specialty = " ".join(form.get("specialty", "").split())
    if len(specialty) > 100:
        errors["specialty"] = "Write at most 100 characters."
    years = _years(form.get("years", ""))
    if years is None:
        errors["years"] = "Write your years of experience as a number from 0 to 70."
    return {"role": role, "specialty": specialty, "years": years}, errors


def _years(text: str) -> float | None:
    try:
        years = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return years if 0 <= years <= 70 else None


def _encodable(text: str) -> bool:
    try:
        return text.encode() is not None
    except UnicodeEncodeError:
        return False


def _require(condition: object, message: str) -> None:
    if not condition:
        raise StudyError(message)

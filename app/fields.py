"""Every field recorded for an answer, declared once: the data dictionary, the export's columns and the checks on what a
browser sends."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Field:
    """One column of `answers.csv`.

    `kind` is text, integer, number, flag (true/false) or time (UTC, ISO 8601 with milliseconds);
    `origin` says who knows it: the study's protocol, the server, or the observer's browser.
    """

    name: str
    kind: str
    origin: str
    unit: str
    description: str
    low: float = 0
    high: float = 1e9


STUDY, SERVER, BROWSER = "study", "server", "browser"
DAY_MS = 86_400_000

FIELDS = [
    Field("study", "text", STUDY, "", "Name of the study."),
    Field("session", "text", SERVER, "", "Random identifier of the session: one observer's run through the study."),
    Field("observer", "text", STUDY, "", "The observer's name as the researcher gave it when inviting."),
    Field(
        "simulated",
        "flag",
        SERVER,
        "",
        "True if the observer was simulated; left out of exports and results unless asked for.",
    ),
    Field("role", "text", SERVER, "", "Role, from the observer's profile; empty if the profile is switched off."),
    Field("specialty", "text", SERVER, "", "Specialty, from the observer's profile."),
    Field("years", "number", SERVER, "years", "Years of experience, from the observer's profile."),
    Field(
        "kind",
        "text",
        SERVER,
        "",
        "scored, practice (the warm-up: never part of a result), or machine (a rating of the machine observer's, which "
        "learned from the study's truth: never part of a result about people).",
    ),
    Field("number", "integer", SERVER, "", "Position of the trial within its kind, from 1, in the order shown."),
    Field("repeat", "flag", SERVER, "", "True if the image was shown for the second time; not part of any count."),
    Field("image", "text", STUDY, "", "Random name of the study image."),
    Field("truth", "text", STUDY, "", "real or synthetic. Synthetic is the positive class."),
    Field("pool", "text", STUDY, "", "Pool that the image came from."),
    Field("source", "text", STUDY, "", "The image's source as the pool's manifest gives it."),
    Field(
        "rating",
        "integer",
        SERVER,
        "",
        "1 Definitely real, 2 Probably real, 3 Unsure, 4 Probably fake, 5 Definitely fake.",
    ),
    Field("label", "text", SERVER, "", "The rating in words."),
    Field(
        "outcome",
        "text",
        SERVER,
        "",
        "TP synthetic called fake, TN real called real, FP real called fake, FN synthetic called real, or Unsure.",
    ),
    Field("certainty", "text", SERVER, "", "fully (ratings 1 and 5), partially (2 and 4), or none (3)."),
    Field("viewing_ms", "integer", STUDY, "ms", "The viewing time allowed for this image."),
    Field(
        "late",
        "flag",
        SERVER,
        "",
        "True if the rating was submitted after the viewing time was over: submitted_ms above viewing_ms; "
        "received_at minus shown_at above viewing_ms where the browser sent no time.",
    ),
    Field(
        "released_at",
        "time",
        SERVER,
        "UTC",
        "When the server handed the trial (the image's address and its ticket) to the browser as the current one.",
    ),
    Field(
        "shown_at",
        "time",
        SERVER,
        "UTC",
        "When the server learnt that the image was on screen; in another browser the viewing time runs from here.",
    ),
    Field(
        "received_at", "time", SERVER, "UTC", "When the server got the rating; it was durable before the reply left."
    ),
    Field(
        "painted_at", "time", BROWSER, "UTC", "When the image was first painted, by the browser's own clock.", 0, 4e12
    ),
    Field(
        "response_ms",
        "number",
        BROWSER,
        "ms",
        "From the painting frame to the selection of the rating that was submitted, by the event's own time stamp.",
        0,
        DAY_MS,
    ),
    Field("first_input_ms", "number", BROWSER, "ms", "From painting to the first key, click or touch.", 0, DAY_MS),
    Field("submitted_ms", "number", BROWSER, "ms", "From painting to the submission of the rating.", 0, DAY_MS),
    Field(
        "visible_ms",
        "number",
        BROWSER,
        "ms",
        "Time that the image was on screen in all, from frame to frame.",
        0,
        DAY_MS,
    ),
    Field(
        "hidden_by_limit",
        "flag",
        BROWSER,
        "",
        "True if the end of the viewing time hid the image; false if the rating came first.",
    ),
    Field(
        "resumed",
        "flag",
        BROWSER,
        "",
        "True if the page was loaded anew while this trial was under way, so that its times span the interruption.",
    ),
    Field(
        "rating_changes", "integer", BROWSER, "", "How often another rating was selected before submitting.", 0, 10_000
    ),
    Field(
        "load_ms",
        "number",
        BROWSER,
        "ms",
        "Wait from the previous submission (or from pressing Continue) to this image's painting.",
        0,
        DAY_MS,
    ),
    Field("zoom_changes", "integer", BROWSER, "", "How often the observer zoomed.", 0, 1_000_000),
    Field("max_zoom", "number", BROWSER, "", "Largest zoom used; 1 is the whole image fitted to the screen.", 0, 1000),
    Field(
        "window_changes",
        "integer",
        BROWSER,
        "",
        "How often the observer changed window, level or inversion.",
        0,
        1_000_000,
    ),
    Field(
        "focus_losses",
        "integer",
        BROWSER,
        "",
        "How often the page lost the focus or was hidden during the trial.",
        0,
        100_000,
    ),
    Field("focus_lost_ms", "number", BROWSER, "ms", "Time without the focus during the trial, in all.", 0, DAY_MS),
    Field(
        "frames_missed",
        "integer",
        BROWSER,
        "",
        "Display frames that came late while the image was on screen.",
        0,
        10_000_000,
    ),
    Field("frame_ms", "number", BROWSER, "ms", "Median interval between display frames.", 0, 10_000),
    Field("screen_width", "integer", BROWSER, "CSS px", "Width of the screen.", 0, 100_000),
    Field("screen_height", "integer", BROWSER, "CSS px", "Height of the screen.", 0, 100_000),
    Field("viewport_width", "integer", BROWSER, "CSS px", "Width of the page's visible part.", 0, 100_000),
    Field("viewport_height", "integer", BROWSER, "CSS px", "Height of the page's visible part.", 0, 100_000),
    Field("pixel_ratio", "number", BROWSER, "", "Device pixels to a CSS pixel.", 0, 100),
    Field("image_scale", "number", BROWSER, "CSS px", "Size of one image pixel on screen at zoom 1.", 0, 100),
]

MEASURES = {field.name: field for field in FIELDS if field.origin == BROWSER}


def clean_measures(sent: object) -> dict:
    """What a browser measured, as far as it is possible.

    Unknown names are dropped; a value of the wrong type or out of bounds is left out, because a rating must never be
    lost for its measures.
    """
    if not isinstance(sent, dict):
        return {}
    return {name: sent[name] for name, field in MEASURES.items() if name in sent and _possible(field, sent[name])}


def _possible(field: Field, value: object) -> bool:
    if field.kind == "flag":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # JSON has no NaN, but Python's reader takes it. An integer may be too large for isfinite, and needs no such check.
    if isinstance(value, float) and not isfinite(value):
        return False
    if field.kind == "integer" and value != int(value):
        return False
    return field.low <= value <= field.high

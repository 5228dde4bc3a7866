"""What an export is made of: the protocol and the table of answers, from the records."""

from collections.abc import Mapping
from datetime import UTC, datetime

from .records import Records, Study


def export_parts(
    records: Records, study: Study, include_simulated: bool = False
) -> tuple[dict, list[dict], dict[str, bool]]:
    """(protocol, rows, finished by observer) of a study, as `analysis.export` takes them.

    Simulated observers are left out of all three unless asked for.
    """
    sessions = [known for known in records.sessions(study.name) if include_simulated or not known["simulated"]]
    finished = {known["observer"]: records.progress(study, known)["finished"] for known in sessions}
    rows = [row for known in sessions for row in records.rows_of(study, known)]
    return protocol_document(study, sessions, finished), rows, finished


def protocol_document(study: Study, sessions: list[dict], finished: Mapping[str, bool]) -> dict:
    """The whole protocol, for the record: settings, texts, images in their frozen order, pools, observers and what
    their display check found."""
    observers = [
        {name: session.get(name) for name in ("id", "observer", "simulated", "display")}
        | {"finished": finished[session["observer"]]}
        for session in sessions
    ]
    return {
        "protocol": study.protocol.as_dict(),
        "created_at": iso(study.created_at),
        "frozen_at": iso(study.frozen_at),
        "imported": study.imported,
        "pools": dict(study.pools),
        "images": [{"name": name, **image} for name, image in study.images.items()],
        "practice": [{"name": name, **image} for name, image in study.practice.items()],
        "observers": observers,
    }


def iso(ms: int | None) -> str | None:
    """UTC in ISO 8601 with milliseconds."""
    return (
        None
        if ms is None
        else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )

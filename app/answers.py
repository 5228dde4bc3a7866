"""What an export is made of: the protocol and the table of answers, from the records."""

from datetime import UTC, datetime

from .records import Records, Study


def export_parts(records: Records, study: Study) -> tuple[dict, list[dict], dict[str, bool]]:
    """(protocol, rows, finished by observer) of a study, as `analysis.export` takes them."""
    return protocol_document(records, study), records.rows(study), finished_by_observer(records, study)


def finished_by_observer(records: Records, study: Study) -> dict[str, bool]:
    """Whether each observer's session is complete; simulated observers are left out, as they are of the results."""
    sessions = [session for session in records.sessions(study.name) if not session["simulated"]]
    return {session["observer"]: records.progress(study, session)["finished"] for session in sessions}


def protocol_document(records: Records, study: Study) -> dict:
    """The whole protocol, for the record: settings, texts, images in their frozen order, pools, observers and what
    their display check found."""
    observers = [
        {name: session.get(name) for name in ("id", "observer", "simulated", "display")}
        | {"finished": records.progress(study, session)["finished"]}
        for session in records.sessions(study.name)
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

"""The audit log: what researchers did to which study and session, when and from where. It holds no names."""

from flask import has_request_context

from .web import now, records


def note(action: str, study: str | None = None, session: str | None = None) -> None:
    """Add to the log that somebody did `action`, such as "invite"; to be called when it is done."""
    by = "research pages" if has_request_context() else "command line"
    records().add_audit({"action": action, "by": by, "study": study, "session": session}, now())

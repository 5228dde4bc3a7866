"""Tickets: the server's word that it has released a trial to a session, and when. They go out with the trial and come
back with its rating, so that a rating can be checked without reading the store."""

import hmac
import re

TICKET = re.compile(r"(\d{1,16})\.[0-9a-f]{64}", re.ASCII)


def make_ticket(secret: str, session: str, index: int, released_at: int) -> str:
    """`released_at` in ms since 1970, and its HMAC-SHA-256 with the session and the trial's index."""
    message = f"ticket:{session}:{index}:{released_at}"
    return f"{released_at}.{hmac.digest(secret.encode(), message.encode(), 'sha256').hex()}"


def released_at(secret: str, ticket: object, session: str, index: int) -> int | None:
    """When the trial was released, if the ticket is this session's and this trial's; None if it is not."""
    found = TICKET.fullmatch(ticket) if isinstance(ticket, str) else None
    if found is None:
        return None
    at = int(found[1])
    return at if hmac.compare_digest(ticket, make_ticket(secret, session, index, at)) else None

"""Study images that were sent before go out straight from WSGI, at a third of the work.

The first request for an image goes through the application, which checks it and makes its headers. A study image never
changes, so that what was said of it then holds for every later request; whoever asks for a part of it, or whether it
changed, goes through the application again.
"""

from pathlib import Path

from werkzeug.wsgi import wrap_file

from .front import name_request

PREFIX = "/images/"
ROUTE = "/images/<folder>/<name>"
MOST_KNOWN = 20_000  # a hundred studies of 200 images, about 1 KB each
CONDITIONS = ("HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")


def with_known_images(application, studies: Path):
    """`application`, but for images under /images/ that it has sent from `studies` before."""
    known: dict[str, list[tuple[str, str]]] = {}

    def send(environ, start_response):
        address = environ.get("PATH_INFO", "")
        if not address.startswith(PREFIX) or environ["REQUEST_METHOD"] != "GET" or any(map(environ.get, CONDITIONS)):
            return application(environ, start_response)
        if headers := known.get(address):
            try:
                file = (studies / address.removeprefix(PREFIX)).open("rb", buffering=0)
            except OSError:
                del known[address]
            else:
                name_request(environ, ROUTE)
                start_response("200 OK", list(headers))
                return wrap_file(environ, file)

        def learn(status, headers, *error):
            if status.startswith("200 ") and len(known) < MOST_KNOWN:
                known[address] = list(headers)
            return start_response(status, headers, *error)

        return application(environ, learn)

    return send

"""A whole session is searched, byte by byte, for anything that tells an observer which side an image is from."""

import io
import re

import pytest
from conftest import noise_images
from PIL import Image
from player import Player

from app import create_app
from app.creation import create_study
from app.pools import import_pool
from app.study import Protocol

IMAGES, PRACTICE = 12, 2
NAMES = {"real": "hospital-archive", "synthetic": "diffusion-run"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Over a study whose pools and files have telling names, with two practice images that are followed by feedback."""
    folder = tmp_path_factory.mktemp("telling")
    for seed, (truth, pool) in enumerate(NAMES.items(), start=70):
        noise_images(folder / pool, (IMAGES + PRACTICE) // 2, seed)
        for path in sorted((folder / pool).iterdir()):
            path.rename(path.with_name(f"{pool}-smith-{path.name}"))
        import_pool(folder / "quiz_data" / "pools", pool, folder / pool, truth)
    app = create_app(folder / "quiz_data")
    protocol = Protocol(name="telling", title="A quiz", images=IMAGES, practice=PRACTICE, break_every=5)
    create_study(app.extensions["records"], folder / "quiz_data", protocol, *NAMES.values(), 0, lambda: None)
    return app


@pytest.fixture(scope="module")
def study(app):
    return app.extensions["records"].study("telling")


class Recorded:
    """Flask's test client, remembering everything that it receives: (method, address, status line, headers, body)."""

    def __init__(self, client):
        self.client, self.received = client, []

    def __getattr__(self, method):
        def call(address, **options):
            reply = getattr(self.client, method)(address, buffered=True, **options)
            head = "\r\n".join([reply.status, *(f"{name}: {value}" for name, value in reply.headers)])
            self.received.append((method, address, head.encode() + b"\r\n\r\n" + reply.get_data()))
            return reply

        return call


@pytest.fixture(scope="module")
def session(app, study):
    """Everything that an observer's browser receives from the link to the thank-you page, wrong turns included."""
    records, recorded = app.extensions["records"], Recorded(app.test_client())
    player = Player(recorded, f"/quiz/{records.token(records.invite(study, 'Ada', 0)[0])}")
    for page in ("", "/consent", "/state", "/trials/0", "/nowhere"):
        recorded.get(player.url + page)
    for page in ("/consent", "/profile", "/start"):
        recorded.post(player.url + page)
        recorded.post(player.url + page, data={"agree": "yes", "role": "general", "years": "3"})
        recorded.get(player.url)
    player.load()
    while player.current:
        recorded.get(player.current["image"])
        recorded.get(player.current["image"], headers={"Range": "bytes=0-99"})
        recorded.head(player.current["image"])
        player.show()
        recorded.put(f"{player.url}/trials/{player.current['trial']}", data=b"{")
        player.rate(6)
        player.rate(2, trial=player.current["trial"] + 1)
        player.rate(4)
    recorded.get(player.url)
    assert player.state["finished"]
    return recorded.received


def without_allowed(method: str, address: str, reply: bytes) -> bytes:
    """The reply without the one truth that an observer is told: that of a practice image, with its rating's reply."""
    practised = method == "put" and re.search(rf"/trials/[1-{PRACTICE}]$", address)
    return re.sub(rb'"feedback":\s*\{"truth":\s*"\w+"\}', b"", reply) if practised else reply


def test_no_reply_holds_a_pool_a_file_name_or_an_image_s_truth(session, study):
    known = [*study.images.values(), *study.practice.values()]
    telling = {*NAMES.values(), "smith", *(image["source"] for image in known)}
    telling |= {image[name] for image in known for name in ("sha256", "pixels_sha256")}
    assert len(session) > 6 * IMAGES
    for method, address, reply in session:
        found = [text for text in telling if text.encode() in reply]
        assert not found, (method, address)


def test_no_call_names_the_truth_but_that_of_practice_images_once_rated(session):
    """The pages' own words name both sides; the calls' may not."""
    told = 0
    for method, address, reply in session:
        if address.endswith(("/state", "/shown")) or "/trials/" in address or address.startswith("/images/"):
            rest = without_allowed(method, address, reply)
            told += rest != reply
            assert not re.search(rb"truth|synthetic|\breal\b|fake", rest), (method, address)
    assert told == PRACTICE


def test_no_page_names_an_image(session, study):
    """Images come by the calls alone, in turn: no page can tell of one that is still to come."""
    pages = [reply for _, _, reply in session if b"text/html" in reply[:400]]
    assert len(pages) > 10
    assert not [name for name in [*study.images, *study.practice] for page in pages if name.encode() in page]


def test_image_files_hold_pixels_and_nothing_else(session, study):
    images = {
        address: reply.partition(b"\r\n\r\n")[2]
        for method, address, reply in session
        if method == "get" and address.startswith("/images/") and reply.startswith(b"200")
    }
    assert len(images) == IMAGES + PRACTICE + 1
    for address, content in images.items():
        # One lossless stream that fills the file: no chunk for EXIF, XMP, a profile or anything else.
        assert content[:4] + content[8:16] == b"RIFFWEBPVP8L", address
        length = int.from_bytes(content[16:20], "little")
        assert len(content) == 20 + length + length % 2, address
        with Image.open(io.BytesIO(content)) as image:
            assert (image.size, image.mode) == ((1024, 512), "RGB")


def test_headers_of_images_differ_in_what_follows_from_the_bytes_alone(session):
    heads = set()
    for method, address, reply in session:
        if method == "get" and address.startswith("/images/") and reply.startswith(b"200"):
            # The one name in them is the address's own.
            head = reply.partition(b"\r\n\r\n")[0].replace(address.rsplit("/", 1)[1].encode(), b"NAME")
            heads.add(re.sub(rb"\r\n(Content-Length|ETag|Date|Expires): [^\r]*", b"", head))
    assert len(heads) == 1, heads

"""A small study of noise images, built once, and a fresh copy of it for every test that wants one."""

import json
import random
import shutil

import pytest
from PIL import Image
from player import Player

from app import create_app
from app.creation import create_study
from app.pools import import_pool
from app.study import Protocol

IMAGES = 8


class Clock:
    """The server's clock, moved by hand: milliseconds since 1970."""

    def __init__(self):
        self.ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.ms

    def move(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


def noise_images(folder, count: int, seed: int) -> None:
    """Write `count` different little panoramic-format pictures."""
    folder.mkdir(parents=True)
    for i in range(count):
        noise = Image.frombytes("L", (16, 8), random.Random(f"{seed}:{i}").randbytes(128))
        noise.resize((512, 256), Image.Resampling.BICUBIC).save(folder / f"{seed}-{i:03d}.png")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A data folder with the pools `cases` (real) and `fakes` (synthetic) and the study `small`."""
    root = tmp_path_factory.mktemp("built")
    data = root / "quiz_data"
    for seed, (name, truth) in enumerate([("cases", "real"), ("fakes", "synthetic")]):
        noise_images(root / name, IMAGES, seed)
        import_pool(data / "pools", name, root / name, truth)
    app = create_app(data)
    with app.app_context():
        protocol = Protocol(name="small", title="A quiz", images=IMAGES, break_every=3, seed=5, profile=True)
        create_study(app.extensions["records"], data, protocol, "cases", "fakes", 1_780_000_000_000, lambda: None)
    return data


@pytest.fixture
def data(built, tmp_path):
    return shutil.copytree(built, tmp_path / "quiz_data")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(data, clock):
    app = create_app(data)
    app.config["CLOCK"] = clock
    return app


@pytest.fixture
def records(app):
    return app.extensions["records"]


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def flask(app):
    """Run a `flask …` command; the result has exit_code, output (stdout and stderr)."""
    return lambda *args: app.test_cli_runner().invoke(args=[str(arg) for arg in args])


@pytest.fixture
def invite(app, records):
    """Invite an observer to a study; gives the personal address."""

    def make(observer: str = "Ada", study: str = "small") -> str:
        session, _ = records.invite(records.study(study), observer, app.config["CLOCK"]())
        return f"/quiz/{records.token(session)}"

    return make


@pytest.fixture
def player(client, invite):
    """An observer who has read the instructions and stands before the warm-up."""
    player = Player(client, invite())
    player.begin()
    return player


@pytest.fixture
def truths(data, app, records):
    """Truth by image address, which only the server knows."""
    study = records.study("small")
    known = {**study.images, **study.practice}
    return {f"/images/{study.folder}/{name}.webp": image["truth"] for name, image in known.items()}


@pytest.fixture
def post_json(client):
    return lambda address, body: client.post(address, data=json.dumps(body), content_type="application/json")


@pytest.fixture(scope="module")
def one_thread():
    """torch on one core: sums in one order, and no core taken from the tests beside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

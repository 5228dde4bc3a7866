"""Promises of generate-pool: one pool for one seed, whoever makes it and however often they are killed; a gate that
refuses what it says it refuses."""

import csv
import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pools import COUNT, UNTRAINED, content, lines, make, tiny_checkpoints

from generator.checkpoint import save_checkpoint
from generator.errors import GeneratorError
from generator.pool.settings import image_seed

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tiny_checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def pool(checkpoints, tmp_path_factory):
    return make(tmp_path_factory.mktemp("pools"), checkpoints)


def test_the_pool_is_one_that_the_application_reads(pool, checkpoints):
    from app.pools import load_pool, read_pool_image

    loaded = load_pool(pool)
    assert (loaded.truth, len(loaded.images)) == ("synthetic", COUNT)
    for index, image in enumerate(loaded.images):
        grey = read_pool_image(loaded, image)
        assert (grey.mode, grey.size) == ("L", (1024, 512))
        known = image.provenance
        assert (known["index"], known["seed"], known["pool_seed"]) == (index, image_seed(3, index), 3)
        assert (known["sampler"], known["steps"], known["eta"]) == ("ddim", 2, 1.0)
        for kind, path in checkpoints.items():
            assert known[kind] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert known["versions"]["torch"]
    assert len({image.pixels_sha256 for image in loaded.images}) == COUNT
    assert [line["index"] for line in lines(pool / "times.jsonl")] == list(range(COUNT))
    assert not (pool / ".work").exists()


def test_an_image_is_what_the_networks_make_of_its_seed(pool, checkpoints):
    from generator import diffusion, superres

    seed = lines(pool / "manifest.jsonl")[2]["provenance"]["seed"]
    with warnings.catch_warnings():
        small = diffusion.sample(diffusion.load(checkpoints["diffusion"]), [seed])
    large = superres.upscale(superres.load(checkpoints["superres"]), diffusion.to_grey(small))
    grained = superres.load_grain(checkpoints["superres"]).add(large[0], seed)
    assert np.array_equal(np.asarray(Image.open(pool / "images" / "000002.png")), grained)


def test_the_same_seed_gives_the_same_pool_and_a_smaller_one_its_beginning(pool, checkpoints, tmp_path):
    one_by_one = make(tmp_path, checkpoints, overlapped=False)
    assert content(one_by_one) == content(pool)
    few = make(tmp_path, checkpoints, name="few", count=2)
    assert (pool / "manifest.jsonl").read_bytes().startswith((few / "manifest.jsonl").read_bytes())
    other = make(tmp_path, checkpoints, name="other", count=1, seed=4)
    assert content(other)["000000.png"] not in content(pool).values()


def make_as(rank, world, folder, checkpoints):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(world))
    make(folder, checkpoints)


def started(*arguments):
    """A process that is one of those that `accelerate launch` starts; what is slow to import is so once for all."""
    context = multiprocessing.get_context("forkserver")
    solvers = ("ddim", "dpmsolver_multistep", "unipc_multistep")  # which diffusers imports when they are used
    modules = [f"diffusers.schedulers.scheduling_{solver}" for solver in solvers]
    context.set_forkserver_preload(["generator.pool.make", *modules])
    process = context.Process(target=make_as, args=arguments)
    process.start()
    return process


def test_killed_and_finished_by_two_processes_it_is_the_pool_of_one(pool, checkpoints, tmp_path):
    target = tmp_path / "fakes"
    killed = started(0, 1, tmp_path, checkpoints)
    while killed.is_alive() and len(list(target.glob("images/*.png"))) < 2:
        time.sleep(0.01)
    killed.kill()
    killed.join()
    assert len(lines(target / "manifest.jsonl")) < COUNT
    running = [started(rank, 2, tmp_path, checkpoints) for rank in (1, 0)]
    for process in running:
        process.join(300)
    assert [process.exitcode for process in running] == [0, 0]
    assert content(target) == content(pool)


def test_torchrun_with_two_processes_makes_the_pool_of_one(pool, checkpoints, tmp_path):
    command = ["--standalone", "--nproc-per-node", "2", "-m", "--", "flask", "generate-pool", "fakes"]
    command += ["--count", str(COUNT), "--seed", "3", "--device", "cpu"]
    command += ["--diffusion", checkpoints["diffusion"], "--sr", checkpoints["superres"]]
    command += [part for check in UNTRAINED for part in ("--without-check", check)]
    torchrun = [sys.executable, "-m", "torch.distributed.run"]
    environment = {**os.environ, "QUIZ_DATA": str(tmp_path)}
    done = subprocess.run([*torchrun, *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert content(tmp_path / "pools" / "fakes") == content(pool)


def test_twenty_kills_at_random_moments_end_in_the_same_pools(pool, checkpoints, tmp_path):
    """Each pool is killed within the time that one takes, until a process is faster; as many pools as that needs."""
    for name in ("first", "second"):  # the first pays for what all share
        began = time.monotonic()
        started(0, 1, tmp_path / name, checkpoints).join()
    taken, chance, kills = time.monotonic() - began, np.random.default_rng(0), 0
    for number in range(60):
        folder = tmp_path / str(number)
        while killed_within(chance.uniform() * taken, folder, checkpoints):
            kills += 1
        finished = folder / "fakes"
        assert content(finished) == content(pool)
        assert [line["index"] for line in lines(finished / "times.jsonl")] == list(range(COUNT))
        if kills >= 20:
            break
    assert kills >= 20


def killed_within(seconds, folder, checkpoints):
    """Whether a process that makes a pool was still at it after so many seconds, and was killed."""
    process = started(0, 1, folder, checkpoints)
    process.join(seconds)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


@pytest.mark.parametrize("cut", ["manifest", "work", "torn"])
def test_whatever_a_crash_leaves_is_finished_to_the_same_pool(pool, checkpoints, tmp_path, cut):
    """Stopped at three other moments: between two lines of the manifest, before clearing up, within a line."""

    class Stop(Exception):
        pass

    def stop(done, count):
        if done >= 3:
            raise Stop

    with pytest.raises(Stop):
        make(tmp_path, checkpoints, progress=stop)
    left = tmp_path / "fakes"
    (left / "images" / ".000004.png.half").write_bytes(b"half")
    manifest = left / "manifest.jsonl"
    whole = manifest.read_bytes()
    if cut == "manifest":
        manifest.write_bytes(b"".join(whole.splitlines(keepends=True)[:1]))
    if cut == "torn":
        manifest.write_bytes(whole[:-40])
        made = left / ".work" / "made-0.jsonl"
        made.write_bytes(made.read_bytes()[:-70])
    assert content(make(tmp_path, checkpoints)) == content(pool)


def test_a_finished_pool_is_recognised_without_torch(pool, checkpoints):
    options = {"count": COUNT, "seed": 3, "without": UNTRAINED}
    options |= {kind: str(path) for kind, path in checkpoints.items()}
    code = (
        "import sys; from generator.pool import generate_pool; "
        f"generate_pool({str(pool.parent)!r}, 'fakes', 'Random weights.', **{options!r}); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


# Errors


def test_checkpoints_that_are_none_are_refused_and_leave_nothing(checkpoints, tmp_path):
    whole = checkpoints["diffusion"].read_bytes()
    files = {"cut": whole[: len(whole) // 2], "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.", "empty": b""}
    for name, data in files.items():
        (tmp_path / f"{name}.safetensors").write_bytes(data)
    save_checkpoint(tmp_path / "bare.safetensors", "diffusion", {"w": torch.zeros(2)}, {"config": {}})
    cases = [{kind: tmp_path / f"{name}.safetensors"} for kind in checkpoints for name in files]
    cases += [{"diffusion": checkpoints["superres"]}, {"superres": checkpoints["diffusion"]}]
    cases += [{"diffusion": tmp_path / "bare.safetensors"}, {"diffusion": tmp_path / "none.safetensors"}]
    for case in cases:
        with pytest.raises(GeneratorError) as refusal:
            make(tmp_path / "pools", {**checkpoints, **case})
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "pools").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 0}, "at least 1"),
        ({"seed": -1}, "at least 0"),
        ({"name": "Big"}, "pool's name"),
        ({"sampler": "euler"}, "no sampler 'euler'"),
        ({"steps": 0}, "steps must be"),
        ({"without": ("beauty",)}, "there are blank, saturated"),
        ({"device": "abacus"}, "no device 'abacus'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_odd_options_are_refused_in_one_line_and_leave_nothing(checkpoints, tmp_path, changes, words):
    with pytest.raises(GeneratorError, match=words) as refusal:
        make(tmp_path / "pools", checkpoints, **changes)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "pools").exists()


def test_a_pool_is_gone_on_with_by_the_recommended_sampling_left_out_or_said(pool, checkpoints, tmp_path):
    """The checkpoint recommends ddim with 2 steps and eta 1."""
    said = {"sampler": "ddim", "steps": 2, "eta": 1.0}
    before = content(pool)
    for options in (said, {"steps": 2}, {"sampler": "ddim"}):
        make(pool.parent, checkpoints, **options)
    assert content(pool) == before
    one = make(tmp_path, checkpoints, count=1, **said)
    head = (one / "pool.json").read_bytes()
    make(tmp_path, checkpoints, count=1)
    assert (one / "pool.json").read_bytes() == head
    for other, words in (({"steps": 3}, "steps 2, not 3"), ({"eta": 0.5}, "eta 1.0, not 0.5")):
        with pytest.raises(GeneratorError, match=f"begun with {words}"):
            make(tmp_path, checkpoints, count=1, **(said | other))


def test_a_pool_that_has_to_be_small_is_kept_as_lossy_webp(pool, checkpoints, tmp_path):
    small = make(tmp_path, checkpoints, count=2, quality=60)
    for line, exact in zip(lines(small / "manifest.jsonl"), lines(pool / "manifest.jsonl"), strict=False):
        data = (small / line["file"]).read_bytes()
        decoded = Image.open(small / line["file"])
        assert (line["file"][-5:], decoded.format, decoded.size) == (".webp", "WEBP", (1024, 512))
        assert line["sha256"] == hashlib.sha256(data).hexdigest()
        pixels = hashlib.sha256(b"1024x512:" + decoded.convert("L").tobytes()).hexdigest()
        assert line["pixels_sha256"] == pixels != exact["pixels_sha256"]
        assert line["provenance"] == exact["provenance"]
    assert make(tmp_path, checkpoints, count=2) == small  # a finished pool: its quality need not be said again
    with pytest.raises(GeneratorError, match="begun with quality 60, not 70"):
        make(tmp_path, checkpoints, count=2, quality=70)
    with pytest.raises(GeneratorError, match="quality must be 1 to 100, or left out for PNG, not 101"):
        make(tmp_path, checkpoints, name="none", quality=101)
    assert not (tmp_path / "none").exists()


def test_a_pool_begun_otherwise_is_left_alone(pool, checkpoints):
    before = content(pool)
    for changes, words in [({"seed": 9}, "begun with seed 3, not 9"), ({"count": 50}, "begun with count 5, not 50")]:
        with pytest.raises(GeneratorError, match=words):
            make(pool.parent, checkpoints, **changes)
    assert content(pool) == before


def test_the_command_says_what_it_did_and_without_weights_what_to_do(flask, checkpoints, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "generator.pool.settings.STARTERS", {kind: tmp_path / f"{kind}-starter.safetensors" for kind in checkpoints}
    )
    done = flask("generate-pool", "fakes2")
    assert (done.exit_code, "name a checkpoint with --diffusion" in done.output) == (1, True), done.output
    given = ("--diffusion", checkpoints["diffusion"], "--sr", checkpoints["superres"], "--count", 1)
    unchecked = [part for check in UNTRAINED for part in ("--without-check", check)]
    done = flask("generate-pool", "fakes2", *given, *unchecked)
    assert done.exit_code == 0, done.output
    assert "Pool fakes2: 1 images in" in done.output
    assert "copies of them are not refused" in done.output


def test_from_two_checkpoints_to_a_finished_study(flask, checkpoints, tmp_path):
    """What a laboratory does: fakes, phantoms for a real side, a study of both, observers, the tables."""
    given = ("--diffusion", checkpoints["diffusion"], "--sr", checkpoints["superres"])
    unchecked = [part for check in UNTRAINED for part in ("--without-check", check)]
    for command in (
        ("generate-pool", "made", "--count", 3, *given, *unchecked),
        ("render-phantoms", "phantoms", "--count", 3, "--truth", "real"),
        ("create-study", "reading", "--real", "phantoms", "--synthetic", "made", "--images", 6),
        ("simulate", "reading", "--observers", 2),
        ("export", "reading", "--out", tmp_path / "results", "--include-simulated"),
    ):
        done = flask(*command)
        assert done.exit_code == 0, (command, done.output)
    with open(tmp_path / "results" / "answers.csv", newline="") as file:
        rated = [(row["truth"], row["pool"]) for row in csv.DictReader(file) if row["pool"] != "warm-up"]
    assert sorted(rated) == 6 * [("real", "phantoms")] + 6 * [("synthetic", "made")]


def test_each_thread_has_one_queue_of_the_gpu_for_all_its_batches(monkeypatch):
    """Memory that was freed stays with its queue: one for each batch would hold memory for all of them."""
    from concurrent.futures import ThreadPoolExecutor
    from types import SimpleNamespace

    from generator.pool.make import Maker

    made = []
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: made.append(device) or len(made))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext(stream))
    device = SimpleNamespace(type="cuda")
    maker = Maker(None, None, SimpleNamespace(device=device), None, None)

    def batches():
        used = set()
        for _ in range(20):
            with maker._stream() as stream:
                used.add(stream)
        return used

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        assert one.submit(batches).result() | other.submit(batches).result() == {1, 2}
    assert made == [device, device]

"""The generator's benchmarks lose nothing when their time is up, and say in one line what is missing."""

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from live import ROOT

from generator.diffusion import Denoiser, Model, sample, save, to_grey

TINY = Model(16, 32, 1, (8, 16), 2, 2, 8, schedule="cosine", sampler="dpm++", steps=3, eta=0.0)
SOON = 100


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch, one_thread):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


class Sum:
    """Stands for the distance: of 5 images, what they add up to."""

    count = 5

    def of(self, pictures):
        return {"frechet": float(pictures.sum()), "kernel": 0.0}


def test_parts_keep_what_earlier_calls_measured_and_one_that_fails_costs_no_other(tmp_path, capsys):
    from parts import run_parts

    def begin(name):
        yield {"part": name, "preset": "paper", "value": 1}
        if name == "broken":
            raise AssertionError("no such kernel\nand much more")

    file, end = tmp_path / "rows.json", time.monotonic() + SOON
    run_parts(file, ["broken", "good"], begin, end, "paper")
    run_parts(file, ["late"], begin, 0)
    run_parts(file, ["good"], lambda name: iter([{"part": name, "preset": "fast", "value": 2}]), end, "fast")
    rows = [tuple(row.values()) for row in json.loads(file.read_text())]
    assert rows == [
        ("broken", "paper", 1),
        ("broken", "no such kernel"),
        ("good", "paper", 1),
        ("late", "the time was up"),
        ("good", "fast", 2),
    ]
    run_parts(file, ["good", "late"], begin, end)
    assert [row.get("value") for row in json.loads(file.read_text())] == [1, None, 1, 1]
    assert "AssertionError" in capsys.readouterr().err


def test_a_missing_package_ends_a_benchmark_before_it_begins():
    from parts import require

    require("torch", "json")
    with pytest.raises(SystemExit, match=r"Not installed: nothing_of_the_kind\. .*docs/gpu.md"):
        require("torch", "nothing_of_the_kind")


def test_images_made_when_the_time_was_up_are_kept_and_not_made_again(tmp_path):
    from quality import TimeUpError, frechet_of

    torch.manual_seed(0)
    net, way, kept = Denoiser(TINY).eval(), ("dpm++", 3, 0.0), tmp_path / "images.npy"
    with pytest.raises(TimeUpError, match="2 of 5 images of dpm"):
        frechet_of(net, Sum(), way, 2, kept, lambda: False)
    assert len(np.load(kept)) == 2
    row = frechet_of(net, Sum(), way, 2, kept, lambda: True)
    assert (row["images"], kept.exists()) == (5, False)
    assert row["frechet"] == pytest.approx(float(to_grey(sample(net, range(5), *way)).sum()), abs=5)


def test_ways_of_sampling_are_measured_cheapest_first_and_gone_on_with(tmp_path, monkeypatch):
    import quality

    monkeypatch.setattr(quality, "WAYS", (("dpm++", 2, 0.0), ("unipc", 2, 0.0), ("ddim", 4, 1.0)))
    net, file = Denoiser(TINY).eval(), tmp_path / "ways.json"
    answers = iter([True, True, True, False, False])  # before a way, between its batches, before the next …
    first = list(quality.ways_of(net, Sum(), 2, file, lambda: next(answers)))
    assert [row["sampler"] for row in first] == ["dpm++"]
    every = list(quality.ways_of(net, Sum(), 2, file, lambda: True))
    assert [row["sampler"] for row in every] == ["dpm++", "unipc", "ddim"]
    assert every[0] == first[0] == json.loads(file.read_text())[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--preset", "fast"], "superres has no preset fast: give one of paper, starter, or --rooms"),
        (["--parts", "sampling,samplign"], "there is no part samplign"),
        (["--rooms", "diffusoin"], "there is no room diffusoin"),
        (["--quality", "model.safetensors"], "--quality needs --corpus"),
    ],
)
def test_an_unknown_name_is_told_before_anything_is_measured(given, said, tmp_path, monkeypatch, capsys):
    import generator_speed

    monkeypatch.setattr(sys, "argv", ["generator_speed.py", "--out", str(tmp_path), *given])
    with pytest.raises(SystemExit):
        generator_speed.main()
    assert said in capsys.readouterr().err


def test_a_room_without_the_parts_that_were_asked_for_measures_nothing(tmp_path, monkeypatch, capsys):
    import generator_speed

    given = ["--device", "cpu", "--parts", "work", "--preset", "starter"]
    monkeypatch.setattr(sys, "argv", ["generator_speed.py", "--out", str(tmp_path), *given])
    generator_speed.main()
    assert "gflop_an_image" in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == ["superres.json"]


def test_steps_of_a_configuration_come_from_its_timed_run_also_when_stopped_after_it(tmp_path, monkeypatch):
    import ablation

    def trained(corpus, out, preset, **_):
        out.mkdir(parents=True, exist_ok=True)
        lines = [{"step": step, "images_per_second": 10.0 if step <= 50 else 32.0} for step in range(10, 151, 10)]
        (out / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    monkeypatch.setattr(ablation, "train", trained)
    paper = ablation.configurations()["paper"]
    asked = SimpleNamespace(corpus=tmp_path, device="cpu", precision="auto", minutes=2.0, images=None)
    assert ablation.steps_for(tmp_path, paper, asked) == 2 * 60 * 32 / 16
    monkeypatch.setattr(ablation, "train", None)
    assert ablation.steps_for(tmp_path, paper, asked) == 240
    with pytest.raises(SystemExit, match=r"was begun with 2\.0 minutes"):
        ablation.steps_for(tmp_path, paper, SimpleNamespace(**{**vars(asked), "minutes": 3.0}))


def test_configurations_may_see_so_many_images_in_place_of_minutes(tmp_path):
    import ablation

    asked = SimpleNamespace(minutes=20.0, images=3200)
    known = ablation.configurations()
    assert [ablation.steps_for(tmp_path, known[name], asked) for name in ("starter", "paper")] == [400, 200]
    assert len({repr(preset) for preset in known.values()}) == len(known)  # no configuration twice


def test_ways_of_guiding_are_measured_once_each_on_the_same_seeds(tmp_path, monkeypatch, capsys):
    import guidance

    for seed, name in enumerate(("own", "weaker")):
        torch.manual_seed(seed)
        weights = {key: 0.2 * torch.randn_like(tensor) for key, tensor in Denoiser(TINY).unet.state_dict().items()}
        save(tmp_path / f"{name}.safetensors", weights, TINY, {})

    class Some:
        fingerprint = "f"

        def low(self, split):
            return np.arange(6 * 16 * 32, dtype=np.uint8).reshape(6, 16, 32)

    shown = []

    def features(_, pictures):
        shown.append(pictures)
        return SimpleNamespace(values=pictures)

    monkeypatch.setattr(guidance, "open_corpus", lambda folder: Some())
    monkeypatch.setattr(guidance, "load_extractor", lambda name: name)
    monkeypatch.setattr(guidance, "extract", features)
    monkeypatch.setattr(guidance, "frechet", lambda ours, theirs: float(len(ours) + 10 * len(theirs)))
    monkeypatch.setattr(guidance, "kernel_distance", lambda ours, theirs: float(ours.mean()))
    tried = [f"{tmp_path}/weaker.safetensors:2:700", f"{tmp_path}/own.safetensors:2:700"]
    words = ["guidance.py", str(tmp_path / "own.safetensors"), "--corpus", "any", "--out", str(tmp_path / "rows.json")]
    for count in (1, 2):
        monkeypatch.setattr(sys, "argv", [*words, "--count", "2", "--tried", *tried[:count]])
        guidance.main()
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [row["frechet"] for row in rows.values()] == [42.0] * 4
    own, weaker, itself = (rows[name]["kernel"] for name in ("nothing", *tried))
    assert itself == pytest.approx(own, abs=0.5), "guided by itself it is itself"
    assert abs(weaker - own) > 0.5
    assert len(shown) == 2 + 4, "what the file has is not measured again"
    assert f"| {tried[1]} | 42.0 |" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*words, "--count", "3"])
    with pytest.raises(SystemExit):
        guidance.main()
    assert "holds figures of another checkpoint, corpus or number of images" in capsys.readouterr().err


def test_bytes_and_exponentials_are_counted_as_by_hand():
    from traffic import traffic

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = torch.nn.Linear(8, 8, bias=False)

        def forward(self, x):
            x = torch.relu(self.matrix(x))
            heads = x.view(1, 2, 6, 8)  # a view moves nothing
            return torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)

    with torch.device("meta"):
        found = traffic(Network().bfloat16(), torch.zeros(12, 8, dtype=torch.bfloat16))
    matrix, relu, attention = 96 + 64 + 96, 96 + 96, 4 * 96  # values read and written
    assert (found.apart, found.joined) == (2 * (matrix + relu + attention), 2 * (matrix + attention))
    assert found.exponentials == 2 * 6 * 6


def test_the_diffusion_s_bounds_and_profile_have_a_row_for_every_preset_and_kernel(tmp_path):
    import generator_diffusion

    rows = generator_diffusion.rows("cpu", SOON, tmp_path, ["bounds", "profile"], "starter")
    (bound,) = [row for row in rows if row["part"] == "bounds"]
    assert bound["gflop"] == pytest.approx(4.2, abs=0.1)
    assert 0 < bound["mb_joined"] < bound["mb_apart"]
    assert min(bound["ms_of_matmul"], bound["ms_of_bytes_joined"], bound["ms_of_bytes_apart"]) > 0
    shares = [row["share"] for row in rows if row["part"] == "profile"]
    assert 0.5 < sum(shares) <= 1.001
    assert shares == sorted(shares, reverse=True)
    assert "aten::" in (tmp_path / "profile.txt").read_text()

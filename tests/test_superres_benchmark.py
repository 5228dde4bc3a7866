"""Each part of the super-resolution's benchmark gives its rows on a CPU too; the operations are counted rightly."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import torch
from live import ROOT
from torch.utils.flop_counter import FlopCounterMode

from generator.superres import HatConfig, fast
from generator.superres.presets import PRESETS

TINY = HatConfig(channels=1, embed_dim=8, depths=(2,), heads=(2,), window=8, squeeze_factor=4, features=4)
ROWS = {"work": 1, "bounds": 1, "ours": 1, "exactness": 2, "published": 1, "training": 2, "attention": 6, "whole": 1}
RATES = ("ours", "published", "training", "whole")
SOON = 100

pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid")  # as spandrel calls it


@pytest.fixture
def benchmark(monkeypatch, one_thread):
    """The benchmark, of a tiny preset and tiny images, which runs as it is what it would have compiled."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import generator_superres

    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", lambda what, **options: compiler(what, **options, backend="eager"))
    monkeypatch.setitem(PRESETS, "starter", replace(PRESETS["starter"], network=TINY, batch=2, crop=32))
    monkeypatch.setattr(generator_superres, "SIZE", (16, 32))
    monkeypatch.setattr(generator_superres, "MOST", 1)
    yield generator_superres
    fast._blocks.cache_clear()
    torch._dynamo.reset()


def test_each_part_gives_its_rows_on_a_cpu(benchmark, tmp_path):
    rows = benchmark.rows("cpu", SOON, tmp_path, list(benchmark.PARTS))
    assert json.loads((tmp_path / "superres.json").read_text()) == rows
    assert Counter(row["part"] for row in rows) == ROWS, "each part is here"
    assert not [row for row in rows if "left_out" in row]
    assert not [row for row in rows if "failed" in row and row["part"] != "attention"]
    assert all(row["images_per_s"] > 0 for row in rows if row["part"] in RATES)
    attention = [row for row in rows if row["part"] == "attention" and "failed" not in row]
    assert {row["kind"] for row in attention} == {"windows", "overlapping"}, "a CPU has one of the kernels"
    (bound,) = (row for row in rows if row["part"] == "bounds")
    assert 0 < bound["mb_joined"] < bound["mb_apart"]
    rough, theirs = (row for row in rows if row["part"] == "exactness")
    assert rough["psnr_db"] > 45
    assert theirs["most"] < 1e-4


def test_the_operations_of_an_image_are_those_that_torch_counts(benchmark):
    """In the published way of computing it, within a thousandth: what weighs the channels is left out."""
    preset, cpu = PRESETS["starter"], torch.device("cpu")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        benchmark._spandrel(preset, cpu)(benchmark._images(preset, 1, cpu))
    assert benchmark.operations(preset) == pytest.approx(counter.get_total_flops(), rel=1e-3)

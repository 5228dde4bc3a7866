"""HAT: the published parameters, the published numbers, in every layout; files that are something else are refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from live import ROOT
from PIL import Image

from generator.checkpoint import CheckpointError, save_checkpoint
from generator.seeds import numpy_generator
from generator.superres import HAT, HatConfig, SuperResError, convert, load
from generator.superres.fast import FastHAT
from generator.superres.initial import start_as_interpolation
from generator.superres.layout import Form
from generator.superres.presets import find_preset

pytestmark = pytest.mark.usefixtures("one_thread")

FIXTURES = Path(__file__).parent / "fixtures" / "compat"
STARTER = ROOT / "generator" / "weights" / "superres-starter.safetensors"
SHARED = ROOT.parent / "shared" / "compat"
TINY = HatConfig(channels=3, embed_dim=12, depths=(2, 1), heads=(2, 3), window=8, squeeze_factor=4, features=8)
CPU = torch.device("cpu")


def drawn(net: torch.nn.Module) -> torch.nn.Module:
    """`net` with weights that follow from their names alone."""
    state = net.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            spread = 0.3 if tensor.ndim == 1 else tensor[0].numel() ** -0.5
            values = numpy_generator("weights", name).normal(size=tuple(tensor.shape)) * spread
            state[name] = torch.from_numpy(values.astype(np.float32))
    net.load_state_dict(state)
    return net.eval()


def image(*shape):
    return torch.from_numpy(numpy_generator("image", *shape).random(shape, np.float32))


def spandrel_hat(config: HatConfig) -> torch.nn.Module:
    """The same network as spandrel ships it: an independent implementation."""
    architecture = pytest.importorskip("spandrel.architectures.HAT", reason="spandrel is not installed")
    return architecture.HAT(
        img_size=64,
        in_chans=config.channels,
        embed_dim=config.embed_dim,
        depths=config.depths,
        num_heads=config.heads,
        window_size=config.window,
        compress_ratio=config.compress_ratio,
        squeeze_factor=config.squeeze_factor,
        overlap_ratio=config.overlap_ratio,
        mlp_ratio=config.mlp_ratio,
        num_feat=config.features,
        upscale=4,
        drop_path_rate=0.0,
    )


def test_the_parameters_are_named_and_shaped_as_published():
    published = json.loads((FIXTURES / "hat_published_shapes.json").read_text())
    net = HAT(HatConfig())
    assert {name: list(tensor.shape) for name, tensor in net.state_dict().items()} == published
    assert sum(parameter.numel() for parameter in net.parameters()) == 20_772_507


@pytest.mark.parametrize(("preset", "least", "most"), [("starter", 500_000, 1_000_000), ("paper", *[20_772_507] * 2)])
def test_the_presets_have_as_many_parameters_as_documented(preset, least, most):
    with torch.device("meta"):
        net = HAT(find_preset(preset).network)
    assert least <= sum(parameter.numel() for parameter in net.parameters()) <= most


@pytest.mark.parametrize("align", [1, 32])
def test_the_numbers_are_those_of_another_implementation(align):
    known = json.loads((FIXTURES / "hat_numbers.json").read_text())
    net = drawn(HAT(HatConfig.from_dict(known["config"])))
    with torch.no_grad():
        y = net.run(image(*known["input"]), Form(torch.float32, align))
    assert list(y.shape) == known["output"]
    np.testing.assert_allclose(y.flatten()[:: known["every"]].numpy(), known["values"], atol=1e-4)


@pytest.mark.parametrize(("channels", "height", "width"), [(3, 16, 24), (1, 19, 9)])
@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_it_agrees_with_spandrel_forwards_and_backwards(channels, height, width):
    config = HatConfig(**{**TINY.as_dict(), "channels": channels})
    ours, theirs = drawn(HAT(config)), drawn(spandrel_hat(config))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    x = image(2, channels, height, width)
    for net in (ours, theirs):
        net(x).square().mean().backward()
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-4, rtol=0)
    gradients = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name].grad, atol=1e-4, rtol=1e-3)


def test_padding_for_the_processor_changes_neither_result_nor_gradient():
    nets = [drawn(HAT(TINY)) for _ in range(2)]
    for net, align in zip(nets, (1, 32), strict=True):
        net.run(image(1, 3, 16, 16), Form(torch.float32, align)).square().mean().backward()
    for plain, padded in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(padded.grad, plain.grad, atol=1e-5, rtol=1e-3)


def test_bfloat16_is_within_50_db_of_float32():
    """The starter weights on one of the demo's phantoms, which they change visibly."""
    net, pictures = load(STARTER), sorted((ROOT / "quiz_data" / "pools" / "demo-real" / "images").iterdir())
    with Image.open(pictures[0]) as picture:
        x = torch.from_numpy(np.array(picture.convert("L").resize((128, 64), Image.Resampling.BOX))) / 255
    x = x.expand(1, net.config.channels, -1, -1)
    exact, rough = (FastHAT(net, CPU, dtype)(x) for dtype in (torch.float32, torch.bfloat16))
    assert rough.dtype == torch.float32
    assert -10 * torch.log10((exact - rough).square().mean()) > 50
    plain = torch.nn.functional.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)
    assert -10 * torch.log10((exact - plain).square().mean()) < 45


@pytest.mark.skipif(not SHARED.exists(), reason="the published-size fixtures are not here")
def test_the_published_fixture_within_a_ten_thousandth(tmp_path):
    numbers = np.load(SHARED / "hat_small.npz")
    x, y = (torch.from_numpy(numbers[name]) for name in ("x", "y"))
    net = load(SHARED / "hat_small.pth")
    torch.testing.assert_close(net(x), y, atol=1e-4, rtol=0)
    torch.testing.assert_close(FastHAT(net, CPU, torch.float32)(x), y, atol=1e-4, rtol=0)
    converted = load(convert(SHARED / "hat_small.pth", tmp_path / "hat.safetensors"))
    assert torch.equal(converted(x), net(x))


def test_any_size_is_enlarged_four_times():
    net = HAT(TINY).eval()
    for height, width in ((1, 1), (5, 3), (8, 17)):
        assert net(image(1, 3, height, width)).shape == (1, 3, 4 * height, 4 * width)


def test_training_starts_from_interpolation():
    """A slope comes out as a slope, four times as fine; pixel centres lie where averaging by four put them."""
    for channels in (1, 3):
        net = start_as_interpolation(HAT(HatConfig(**{**TINY.as_dict(), "channels": channels}))).eval()
        x = torch.linspace(0.1, 0.9, 24).expand(1, channels, 24, 24)
        step = (0.9 - 0.1) / 23 / 4
        fine = 0.1 - 1.5 * step + step * torch.arange(96)
        inner = slice(8, 88)
        with torch.no_grad():
            y = net(x)[0, :, inner, inner]
        torch.testing.assert_close(y, fine[inner].expand(channels, 80, 80), atol=1e-5, rtol=0)


def test_a_published_file_is_read_and_converted(tmp_path):
    net = drawn(HAT(TINY))
    other = {name: torch.zeros_like(tensor) for name, tensor in net.state_dict().items()}
    torch.save({"params": other, "params_ema": net.state_dict()}, tmp_path / "published.pth")
    loaded = load(tmp_path / "published.pth")
    assert loaded.config == TINY
    x = image(1, 3, 8, 8)
    torch.testing.assert_close(loaded(x), net(x))
    out = convert(tmp_path / "published.pth", tmp_path / "ours.safetensors")
    assert torch.equal(load(out)(x), loaded(x))
    assert "must not be used on a patient's radiograph" in out.with_suffix(".md").read_text()


class Runs:
    """A pickle that would write a file when read."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


def test_a_file_that_would_run_code_is_refused_unopened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"params_ema": Runs()}, "evil.pth")
    with pytest.raises(CheckpointError, match="holds more than weights and was refused"):
        load("evil.pth")
    assert not Path("was-run").exists()


def test_what_is_no_network_of_this_kind_is_told_apart(tmp_path):
    net = HAT(TINY)
    torch.save({"params": {"conv1.weight": torch.zeros(3, 3)}}, tmp_path / "other.pth")
    with pytest.raises(SuperResError, match="not the weights of a HAT"):
        load(tmp_path / "other.pth")
    lacking = {name: tensor for name, tensor in net.state_dict().items() if name != "norm.bias"}
    torch.save({"params": lacking}, tmp_path / "lacking.pth")
    with pytest.raises(CheckpointError, match=r"1 of \d+ parameters differ, the first is norm.bias"):
        load(tmp_path / "lacking.pth")
    (tmp_path / "short.pth").write_bytes((tmp_path / "lacking.pth").read_bytes()[:500])
    with pytest.raises(CheckpointError, match="damaged"):
        load(tmp_path / "short.pth")
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        load(tmp_path / "none.pth")
    save_checkpoint(tmp_path / "unet.safetensors", "diffusion", net.state_dict(), {"config": {}})
    with pytest.raises(CheckpointError, match="of the kind 'diffusion'"):
        load(tmp_path / "unet.safetensors")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"embed_dim": 13}, {"window": 0}, {"colour": 1}, {"heads": [1]}, {"embed_dim": 9000}, {"window": 4096}),
        *({"features": 10**6}, {"overlap_ratio": 500}, {"mlp_ratio": -1}, {"conv_scale": "x"}),
    ],
    ids=str,
)
def test_a_header_that_makes_no_network_is_refused(wrong):
    with pytest.raises(SuperResError, match="describes no network"):
        HatConfig.from_dict({**TINY.as_dict(), **wrong})


KERNEL = """
import torch
from generator.superres import fused
assert fused.triton is not None
half, single = (torch.float16, 1e-2), (torch.float32, 1e-4)
kinds = ((1, 16, 8, 8, 4, *half), (2, 16, 8, 8, 4, *single), (1, 32, 8, 12, 0, *single))
for heads, head, window, overlap, shift, dtype, most in kinds:
    difference = fused._difference(torch.device("cpu"), dtype, heads, head, window, overlap, shift)
    assert difference < most, (window, overlap, shift, dtype, difference)
"""
PUBLISHED_KERNEL = """
import torch
from generator.superres import compute, fused, layout, presets
c = presets.PAPER.network
head = layout.head_width(c.embed_dim // c.heads[0])
assert (c.window, c.overlap_window, head) == (16, 24, 32)
heads = 2
torch.manual_seed(0)
qkv = torch.randn(1, c.window, 2 * c.window, 3, heads, head)
qkv[..., -layout.SPARE:] = 0
for overlap, shift in ((c.window, c.window // 2), (c.overlap_window, 0)):
    given = qkv.flatten(3), torch.randn(1, heads, c.window**2, overlap**2), heads, c.window, overlap, shift
    torch.testing.assert_close(fused.attend(*given), compute.attend_plainly(*given), atol=1e-4, rtol=0)
"""


def interpreted(code):
    """Run by Triton's interpreter, which needs no GPU and must be chosen before the kernel is defined."""
    pytest.importorskip("triton", reason="Triton is not installed")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def test_our_attention_kernel_gives_what_torch_s_attention_gives():
    interpreted(KERNEL)


def test_our_attention_kernel_gives_the_same_at_the_sizes_of_the_published_network():
    interpreted(PUBLISHED_KERNEL)

"""The U-Net: the published network to the last name and number, at any size, and schedules that are what they say.

Two kinds of fixtures. ../shared/compat holds outputs of the original code with its weights (18 MB, not shipped). And
fixtures/compat/unet_small.json holds what this network gave for weights and inputs made by formula (as `by_formula`
and `start` below make them) when it agreed with those of the original within 4e-6; REGENERATE=1 writes it anew, which
is right only while the tests on ../shared/compat pass.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from generator.diffusion import Denoiser, Model, SettingsError, convert, find_preset, load, pack, save
from generator.diffusion.samplers import denoise
from generator.diffusion.schedule import Schedule, betas
from generator.diffusion.settings import PREDICTIONS, SCHEDULES
from generator.diffusion.train import ema_at
from generator.seeds import numpy_generator

pytestmark = pytest.mark.usefixtures("one_thread")

HERE = Path(__file__).parent / "fixtures" / "compat"
SHARED = Path(__file__).parents[2] / "shared" / "compat"
SMALL = Model(height=32, width=64, widths=(16, 32, 64, 128))
TINY = Model(height=16, width=32, channels=1, widths=(8, 16, 16), heads=2, head_width=8, groups=4)
TIMES = (0, 7, 500, 999)

original = pytest.mark.skipif(not SHARED.exists(), reason="the original's weights and outputs are not shipped")


def by_formula(net):
    """Every parameter from its name: normal, of a size that keeps signals as large as they are."""
    state = {}
    for name, tensor in net.unet.state_dict().items():
        drawn = torch.from_numpy(numpy_generator("parameter", name).standard_normal(tuple(tensor.shape))).float()
        gain = name.endswith(("norm.g", "norm1.weight", "norm2.weight"))
        state[name] = 1 + drawn / 10 if gain else drawn / (tensor[0].numel() ** 0.5 if tensor.ndim > 1 else 10)
    net.unet.load_state_dict(state)
    return net.eval().requires_grad_(False)


def start(*purpose):
    return torch.from_numpy(numpy_generator(*purpose).standard_normal((2, 3, 32, 64))).float()


def ten_steps(net, begin, noises, eta):
    """The fixtures' 10 DDIM steps: images (n, height, width, channels) in [0, 1]."""
    images = denoise(net, begin, lambda: next(noises), "ddim", 10, eta)
    return ((images + 1) / 2).permute(0, 2, 3, 1).numpy()


def test_names_and_shapes_are_the_published_ones():
    published = json.loads((HERE / "unet_published.json").read_text())
    with torch.device("meta"):
        net = Denoiser(find_preset("paper").model)
    assert {name: list(tensor.shape) for name, tensor in net.unet.state_dict().items()} == published
    assert sum(tensor.numel() for tensor in net.unet.parameters()) == 33_995_395


def test_the_paper_preset_is_trained_and_sampled_as_published():
    """shared/compat's facts: what the published training and sampling were, in our fields."""
    model, training = find_preset("paper").model, find_preset("paper").training
    assert (model.prediction, model.schedule) == ("noise", "published")
    assert (model.sampler, model.steps, model.eta) == ("ddim", 250, 1.0)
    assert (training.loss, training.weighting) == ("l1", "none")
    assert (training.optimizer, training.rate, training.betas, training.warmup) == ("adamw", 1e-4, (0.9, 0.99), 300)
    assert (training.ema, training.batch) == ("cosine", 16)
    steps = np.array([0, training.steps // 2, training.steps])
    assert [ema_at(training, int(step)) for step in steps] == pytest.approx([0.996, 0.998, 1.0])


@original
def test_the_shipped_names_are_the_originals():
    theirs = json.loads((SHARED / "unet_full_state_dict.json").read_text())
    assert json.loads((HERE / "unet_published.json").read_text()) == theirs


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    path = tmp_path_factory.mktemp("converted") / "small.safetensors"
    model = convert(SHARED / "unet_small.pth", path, height=32, width=64)
    assert model == SMALL
    return load(path, "cpu")


@original
def test_the_network_predicts_what_the_original_does(converted):
    file = np.load(SHARED / "unet_small.npz")
    for t in TIMES:
        found = converted(torch.from_numpy(file["x"]), torch.full((2,), t)).numpy()
        assert np.abs(found - file[f"eps_t{t}"]).max() < 1e-4


@original
@pytest.mark.parametrize("eta", [0, 1])
def test_ddim_images_are_the_originals(converted, eta):
    file = np.load(SHARED / "unet_small.npz")
    one = torch.Generator().manual_seed(13)
    draw = iter(lambda: torch.randn((2, 3, 32, 64), generator=one), None)
    assert np.abs(ten_steps(converted, next(draw), draw, eta) - file[f"ddim10_eta{eta}"]).max() < 2e-3


@original
def test_betas_are_the_originals():
    file = np.load(SHARED / "unet_small.npz")
    assert np.abs(betas("published").numpy() - file["betas"]).max() < 2e-6
    assert np.abs(Schedule("published").signal.square().numpy() - file["alphas_cumprod"]).max() < 1e-6


def reproduced(net):
    """What fixtures/compat/unet_small.json holds: every 97th value of outputs and images, rounded."""
    found = {}
    for t in TIMES:
        found[f"noise_t{t}"] = net(start("x"), torch.full((2,), t)).flatten()[::97].tolist()
    for eta in (0, 1):
        noises = (start("added", step) for step in range(10))
        found[f"ddim10_eta{eta}"] = ten_steps(net, start("x"), noises, eta).flatten()[::97].tolist()
    return {name: [round(value, 6) for value in values] for name, values in found.items()}


def test_the_small_network_gives_the_kept_numbers():
    found, file = reproduced(by_formula(Denoiser(SMALL))), HERE / "unet_small.json"
    if os.environ.get("REGENERATE"):
        file.write_text(json.dumps(found) + "\n")
    kept = json.loads(file.read_text())
    assert found.keys() == kept.keys()
    for name, values in kept.items():
        assert np.abs(np.subtract(found[name], values)).max() < (2e-3 if "ddim" in name else 1e-4), name


@pytest.mark.parametrize(
    "change",
    [{}, {"channels": 2}, {"channels": 3}, {"patch": 2}, {"patch": 4}, {"height": 8, "width": 24}, {"widths": (8, 8)}],
    ids=str,
)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_any_size_gives_noise_of_the_input_s_shape(change, prediction):
    net = by_formula(Denoiser(Model(**{**vars(TINY), **change, "prediction": prediction})))
    model = net.model
    x = torch.randn((2, model.channels, model.height, model.width), generator=torch.Generator().manual_seed(1))
    both = net(x, torch.tensor([3, 800]))
    assert both.shape == x.shape
    assert both.dtype == torch.float32
    alone = net(x[1:], torch.tensor([800]))
    assert torch.allclose(both[1:], alone, atol=1e-5)


def test_attention_is_the_textbook_s():
    attention = by_formula(Denoiser(TINY)).unet.mid_attn
    x = torch.randn((2, 16, 4, 6), generator=torch.Generator().manual_seed(2))
    rms = x.square().mean(dim=1, keepdim=True).sqrt()
    weight = attention.to_qkv.weight[:, :, 0, 0]
    q, k, v = (
        torch.einsum("oc,ncp->nop", weight, (x / rms * attention.norm.g).flatten(2)).reshape(2, 3, 2, 8, 24).unbind(1)
    )
    mixed = torch.einsum("nhdi,nhdj->nhij", q, k).div(8**0.5).softmax(dim=-1)
    heads = torch.einsum("nhij,nhdj->nhdi", mixed, v).reshape(2, 16, 4, 6)
    assert torch.allclose(attention(x), attention.to_out(heads) + x, atol=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_perfect_prediction_is_turned_back_into_the_noise(schedule, prediction):
    there = Schedule(schedule)
    generator = torch.Generator().manual_seed(3)
    t = torch.tensor([1, 250, 500, 750, 999])
    x0, noise = (torch.randn((5, 1, 4, 4), generator=generator) for _ in range(2))
    x = there.noisy(x0, noise, t)
    found = there.to_noise(prediction, there.target(prediction, x0, noise, t), x, t)
    assert torch.allclose(found, noise, atol=1e-3)


def test_schedules_are_what_they_say():
    bars = {name: torch.cumprod(1 - betas(name), 0) for name in SCHEDULES}
    assert bars["published"][-1] == pytest.approx(0.0032, abs=1e-4)
    assert (betas("published").min().item(), betas("published").max().item()) == (1e-4, 0.02)
    angle = (np.arange(1, 1001) / 1000 + 0.008) / 1.008 * np.pi / 2
    cosine = np.cos(angle) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    assert np.abs(bars["cosine"].numpy() - cosine).max() < 1e-6
    ratio = [bars[name] / (1 - bars[name]) for name in ("shifted", "cosine")]
    assert torch.allclose(ratio[0] / ratio[1], torch.full((1000,), 0.25, dtype=torch.float64))
    assert bars["zero-snr"][-1] < 1e-7
    assert bars["zero-snr"][0] == pytest.approx(bars["cosine"][0].item())
    assert all((values.diff() < 0).all() for values in bars.values())


@pytest.mark.parametrize("weighting", ["min-snr", "edm"])
def test_weights_agree_over_predictions(weighting):
    """The weighted error is the same image error, whichever quantity it is measured in."""
    there, t = Schedule("cosine"), torch.tensor([1, 300, 600, 950])
    signal, sigma = there.signal[t], there.noise[t]
    in_image = there.weight("x0", t, weighting, 5.0)
    if weighting == "min-snr":
        assert torch.allclose(in_image, torch.minimum((signal / sigma) ** 2, torch.tensor(5.0)))
    assert torch.equal(there.weight("edm", t, weighting, 5.0), in_image)
    assert torch.allclose(there.weight("noise", t, weighting, 5.0) * (signal / sigma) ** 2, in_image, rtol=1e-4)
    assert torch.allclose(there.weight("v", t, weighting, 5.0) / sigma**2, in_image, rtol=1e-4)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_edm_preconditioning_shows_and_asks_for_spread_one(schedule):
    """Images of spread 0.5: what the network is shown, and what it should output, has spread 1 at every time."""
    there = Schedule(schedule)
    generator = torch.Generator().manual_seed(4)
    t = torch.tensor([1, 250, 500, 750, 998])
    x0, noise = (torch.randn((5, 1, 256, 256), generator=generator) for _ in range(2))
    x0 = x0 / 2
    x = there.noisy(x0, noise, t)
    zero, one = (there.from_output("edm", torch.full_like(x, value), x, t) for value in (0.0, 1.0))
    asked = (x0 - zero) / (one - zero)
    for values in (there.to_input("edm", x, t), asked):
        assert values.std(dim=(1, 2, 3)).tolist() == pytest.approx([1.0] * 5, abs=0.02)
    shown = there.to_input("edm", x, t)
    assert (shown * asked).mean(dim=(1, 2, 3)).abs().max() < 0.02  # nothing of the answer is left in the question


def test_edm_s_weights_are_those_of_its_noise():
    """The weight of the network's own error is the density of the times at which EDM would have trained."""
    there, t = Schedule("cosine"), torch.arange(1, 999)
    ratio = (there.noise[t] / there.signal[t]).double()
    own = there.weight("edm", t, "edm", 5.0).double() * (0.5 * ratio) ** 2 / (ratio**2 + 0.5**2)
    share = torch.cumsum(own, 0) / own.sum()
    normal = torch.distributions.Normal(-1.2, 1.2).cdf(ratio.log())
    assert (share - normal).abs().max() < 0.01


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"widths": (8, 9)}, "widths must be two or more multiples of 4"),
        ({"widths": (8,)}, "widths must be two or more"),
        ({"height": 17}, "height and width must be multiples of 2"),
        ({"channels": 0}, "channels must be a whole number from 1 to 64, not 0"),
        ({"patch": 0}, "patch must be a whole number from 1 to 64, not 0"),
        ({"groups": 0}, "groups must be a whole number from 1 to 512, not 0"),
        ({"steps": "x"}, "steps must be a whole number from 1 to 1000, not 'x'"),
        ({"widths": (8, 8_000_000)}, "widths must not be more than 4096"),
        ({"prediction": "y"}, "prediction must be one of noise, v, x0, edm, not 'y'"),
        ({"schedule": "linear"}, "schedule must be one of published"),
    ],
)
def test_impossible_networks_are_refused(change, said):
    with pytest.raises(SettingsError, match=said):
        Model(**{**vars(TINY), **change})


def test_a_checkpoint_gives_back_the_network(tmp_path):
    net = by_formula(Denoiser(TINY))
    x, t = torch.ones((1, 1, 16, 32)), torch.tensor([400])
    save(tmp_path / "one.safetensors", net.unet.state_dict(), TINY, {"training": {"step": 3}})
    pack(tmp_path / "one.safetensors", tmp_path / "half.safetensors")
    for name, tolerance in (("one", 1e-4), ("half", 1e-2)):
        again = load(tmp_path / f"{name}.safetensors", "cpu")
        assert again.model == TINY
        assert again.about["training"] == {"step": 3}
        assert not again.training
        assert torch.allclose(again(x, t), net(x, t), atol=tolerance)
    assert "must not be used for diagnosis" in (tmp_path / "one.md").read_text()


def test_a_starter_fits_in_eight_megabytes():
    with torch.device("meta"):
        net = Denoiser(find_preset("starter").model)
    assert sum(2 * tensor.numel() for tensor in net.unet.parameters()) < 8e6


def test_half_the_digits_change_little(tmp_path):
    net = by_formula(Denoiser(TINY))
    save(tmp_path / "one.safetensors", net.unet.state_dict(), TINY, {})
    rough = load(tmp_path / "one.safetensors", "cpu", "bfloat16")
    x = torch.randn((2, 1, 16, 32), generator=torch.Generator().manual_seed(4))
    exact, found = (each(x, torch.tensor([100, 900])) for each in (net, rough))
    assert found.dtype == torch.float32
    assert 0 < (found - exact).square().mean().sqrt() / exact.std() < 0.05


def test_the_network_can_be_compiled_in_one_piece():
    """What torch.compile does on a GPU with the graph is its own affair; that there is one graph is ours."""
    net = by_formula(Denoiser(TINY))
    x, t = torch.ones((1, 1, 16, 32)), torch.tensor([400])
    whole = torch.compile(net.unet, backend="eager", fullgraph=True, dynamic=False)
    assert torch.allclose(whole(x, t), net.unet(x, t), atol=1e-5)

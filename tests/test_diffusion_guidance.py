"""Guidance by a weaker version of the network, which the same checkpoint holds."""

import pytest
import torch

from app.cli.checkpoints import pack_checkpoint
from generator.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from generator.diffusion import Denoiser, Model, SettingsError, load, pack, sample, save
from generator.diffusion.settings import plain
from generator.superres import HatConfig

pytestmark = pytest.mark.usefixtures("one_thread")

MODEL = Model(
    height=16,
    width=32,
    channels=1,
    widths=(8, 16, 16),
    heads=2,
    head_width=8,
    groups=4,
    prediction="v",
    schedule="cosine",
    sampler="dpm++",
    steps=6,
    eta=0.0,
)
X, T = torch.linspace(-1, 1, 2 * 512).reshape(2, 1, 16, 32), torch.tensor([300, 700])


def written(path, seed, model=MODEL):
    torch.manual_seed(seed)
    save(path, Denoiser(model).unet.state_dict(), model, {"training": {"step": 10 * seed}})
    return path


@pytest.fixture
def pair(tmp_path):
    """Two checkpoints of one network: the one to guide, and the weaker one."""
    return written(tmp_path / "own.safetensors", 2), written(tmp_path / "weaker.safetensors", 1)


def packed(pair, tmp_path, guidance=2.0, below=500):
    path = tmp_path / "packed.safetensors"
    pack(pair[0], path, guide=pair[1], guidance=guidance, guided_below=below)
    return path


def test_guidance_goes_on_from_the_weaker_prediction_through_the_network_s_own(pair, tmp_path):
    net = load(packed(pair, tmp_path, 2.5), "cpu")
    own, weaker = (load(path, "cpu").predict(X, T) for path in pair)
    found = net.predict(X, T)
    assert torch.allclose(found[0], weaker[0] + 2.5 * (own[0] - weaker[0]), atol=2e-2)  # weights are halved
    assert torch.allclose(found[1], own[1], atol=1e-2), "time 700 is not below 500"
    assert not torch.allclose(found[0], own[0], atol=5e-2)


def test_a_network_guided_by_itself_stays_as_it_is(pair, tmp_path):
    guided = load(packed((pair[0], pair[0]), tmp_path, 3.0, 1000), "cpu")
    pack(pair[0], tmp_path / "plain.safetensors")
    plainly = load(tmp_path / "plain.safetensors", "cpu")
    assert plainly.guide is None
    assert abs(sample(guided, [4, 5]) - sample(plainly, [4, 5])).max() < 1e-4


def test_images_are_guided_and_one_seed_is_one_image(pair, tmp_path):
    net = load(packed(pair, tmp_path), "cpu")
    together, alone = sample(net, [4, 5, 6]), sample(net, [5])
    assert abs(together[1] - alone[0]).max() < 1e-4
    net.predict = net.predict_alone
    assert abs(sample(net, [5]) - alone).max() > 1e-2


def test_a_checkpoint_says_what_guides_it(pair, tmp_path):
    path = packed(pair, tmp_path)
    tensors, about = load_checkpoint(path, "diffusion")
    assert about["config"] == plain(MODEL) | {"guidance": 2.0, "guided_below": 500}
    assert about["guide"]["step"] == 10
    assert sum(name.startswith("guide.") for name in tensors) * 2 == len(tensors)
    assert "| guide.step | 10 |" in path.with_suffix(".md").read_text()


def test_a_guided_checkpoint_packed_again_keeps_its_guide_or_takes_another(pair, tmp_path):
    path = packed(pair, tmp_path)
    pack(path, tmp_path / "again.safetensors")
    assert load_checkpoint(tmp_path / "again.safetensors", "diffusion")[1]["config"]["guidance"] == 2.0
    pack(path, tmp_path / "other.safetensors", guide=path, guidance=4.0)
    net = load(tmp_path / "other.safetensors", "cpu")
    assert torch.allclose(net.predict(X, T), net.predict_alone(X, T), atol=1e-4)


@pytest.mark.parametrize("change", [{"guidance": 1.0}, {"guidance": 2.0}])
def test_guidance_without_a_guide_and_a_guide_without_guidance_are_refused(pair, tmp_path, change):
    tensors, about = load_checkpoint(packed(pair, tmp_path), "diffusion")
    if change["guidance"] != 1:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("guide.")}
    save_checkpoint(tmp_path / "odd.safetensors", "diffusion", tensors, about | {"config": about["config"] | change})
    with pytest.raises(CheckpointError, match="does not fit the network its configuration describes"):
        load(tmp_path / "odd.safetensors", "cpu")


@pytest.mark.parametrize("change", [{"guidance": 0.5}, {"guidance": 11}, {"guided_below": 0}, {"guided_below": 1001}])
def test_impossible_guidance_is_refused(change):
    with pytest.raises(SettingsError, match="guidance lies between 1 and 10"):
        Model(**{**vars(MODEL), **change})


def test_the_command_packs_a_guide_of_the_same_network_alone(pair, tmp_path, app):
    run, out = app.test_cli_runner(), tmp_path / "out.safetensors"
    result = run.invoke(pack_checkpoint, [str(pair[0]), str(out), "--guide", str(pair[1]), "--guidance", "1.5"])
    assert result.exit_code == 0, result.output
    assert load(out, "cpu").model.guidance == 1.5
    result = run.invoke(pack_checkpoint, [str(pair[0]), str(out), "--guide", str(pair[1]), "--guidance", "1"])
    assert result.exit_code == 1
    assert "A guidance of 1 is none" in result.output
    assert load(out, "cpu").model.guidance == 1.5, "what was there is left as it was"
    wider = written(tmp_path / "wider.safetensors", 1, Model(**{**vars(MODEL), "widths": (8, 16, 32)}))
    result = run.invoke(pack_checkpoint, [str(pair[0]), str(out), "--guide", str(wider)])
    assert result.exit_code == 1
    assert "wider.safetensors does not fit the network" in result.output
    enlarger = tmp_path / "sr.safetensors"
    save_checkpoint(enlarger, "superres", {}, {"config": HatConfig().as_dict()})
    result = run.invoke(pack_checkpoint, [str(enlarger), str(out), "--guide", str(pair[1])])
    assert "sr.safetensors is a super-resolution: only a diffusion network is guided" in result.output

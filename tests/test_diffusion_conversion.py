"""Published diffusion weights become checkpoints of ours, and what is something else is refused."""

import pytest
import torch

from app.cli.checkpoints import convert_checkpoint
from generator.checkpoint import CheckpointError
from generator.diffusion import Denoiser, Model, convert, load, sample

pytestmark = pytest.mark.usefixtures("one_thread")


def published(net):
    state = net.unet.state_dict()
    return {"model_state": {name: torch.zeros_like(tensor) for name, tensor in state.items()}, "ema_model_state": state}


def test_a_published_file_is_converted_and_recognised(tmp_path, app):
    net = Denoiser(Model(widths=(8, 16, 16)))
    torch.save(published(net), tmp_path / "ddpm-model-ep1.pth")
    arguments = [str(tmp_path / "ddpm-model-ep1.pth"), str(tmp_path / "one.safetensors")]
    result = app.test_cli_runner().invoke(convert_checkpoint, arguments)
    assert result.output.startswith("Converted (diffusion): "), result.output
    converted = load(tmp_path / "one.safetensors", "cpu")
    assert converted.model == net.model
    ours, theirs = converted.unet.state_dict(), net.unet.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert converted.about["training"]["published_file"] == "ddpm-model-ep1.pth"


def test_a_published_file_for_another_size_of_image_is_told_its_size(tmp_path, app):
    net = Denoiser(Model(height=32, width=64, widths=(8, 16, 16)))
    torch.save(published(net), tmp_path / "x.pth")
    arguments = [str(tmp_path / "x.pth"), str(tmp_path / "one.safetensors"), "--height", "32", "--width", "64"]
    result = app.test_cli_runner().invoke(convert_checkpoint, arguments)
    assert result.exit_code == 0, result.output
    assert sample(load(tmp_path / "one.safetensors", "cpu"), [1], steps=2).shape == (1, 32, 64, 3)


@pytest.mark.parametrize("harm", ["missing", "shape", "other"])
def test_a_file_that_does_not_fit_is_refused(tmp_path, harm):
    content = published(Denoiser(Model(widths=(8, 16, 16))))
    state = content["ema_model_state"]
    if harm == "missing":
        del state["conv_out.bias"]
    elif harm == "shape":
        state["conv_out.bias"] = torch.zeros(4)
    else:
        content = {"something": torch.zeros(1)}
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"x\.pth (does not fit|holds no diffusion network)"):
        convert(tmp_path / "x.pth", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()

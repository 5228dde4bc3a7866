"""What torch.compile is given: whole networks, once each; on a GPU every further time costs minutes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from generator.diffusion import Denoiser, Model, Preset, Training, sample
from generator.diffusion.denoiser import made_ready
from generator.diffusion.train import Trainer
from generator.superres import HAT, HatConfig, fast, presets
from generator.superres import train as superres_training
from generator.superres.fast import FastHAT

pytestmark = pytest.mark.usefixtures("one_thread")

MODEL = Model(16, 32, 1, (8, 16), 2, 2, 8, prediction="v", schedule="cosine", sampler="dpm++", steps=4, eta=0.0)
CONFIG = HatConfig(channels=1, embed_dim=16, depths=(4, 2), heads=(2, 2), window=4, squeeze_factor=8, features=8)
KINDS = 3  # of blocks: windows as they lie, shifted, overlapping


@pytest.fixture
def compiled(monkeypatch):
    """The graphs that torch.compile was given; they run as they are. A break in one of them is an error."""
    graphs = []

    def kept(graph, _):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    fast._blocks.cache_clear()
    compiler, whole = torch.compile, {"backend": kept, "fullgraph": True}
    monkeypatch.setattr(torch, "compile", lambda what, **options: compiler(what, **(options | whole)))
    yield graphs
    fast._blocks.cache_clear()
    torch._dynamo.reset()


class Noise:
    """Stands for a corpus."""

    name, fingerprint, low_size = "noise", "none", (32, 16)

    def names(self, split):
        return ["an image"] * 10

    def low(self, split):
        return np.random.default_rng(0).integers(0, 256, (10, 16, 32), np.uint8)


def test_a_network_is_compiled_once_for_every_sampler_and_for_a_last_smaller_batch(compiled):
    net = made_ready(Denoiser(MODEL), "cpu", "bfloat16", compiled=True)
    for sampler in ("dpm++", "ddim", "ddpm", "unipc"):
        sample(net, range(5), sampler, 4, batch=2)
    assert len(compiled) == 1


def test_a_training_compiles_its_network_once_and_a_second_one_of_its_kind_not_again(compiled):
    preset = Preset("", MODEL, Training(10, 4, warmup=2, loss="l2", weighting="min-snr", ema="half-life"))
    for _ in range(2):
        trainer = Trainer(Noise(), preset, Accelerator(cpu=True), torch.bfloat16, compiled=True)
        for _ in range(3):
            trainer.step()
        with trainer.autocast():
            sample(trainer.average, range(2), "dpm++", 2)
        trainer.load({**trainer.state(), "step": 3})
        trainer.step()
        assert len(compiled) == 1


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch hides it by another way than a filter
def test_each_kind_of_block_is_compiled_once_in_training_and_once_for_each_size_of_batch_after_it(compiled):
    preset = replace(
        presets.STARTER,
        network=CONFIG,
        batch=2,
        l1_steps=2,
        gan_steps=2,
        crop=32,
        discriminator=4,
        perceptual_weight=0.0,
    )
    trainer = superres_training.Trainer(preset, 0, Accelerator(cpu=True), torch.bfloat16, None)
    superres_training._compile(trainer.network)
    low, high = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 32, 32)
    for step in range(4):
        trainer.step(step, low, high)
    assert len(compiled) == KINDS
    for _ in range(2):  # as when the averaged weights are measured again
        net = FastHAT(trainer.average, torch.device("cpu"), torch.bfloat16, compiled=True, fused=False)
        net(torch.rand(3, 1, 16, 32))
        trainer.step(3, low, high)
    assert len(compiled) == 2 * KINDS


def test_the_averages_keep_no_history_of_the_steps():
    diffusion = Trainer(Noise(), Preset("", MODEL, Training(10, 4)), Accelerator(cpu=True), torch.float32, False)
    preset = replace(presets.STARTER, network=CONFIG, crop=32)
    superres = superres_training.Trainer(preset, 0, Accelerator(cpu=True), torch.float32, None)
    for step in range(2):
        diffusion.step()
        superres.step(step, torch.rand(2, 1, 8, 8), torch.rand(2, 1, 32, 32))
    for average in (diffusion.average, superres.average):
        assert not any(parameter.requires_grad for parameter in average.parameters())


def test_networks_that_are_loaded_anew_run_the_code_of_those_before(compiled):
    for _ in range(2):
        net = made_ready(Denoiser(MODEL), "cpu", "bfloat16", compiled=True)
        sample(net, range(2), "dpm++", 2, batch=2)
        FastHAT(HAT(CONFIG), torch.device("cpu"), torch.bfloat16, compiled=True, fused=False)(torch.rand(2, 1, 16, 32))
    assert len(compiled) == 1 + KINDS

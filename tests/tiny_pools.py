"""Pools made by the smallest networks of either kind, for the tests of making them."""

import json

import numpy as np
import torch

from generator.diffusion import Denoiser, Model, save
from generator.pool import generate_pool
from generator.superres import HAT, Grain, HatConfig
from generator.superres.grain import LEVELS
from generator.superres.weights import save as save_superres

COUNT = 5
KEPT = ("manifest.jsonl", "refused.jsonl")
UNTRAINED = ("blank", "saturated", "duplicate")  # what images of random weights fail


def random_weights(network, seed):
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.05, generator=generator)
    return network.state_dict()


def tiny_checkpoints(folder):
    """The smallest networks of either kind, with random weights: their images are noise, all different."""
    model = Model(channels=1, widths=(8, 8), patch=8, heads=1, head_width=4, sampler="ddim", steps=2, eta=1.0)
    save(folder / "d.safetensors", random_weights(Denoiser(model).unet, 0), model, {"training": {}})
    config = HatConfig(channels=1, embed_dim=4, depths=(1,), heads=(1,), window=8, squeeze_factor=2, features=4)
    grain = Grain(np.ones((32, 17), np.float32), np.full(len(LEVELS), 3, np.float32)).as_tensors()
    tensors = random_weights(HAT(config), 1) | grain
    save_superres(tensors, folder / "s.safetensors", {"config": config.as_dict(), "training": {}})
    return {"diffusion": folder / "d.safetensors", "superres": folder / "s.safetensors"}


def make(folder, checkpoints, name="fakes", **changes):
    options = {
        "about": "Random weights.",
        "count": COUNT,
        "seed": 3,
        "without": UNTRAINED,
        **checkpoints,
    }
    return generate_pool(folder, name, **(options | changes)).folder


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def content(pool):
    """All that has to be the same in any two runs: file names and bytes, but for pool.json and times.jsonl."""
    files = {path.name: path.read_bytes() for path in (pool / "images").iterdir()}
    return files | {name: (pool / name).read_bytes() for name in KEPT}

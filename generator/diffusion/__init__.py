"""The diffusion generator: networks that turn noise into 256×128 panoramic radiographs.

    net = load("model.safetensors")               # net(x, t) → predicted noise
    images = sample(net, seeds=[1, 2, 3])          # float32 in [0, 1], (n, height, width, channels)

`settings` holds what can be chosen, `presets` what is recommended, `unet` the network, `schedule` the noise, `samplers`
the way back, `train` the training.
"""

from .denoiser import Denoiser, convert, load, pack, recognised, save
from .presets import PRESETS, Preset, find_preset
from .samplers import sample, sample_batches, to_grey
from .settings import Model, SettingsError, Training

__all__ = [
    "PRESETS",
    "Denoiser",
    "Model",
    "Preset",
    "SettingsError",
    "Training",
    "convert",
    "find_preset",
    "load",
    "pack",
    "recognised",
    "sample",
    "sample_batches",
    "save",
    "to_grey",
]

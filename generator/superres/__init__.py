"""Super-resolution: 256×128 → 1024×512 by HAT.

net = load("Real_HAT_GAN_SRx4_finetuned.pth")    # or one of our checkpoints
large = upscale(net, images)                     # uint8 (n, 128, 256) → uint8 (n, 512, 1024)
"""

from .config import HatConfig, SuperResError
from .enlarge import upscale
from .grain import Grain
from .hat import HAT
from .weights import convert, grain_pictures, load, load_grain, pack

__all__ = [
    "HAT",
    "Grain",
    "HatConfig",
    "SuperResError",
    "convert",
    "grain_pictures",
    "load",
    "load_grain",
    "pack",
    "upscale",
]

"""A small corpus and quick settings, for the tests of training the super-resolution."""

import shutil

from live import ROOT

from generator.corpus import open_corpus
from generator.prepare import prepare
from generator.superres import HatConfig

TINY = HatConfig(channels=1, embed_dim=16, depths=(2,), heads=(2,), window=8, squeeze_factor=8, features=8)
QUICK = {
    "network": TINY,
    "l1_steps": 4,
    "gan_steps": 4,
    "crop": 32,
    "batch": 2,
    "discriminator": 4,
    "perceptual_weight": 0.0,
    "check_every": 2,
    "check_images": 1,
    "device": "cpu",
    "workers": 0,
}


def half_corpus(root):
    """A folder of corpora with one, `half`: twelve phantoms at half their size."""
    source = root / "source"
    source.mkdir()
    for path in sorted((ROOT / "quiz_data" / "pools" / "demo-real" / "images").iterdir())[:12]:
        shutil.copy(path, source)
    options = {"crop": (0, 0, 0, 0), "test_share": 0.25, "processes": 1}
    for seed in range(50):  # the split is drawn by the images' hashes, which change with the phantoms
        prepare(root, "half", source, "generic", size=(512, 256), seed=seed, **options)
        if 2 <= len(open_corpus(root / "half").names("test")) <= 4:
            return root
        shutil.rmtree(root / "half")
    raise AssertionError("no seed of 50 splits twelve images fairly")

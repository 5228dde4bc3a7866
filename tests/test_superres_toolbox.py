"""What training the super-resolution is made of: seeded degradations, pairs, losses and measures."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from live import ROOT
from tiny_superres import QUICK, half_corpus
from torch import nn

from generator.corpus import open_corpus
from generator.superres import SuperResError, check, toolbox
from generator.superres.degrade import DEGRADATIONS, MILD, degrade
from generator.superres.pairs import Pairs, batches
from generator.superres.perceptual import find_vgg
from generator.superres.train import train

pytestmark = pytest.mark.usefixtures("one_thread")

VGG_FILE = "hub/checkpoints/vgg19-dcbb9e9d.pth"


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return half_corpus(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def corpus(corpora):
    return open_corpus(corpora / "half")


def piece(corpus):
    return corpus.high_image(corpus.names("train")[0])[40:200, 100:260].astype(np.float32) / 255


def test_importing_basicsr_changes_nothing_else():
    code = (
        "import sys, warnings, numpy as np\n"
        "before, filters = np.geterr(), list(warnings.filters)\n"
        "from generator.superres import toolbox\n"
        "toolbox.basicsr('data.degradations')\n"
        "assert np.geterr() == before and toolbox.GONE not in sys.modules\n"
        "assert toolbox.sinc_kernel(7, 2.0).sum().round(9) == 1\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_degradations_are_drawn_from_their_keys_and_nothing_else(corpus):
    image, how = piece(corpus), DEGRADATIONS["real-esrgan"]

    def made(*keys):
        with toolbox.drawn_from(*keys):
            return degrade(image, how)

    np.random.seed(5)
    random.seed(5)
    expected = np.random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    first = made(1, "name", 7)
    assert (np.random.random(), random.random()) == expected
    assert np.array_equal(first, made(1, "name", 7))
    others = [made(2, "name", 7), made(1, "other", 7), made(1, "name", 8)]
    assert not any(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_degraded_images_are_a_quarter_of_the_size_and_eight_bits_deep(corpus, name):
    image = piece(corpus)
    for i in range(30):
        with toolbox.drawn_from(i):
            small = degrade(image, DEGRADATIONS[name])
        assert small.shape == (40, 40)
        assert small.dtype == np.float32
        assert np.array_equal((small * 255).round().clip(0, 255), (small * 255).astype(np.float64).round())


def test_mild_degradation_leaves_half_of_the_images_as_the_corpus_has_them(corpus):
    image = piece(corpus)
    averaged = (image.reshape(40, 4, 40, 4).mean((1, 3)) * 255).round()
    same, strongest = 0, 0.0
    for i in range(60):
        with toolbox.drawn_from(i):
            difference = np.abs(degrade(image, MILD) * 255 - averaged)
        same += difference.max() <= 1
        strongest = max(strongest, difference.mean())
    assert 20 <= same <= 40
    assert 0.5 < strongest < 10


def test_pairs_are_the_same_with_any_number_of_workers_and_from_any_step(corpus):
    pairs = Pairs(corpus, DEGRADATIONS["real-esrgan"], crop=32, batch=3, seed=4)
    alone = list(batches(pairs, 0, 4, workers=0))
    assert alone[0][0].shape == (3, 1, 8, 8)
    assert alone[0][1].shape == (3, 1, 32, 32)
    for made in (list(batches(pairs, 0, 4, workers=2)), [*alone[:2], *batches(pairs, 2, 4, workers=0)]):
        assert all(
            torch.equal(a, b) for one, other in zip(alone, made, strict=True) for a, b in zip(one, other, strict=True)
        )
    shared = [list(batches(Pairs(corpus, MILD, 32, 4, 4), 0, 2, 0, (rank, 2))) for rank in range(2)]
    together = list(batches(Pairs(corpus, MILD, 32, 4, 4), 0, 2, 0))
    for step in range(2):
        assert torch.equal(together[step][1][0::2], shared[0][step][1])
        assert torch.equal(together[step][1][1::2], shared[1][step][1])


def test_small_and_large_of_a_pair_show_the_same_place(corpus):
    for small, large in batches(Pairs(corpus, MILD, crop=64, batch=4, seed=0), 0, 2, 0):
        averaged = torch.nn.functional.avg_pool2d(large, 4)
        assert (averaged - small).abs().mean() < 0.02


def test_a_corner_is_in_as_many_pairs_as_the_middle_and_lies_on_the_small_images_grid(corpus, monkeypatch):
    """A side marker stands near a corner: of crops drawn inside the image, one in a thousand would show it."""
    image = np.zeros((256, 512), np.uint8)
    image[-4:, -4:], image[128:132, 256:260] = 255, 128
    monkeypatch.setattr(type(corpus), "high_image", lambda self, name: image)
    pairs = Pairs(corpus, MILD, crop=64, batch=8, seed=1)
    shown = {255: 0, 128: 0}
    for number in range(600):
        greys = np.round(pairs[number][1][0].numpy() * 255)
        for grey in shown:
            rows, columns = np.nonzero(greys == grey)
            assert len(rows) in (0, 16)
            if len(rows):
                assert rows.min() % 4 == columns.min() % 4 == 0
                shown[grey] += 1
    assert all(6 <= count <= 24 for count in shown.values()), shown  # 600 × 16/79 × 16/143 = 14


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """Layers of VGG19 at random, and a TORCH_HOME that has them where torchvision keeps them."""
    from torchvision.models import vgg

    torch.manual_seed(0)
    layers = vgg.make_layers(vgg.cfgs["E"])
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # or nothing would come to the deepest
    home = tmp_path_factory.mktemp("torch")
    (home / VGG_FILE).parent.mkdir(parents=True)
    torch.save({f"features.{name}": tensor for name, tensor in layers.state_dict().items()}, home / VGG_FILE)
    return layers, home


def seen_by(layers, images):
    """What conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4 give, before their ReLU, for normalised `images`."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x, seen = (images - mean[:, None, None]) / deviation[:, None, None], []
    for number, layer in enumerate(layers):
        x = x.relu() if isinstance(layer, nn.ReLU) else layer(x)
        if number in (2, 7, 16, 25, 34):
            seen.append(x)
    return seen


def test_the_perceptual_loss_is_that_of_five_layers_before_their_relu(vgg):
    layers, home = vgg
    made, true = torch.rand((2, 2, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        seen = zip((0.1, 0.1, 1, 1, 1), seen_by(layers, made), seen_by(layers, true), strict=True)
        parts = [weight * (one - other).abs().mean().item() for weight, one, other in seen]
        loss = toolbox.perceptual_loss(home / VGG_FILE)(made, true).item()
    assert min(parts) > 0.01 * sum(parts), "each layer counts"
    assert loss == pytest.approx(sum(parts), rel=1e-5)


def test_a_training_looks_through_the_given_vgg_weights(corpora, vgg, tmp_path):
    changes = QUICK | {"l1_steps": 0, "gan_steps": 1, "perceptual_weight": 1.0, "vgg_weights": vgg[1] / VGG_FILE}
    train(corpora / "half", tmp_path / "run", **changes)
    assert json.loads((tmp_path / "run" / "stats.jsonl").read_text().splitlines()[0])["perceptual"] > 0


def test_vgg_weights_in_torchvision_s_cache_are_used_without_a_download(vgg, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(vgg[1]))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert find_vgg() == vgg[1] / VGG_FILE


def test_missing_or_wrong_vgg_weights_are_told_before_the_training(corpora, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for given, sentence in (
        (None, r"give it with --vgg-weights FILE.*--perceptual-weight 0"),
        ("no.pth", "no file no.pth"),
    ):
        with pytest.raises(SuperResError, match=sentence):
            find_vgg(given)
    with pytest.raises(SuperResError, match="--perceptual-weight 0"):
        train(corpora / "half", tmp_path / "run", **QUICK | {"perceptual_weight": 1.0})
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(SuperResError, match="does not hold the weights of VGG19"):
        toolbox.perceptual_loss(tmp_path / "wrong.pth")


def test_psnr_and_ssim_are_the_textbook_s(corpus):
    """PSNR from its definition; SSIM against scikit-image, with the settings of Wang et al. 2004."""
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    name = corpus.names("test")[0]
    true = corpus.high_image(name)
    made = check.bicubic(corpus.low_image(name))
    inner = np.s_[4:-4, 4:-4]
    error = np.mean((made[inner].astype(float) - true[inner]) ** 2)
    assert toolbox.psnr(made, true, 4) == pytest.approx(10 * np.log10(255**2 / error))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    _, map_ = metrics.structural_similarity(made[inner], true[inner], full=True, **options)
    assert toolbox.ssim(made, true, 4) == pytest.approx(map_[5:-5, 5:-5].mean(), abs=1e-4)

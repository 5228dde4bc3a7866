"""Distances between sets of images: equal to the reference implementations, and moving the right way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from generator.evaluate.distances import (
    DistanceError,
    classifier_score,
    density_and_coverage,
    frechet,
    kernel_distance,
    precision_and_recall,
    with_interval,
)
from generator.evaluate.extractors import ExtractorError, extract, load_extractor, resized
from generator.evaluate.pictures import PicturesError, open_pictures
from generator.evaluate.results import text

pytestmark = pytest.mark.usefixtures("one_thread")

POOLS = Path("quiz_data/pools")


@pytest.fixture(params=[(60, 60, 24), (60, 45, 96), (200, 150, 30)])
def two_sides(request):
    n, m, d = request.param
    random = np.random.default_rng(n + d)
    return random.normal(size=(n, d)), random.normal(0.3, 1.4, size=(m, d))


def test_the_frechet_distance_is_that_of_torch_fidelity(two_sides):
    ours, theirs = two_sides
    statistics = [fid_features_to_statistics(torch.from_numpy(side)) for side in two_sides]
    assert frechet(ours, theirs) == pytest.approx(
        fid_statistics_to_metric(*statistics, False)[KEY_METRIC_FID], rel=1e-6
    )


def test_the_frechet_distance_of_known_gaussians():
    """In one dimension it is (difference of means)² + (difference of standard deviations)²."""
    ours = np.array([[-1.0], [1.0]]) * np.sqrt(0.5)  # mean 0, sample variance 1
    theirs = 3 * ours + 2
    assert frechet(ours, theirs) == pytest.approx(2**2 + (3 - 1) ** 2)


def test_the_kernel_distance_is_that_of_torch_fidelity():
    ours, theirs = (np.random.default_rng(side).normal(side / 5, 1, (50, 12)) for side in (0, 1))
    reference = kid_features_to_metric(
        torch.from_numpy(ours), torch.from_numpy(theirs), kid_subsets=1, kid_subset_size=50, verbose=False
    )
    assert kernel_distance(ours, theirs) == pytest.approx(reference[KEY_METRIC_KID_MEAN], rel=1e-9)


def test_precision_and_recall_are_those_of_torch_fidelity(two_sides):
    ours, theirs = two_sides
    reference = prc_features_to_metric(torch.from_numpy(ours), torch.from_numpy(theirs), verbose=False)
    assert precision_and_recall(ours, theirs) == (reference["precision"], reference["recall"])


def test_density_and_coverage_by_counting(two_sides):
    ours, theirs = (side[:40] for side in two_sides)
    covered, count = set(), 0
    for i, real in enumerate(theirs):
        radius = sorted(np.linalg.norm(real - other) for other in theirs)[5]
        inside = [np.linalg.norm(real - generated) < radius for generated in ours]
        count += sum(inside)
        covered |= {i} if any(inside) else set()
    density, coverage = density_and_coverage(ours, theirs)
    assert density == pytest.approx(count / (5 * len(ours)))
    assert coverage == pytest.approx(len(covered) / len(theirs))


# What the authors' own prdc 0.2 (https://github.com/clovaai/generative-evaluation-prdc) gives for normal features, of
# size (n, d) and (m, d): precision and recall with 3 neighbours, density and coverage with 5.
PRDC = {
    (60, 60, 24): (0.15, 0.9833333333333333, 0.11, 0.3333333333333333),
    (200, 150, 30): (0.07333333333333333, 1.0, 0.04666666666666667, 0.165),
}


@pytest.mark.parametrize(("sizes", "published"), PRDC.items())
def test_precision_recall_density_and_coverage_are_those_of_their_authors_package(sizes, published):
    n, m, d = sizes
    random = np.random.default_rng(n + d)
    theirs, ours = random.normal(size=(n, d)), random.normal(0.3, 1.4, size=(m, d))
    assert (*precision_and_recall(ours, theirs), *density_and_coverage(ours, theirs)) == pytest.approx(published)


def test_the_shares_fall_with_noise_and_with_modes_that_are_missing():
    """Precision and density fall as images leave what is real, recall and coverage as they leave parts of it out."""
    random = np.random.default_rng(5)
    modes = random.normal(0, 6, (8, 6))

    def drawn(count):
        return np.repeat(modes[:count], 240 // count, axis=0) + random.normal(size=(240, 6))

    theirs, whole = drawn(8), drawn(8)
    noisy = [whole + random.normal(0, sigma, whole.shape) for sigma in (0, 1, 3)]
    for which, of in ((0, precision_and_recall), (0, density_and_coverage)):
        good, worse, worst = (of(ours, theirs)[which] for ours in noisy)
        assert good > worse > worst
    for which, of in ((1, precision_and_recall), (1, density_and_coverage)):
        good, worse, worst = (of(ours, theirs)[which] for ours in (whole, drawn(4), drawn(1)))
        assert good > 0.8
        assert good > worse > worst


def test_the_classifier_score_is_that_of_torch_fidelity_and_counts_modes():
    logits = np.random.default_rng(1).normal(size=(100, 7))
    assert classifier_score(logits) == isc_features_to_metric(torch.from_numpy(logits))["inception_score_mean"]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    formula = np.exp((shares * np.log(shares / shares.mean(0))).sum(1).mean())  # Salimans et al., over all images
    assert classifier_score(logits, splits=1) == pytest.approx(formula, rel=1e-9)
    sure = np.tile(np.eye(5) * 100, (200, 1))
    assert classifier_score(sure, splits=1) == pytest.approx(5)
    assert classifier_score(np.zeros((100, 5))) == pytest.approx(1)


def test_the_interval_of_a_mean_is_that_of_the_textbook():
    values = np.random.default_rng(2).normal(5, 2, (400, 1))
    estimate = with_interval(lambda side: float(side.mean()), values)
    assert estimate.value == values.mean()
    half = (estimate.high - estimate.low) / 2
    assert half == pytest.approx(1.96 * values.std(ddof=1) / 20, rel=0.5)  # ten groups know an error to about a quarter


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """The mean of 100 draws, 200 times; a jackknife of ten groups falls a little short of 95 %."""
    random = np.random.default_rng(3)
    held = 0
    for seed in range(200):
        estimate = with_interval(lambda side: float(side.mean()), random.normal(size=(100, 1)), seed=seed)
        held += estimate.low <= 0 <= estimate.high
    assert 0.86 <= held / 200 <= 0.99


def test_where_no_group_makes_a_difference_there_is_no_interval_instead_of_one_of_no_width():
    ours, theirs = (np.random.default_rng(side).normal(side * 50, 1, (40, 3)) for side in (0, 1))
    estimate = with_interval(lambda a, b: precision_and_recall(a, b)[0], ours, theirs, limits=(0, 1))
    assert (estimate.value, estimate.low, estimate.high) == (0, None, None)
    assert text(estimate) == "0.000 (no interval)"


def test_too_few_images_are_refused():
    with pytest.raises(DistanceError, match="at least 20 images on each side, and one has 7"):
        with_interval(frechet, np.zeros((30, 2)), np.zeros((7, 2)))


# Images.


@pytest.fixture(scope="module")
def lite0():
    return load_extractor("lite0")


@pytest.fixture(scope="module")
def phantoms():
    return [*open_pictures(POOLS / "demo-real", low=True).some(40, 0)]


def test_worse_images_are_farther_away(lite0, phantoms):
    """Two halves of one pool are near; blur, noise and few modes take one half away, and more of it farther."""
    lite0 = replace(lite0, size=(224, 112))  # a quarter of the work

    def changed(change):
        return extract(lite0, [change(picture) for picture in phantoms[:20]]).values

    def blurred(radius):
        return lambda picture: np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))

    def noisy(sigma):
        noise = np.random.default_rng(0).normal(0, sigma, phantoms[0].shape)
        return lambda picture: np.clip(picture + noise, 0, 255).astype(np.uint8)

    theirs = extract(lite0, phantoms[20:]).values
    whole = changed(lambda picture: picture)
    for distance in (frechet, kernel_distance):
        halves = distance(whole, theirs)
        assert halves < distance(changed(blurred(1)), theirs) < distance(changed(blurred(3)), theirs)
        assert halves < distance(changed(noisy(10)), theirs) < distance(changed(noisy(40)), theirs)
        assert (
            halves
            < distance(np.repeat(whole[:5], 4, axis=0), theirs)
            < distance(np.repeat(whole[:2], 10, axis=0), theirs)
        )
    assert density_and_coverage(whole, theirs)[1] > density_and_coverage(np.repeat(whole[:2], 10, axis=0), theirs)[1]
    # Two halves of one pool: no distance is proven. (An unbiased estimate of 0 lies below it as often as above.)
    assert (
        with_interval(kernel_distance, whole, theirs).low
        < 0
        < with_interval(kernel_distance, changed(blurred(3)), theirs).low
    )


def test_resizing_follows_pillow_in_floating_point():
    picture = np.random.default_rng(0).integers(0, 256, (512, 1024), dtype=np.uint8)
    small = resized(picture, (299, 299))
    assert small.shape == (3, 299, 299)
    rounded = np.asarray(Image.fromarray(picture).resize((299, 299), Image.Resampling.BICUBIC))
    assert np.abs(small[0].numpy() - rounded).max() < 1.5  # Pillow rounds twice
    assert torch.equal(small[0], small[2])


def test_only_inception_features_are_called_fid(lite0, monkeypatch, tmp_path):
    assert lite0.frechet_name == "FD on EfficientNet-Lite0 features"
    assert "FID" not in lite0.frechet_name + lite0.score_name
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ExtractorError, match=r"put the file of torch-fidelity's release v0\.2\.0 there"):
        load_extractor("inception")
    with pytest.raises(ExtractorError, match="give one of inception, dinov2, lite0"):
        load_extractor("vgg")


def test_inception_weights_from_a_file_are_used(tmp_path, monkeypatch):
    """The true weights are not to be had offline; random ones show that the file is read and the layers are right."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    file = tmp_path / "inception.pth"
    with monkeypatch.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *a, **k: {})
        random = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    torch.save(random.state_dict(), file)
    extractor = load_extractor("inception", file)
    picture = np.random.default_rng(0).integers(0, 256, (64, 128), dtype=np.uint8)
    found = extract(extractor, [picture])
    assert extractor.frechet_name == "FID"
    assert found.values.shape == (1, 2048)
    assert found.logits.shape == (1, 1008)
    reference = random(resized(picture, (299, 299))[None].round().byte())[0]
    assert np.allclose(found.values, reference.numpy(), atol=1e-5)
    torch.save({"x": torch.zeros(1)}, file)
    with pytest.raises(ExtractorError, match="holds no Inception weights"):
        load_extractor("inception", file)
    file.write_bytes(b"no weights")
    with pytest.raises(ExtractorError, match="is damaged"):
        load_extractor("inception", file)


def test_pictures_of_pools(tmp_path):
    large, small = open_pictures(POOLS / "demo-real"), open_pictures(POOLS / "demo-real", low=True)
    assert len(large) == 100
    assert large.read(large.names[0]).shape == (512, 1024)
    assert small.read(small.names[0]).shape == (128, 256)
    some = large.some(7, seed=1)
    assert len(some) == 7
    assert some.names == large.some(7, seed=1).names != large.some(7, seed=2).names
    with pytest.raises(PicturesError, match="neither a pool nor a corpus"):
        open_pictures(tmp_path)
    with pytest.raises(PicturesError, match="leave the split out"):
        open_pictures(POOLS / "demo-real", split="test")

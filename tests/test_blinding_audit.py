"""Promises of the blinding audit: it names the trace that was planted and nothing else, and its advice removes it."""

import io
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.blinding.audit import audit_images, collect, compare, find, measure_picture, report
from app.blinding.classifier import judge
from app.blinding.difference import detectable_auc, holm
from app.blinding.histogram import histogram, match_histogram
from app.blinding.preparation import Preparation, Recipe, find_recipe
from app.blinding.served import ServedImage
from app.blinding.text import as_json, as_text
from app.study_images import encode

SIDE = 10  # images; two sides of ten can differ without overlap by chance once in 92,378 studies
SMALL = (512, 256)  # pixels; no measure depends on the size
SORTED = ["real"] * SIDE + ["synthetic"] * SIDE


def picture(number):
    """A small picture without any trace: shades, structure and a little noise; float greys well inside 0 to 255."""
    draw = np.random.default_rng(number)
    shape = draw.normal(0, 1, (5, 8)), draw.normal(0, 0.35, (24, 40)), draw.normal(0, 0.12, (85, 170))
    grey = sum(np.asarray(Image.fromarray(each).resize(SMALL, Image.Resampling.BICUBIC)) for each in shape)
    grey = (grey - grey.mean()) / grey.std() * draw.normal(30, 2) + draw.normal(125, 5)
    return grey + draw.normal(0, draw.normal(1.5, 0.1), grey.shape)


def rounded(grey):
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures():
    """Two sides of SIDE that do not differ, until a trace is planted in the second."""
    return [picture(number) for number in range(2 * SIDE)]


@pytest.fixture(scope="module")
def measured(pictures):
    return [measure_picture(rounded(grey)) for grey in pictures]


def brighter(grey):
    return grey + 25


def lower_contrast(grey):
    return (grey - grey.mean()) * 0.75 + grey.mean()


def bent_tones(grey):
    """Another tone curve with the same mean and contrast."""
    bent = np.sqrt(np.maximum(grey, 0))
    return (bent - bent.mean()) / bent.std() * grey.std() + grey.mean()


def far_bent_tones(grey):
    """The other way, and so far that the classifier of histograms tells it from ten images and ten."""
    bent = np.maximum(grey, 0) ** 2.0
    return (bent - bent.mean()) / bent.std() * grey.std() + grey.mean()


def shaded_margin(grey):
    """Brighter towards the lower edge, but for its corners; no line, so that only a classifier can find it."""
    rise = np.clip(1 - np.arange(grey.shape[0])[::-1] / 32, 0, 1)[:, None]
    inner = np.ones(grey.shape[1])
    inner[:40] = inner[-40:] = 0
    return grey + 70 * rise * inner


def seven_bits(grey):
    return rounded(grey) & 0xFE


def white_line(grey):
    lined = grey.copy()
    lined[6:8] += 90
    return lined


def black_frame(grey):
    framed = np.zeros_like(grey)
    framed[14:-14, 14:-14] = grey[14:-14, 14:-14]
    return framed


def dark_corners(grey):
    cornered = grey.copy()
    for rows in (slice(None, 24), slice(-24, None)):
        for columns in (slice(None, 24), slice(-24, None)):
            cornered[rows, columns] -= 40
    return cornered


def letter(grey):
    marked = grey.copy()
    marked[20:66, 40:72] -= 60
    marked[28:58, 50:54] = marked[54:58, 50:64] = 255
    return marked


def noisy(grey):
    return grey + np.random.default_rng(0).normal(0, 2, grey.shape)


def blurred(grey):
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(grey, 0.9)


def jpeg(grey):
    buffer = io.BytesIO()
    Image.fromarray(rounded(grey)).save(buffer, "JPEG", quality=60)
    return np.asarray(Image.open(buffer))


def findings(measured):
    sides = collect(measured, [number >= SIDE for number in range(2 * SIDE)])
    return find(compare(sides)[0], [], sides.marker_depth)


def groups_that_stand_out(images):
    measured = [measure_picture(np.asarray(image)) for image in images]
    rows, _ = compare(collect(measured, [number >= SIDE for number in range(2 * SIDE)]))
    return {row.group for row in rows if row.stands_out}


PLANTS = [
    (brighter, {"mean", "contrast"}, "--match-histogram"),
    (lower_contrast, {"contrast"}, "--match-histogram"),
    (far_bent_tones, {"histogram"}, "--match-histogram"),
    (shaded_margin, {"margins"}, "--mask-margins 32"),
    (seven_bits, {"unused grey levels", "uneven grey levels"}, "--match-histogram"),
    (white_line, {"border line"}, "--mask-margins 32"),
    (black_frame, {"border width"}, "--trim auto"),
    (dark_corners, {"corners"}, "--mask-margins 32"),
    (letter, {"markers"}, "--mask-margins 58"),
    (noisy, {"noise"}, "no setting"),
    (blurred, {"high frequencies", "noise"}, "no setting"),
    (jpeg, {"JPEG grid"}, "no setting"),
]


@pytest.mark.parametrize(("plant", "names", "remedy"), PLANTS, ids=[plant.__name__ for plant, _, _ in PLANTS])
def test_a_planted_trace_is_named_and_nothing_else(pictures, measured, plant, names, remedy):
    planted = [measure_picture(rounded(plant(grey))) for grey in pictures[SIDE:]]
    found = findings(measured[:SIDE] + planted)
    assert [each.name in names for each in found] == [True], found
    assert remedy in found[0].remedy


def test_sides_that_do_not_differ_give_no_finding(pictures, measured):
    """Twelve ways to deal the same images into two sides."""
    for seed in range(12):
        dealt = np.random.default_rng(seed).permutation(2 * SIDE) < SIDE
        rows, _ = compare(collect(measured, dealt))
        assert find(rows, [], 0) == [], seed


@pytest.mark.parametrize(
    ("plants", "wanted", "groups"),
    [
        ([bent_tones, brighter, seven_bits], Preparation(match_histogram=True), {"tone", "bit depth"}),
        ([dark_corners, letter, white_line], Preparation(mask_margins=64), {"edge", "markers"}),
        ([black_frame], Preparation(trim="auto"), {"edge"}),
    ],
    ids=["match-histogram", "mask-margins", "trim"],
)
def test_the_setting_that_is_advised_removes_the_traces(pictures, monkeypatch, plants, wanted, groups):
    monkeypatch.setattr("app.blinding.preparation.SIZE", SMALL)
    images = []
    for number, grey in enumerate(pictures):
        for plant in plants if number >= SIDE else ():
            grey = plant(grey).astype(float)
        images.append(Image.fromarray(rounded(grey)))
    assert groups <= groups_that_stand_out(images)
    recipe = find_recipe(wanted, lambda function: map(function, images))
    assert not groups & groups_that_stand_out(map(recipe.apply, images))


def test_a_matched_histogram_is_the_reference_to_the_pixel(pictures):
    reference = histogram(rounded(pictures[1]))
    matched = match_histogram(rounded(pictures[0]), reference)
    assert np.array_equal(np.bincount(matched.ravel(), minlength=256), np.rint(reference * matched.size))
    before, after = rounded(pictures[0]).ravel().astype(int), matched.ravel().astype(int)
    order = np.argsort(before, kind="stable")
    starts = np.searchsorted(before[order], np.unique(before))
    tops = np.maximum.reduceat(after[order], starts)
    bottoms = np.minimum.reduceat(after[order], starts)
    assert (bottoms[1:] >= tops[:-1]).all(), "a brighter pixel became darker than a darker one"


def test_trimming_cuts_all_alike_and_leaves_no_pixel_of_the_border():
    bordered = np.full((600, 1200), 128, np.uint8)
    bordered[:30], bordered[:, 1180:] = 0, 255
    plain = np.full((512, 1024), 128, np.uint8)
    images = [Image.fromarray(bordered), Image.fromarray(plain)]
    recipe = find_recipe(Preparation(trim="auto"), lambda function: map(function, images))
    top, left, bottom, right = recipe.cut
    assert (left, bottom) == (0, 0)
    assert 25 <= top <= 27
    assert 17 <= right <= 19
    assert {np.asarray(recipe.apply(image)).shape for image in images} == {(512, 1024)}
    assert np.ptp(np.asarray(Recipe((30, 0, 0, 20)).apply(images[0]))) == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--trim", "wide"), "TOP,LEFT,BOTTOM,RIGHT"),
        (("--trim", "1,2,3"), "TOP,LEFT,BOTTOM,RIGHT"),
        (("--trim", "0,0,0,900"), "from 0 to 128"),
        (("--mask-margins", 300), "mask-margins"),
    ],
)
def test_lengths_that_cannot_be_are_refused_in_one_line(flask, data, arguments, word):
    done = flask("create-study", "odd", "--real", "cases", "--synthetic", "fakes", "--images", 4, *arguments)
    assert done.exit_code == 1
    assert word in done.output.splitlines()[-1]


# Statistics


def test_holms_procedure_as_published():
    """The example of S. Holm's procedure in any textbook: 0.01, 0.04, 0.03, 0.005."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_the_auc_that_is_called_detectable_is_detected_that_often():
    """Normal scores whose AUC is the one promised for one comparison are found in four of five studies."""
    from scipy.stats import mannwhitneyu, norm

    promised = detectable_auc(40, 40, 1)
    draw = np.random.default_rng(0)
    shift = norm.ppf(promised) * np.sqrt(2)
    found = [mannwhitneyu(draw.normal(shift, 1, 40), draw.normal(0, 1, 40)).pvalue <= 0.05 for _ in range(400)]
    assert 0.73 < np.mean(found) < 0.87


def test_the_classifier_finds_what_no_single_number_shows_and_its_p_value_is_fair():
    draw = np.random.default_rng(1)
    labels = np.arange(60) % 2 == 0
    nothing = [judge(draw.normal(size=(60, 20)), labels)[1] for _ in range(10)]
    assert 0 < np.mean(nothing) - 0.25 < 0.5
    shared = draw.normal(size=(60, 1)) * 3
    hidden = np.hstack([shared + 0.6 * labels[:, None], shared - 0.6 * labels[:, None]])
    hidden += draw.normal(size=hidden.shape) * 0.3
    assert judge(hidden, labels)[1] <= 0.001


# Files and the whole command


@pytest.fixture(scope="module")
def files(pictures):
    """Small crops of the pictures as served files, and their truths; every other one is synthetic."""
    images = []
    for n, grey in enumerate(pictures):
        data = encode(Image.fromarray(rounded(grey[100:260, 200:400])))
        images.append(ServedImage(sha256(b"%d" % n).hexdigest()[:32], data, {"Content-Type": "image/webp"}, 0, 0o644))
    truths = {
        image.name: {"truth": ("real", "synthetic")[n % 2], "sha256": sha256(image.data).hexdigest()}
        for n, image in enumerate(images)
    }
    return images, truths


def changed(files, **changes):
    """The files with one side's changed: a new value for a field, from the file as it is."""
    images, truths = files
    return [
        replace(image, **{key: make(image) for key, make in changes.items()})
        if truths[image.name]["truth"] == "synthetic"
        else image
        for image in images
    ], truths


def differing(files):
    return {check.name for check in audit_images(*files).checks if check.differing}


def test_files_that_are_alike_pass_every_exact_check(files):
    assert differing(files) == set()


def test_a_larger_file_of_the_same_picture_is_named(files):
    padded = changed(files, data=lambda image: image.data + b"\0" * 20_000)
    audit = audit_images(*padded)
    assert {"content", "format", "encoder"} == {check.name for check in audit.checks if check.differing}
    assert [finding.name for finding in audit.findings][:1] == ["file size"]


def test_each_other_mark_of_a_file_is_named_by_its_check(files):
    def other_encoder(image):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(image.data)).save(buffer, "WEBP", lossless=True, method=0, quality=0)
        return buffer.getvalue()

    def with_date(image):
        buffer, exif = io.BytesIO(), Image.Exif()
        exif[306] = "2026:11:22 12:00:00"
        Image.open(io.BytesIO(image.data)).save(buffer, "WEBP", lossless=True, method=4, quality=20, exif=exif)
        return buffer.getvalue()

    assert differing(changed(files, data=other_encoder)) == {"content", "encoder"}
    assert differing(changed(files, data=with_date)) == {"content", "format", "metadata", "encoder"}
    assert differing(changed(files, modified=lambda image: 5)) == {"file times"}
    assert differing(changed(files, headers=lambda image: {**image.headers, "X-Cache": "hit"})) == {"answer"}


def test_an_order_that_tells_is_named(files):
    images, truths = files
    sorted_truths = {name: {**truths[name], "truth": truth} for name, truth in zip(truths, SORTED, strict=True)}
    assert [each.name for each in audit_images(images, sorted_truths).findings] == ["position in the study"]


def test_too_few_images_are_never_called_clean(flask):
    done = flask("audit-study", "small")
    assert done.exit_code == 0, done.output
    assert "too few" in done.output
    assert "Nothing stands out" not in done.output
    result = json.loads(flask("audit-study", "small", "--json").stdout)
    assert {row["verdict"] for row in result["rows"]} <= {"not tested", "the same in all"}
    assert result["detectable"] is None
    assert any("too few" in line for line in result["untested"])


def test_what_was_done_to_the_images_is_told_and_kept(flask, records, data):
    options = ("--trim", "10,0,5,0", "--mask-margins", 16, "--match-histogram")
    done = flask("create-study", "alike", "--real", "cases", "--synthetic", "fakes", "--images", 4, *options)
    assert done.exit_code == 0, done.output
    assert "Cut from all: top 10, left 0, bottom 5, right 0 px." in done.output
    study = records.study("alike")
    kept = {"trim": [10, 0, 5, 0], "mask_margins": 16, "match_histogram": True}
    assert [about["preparation"] for about in study.pools.values()] == [kept, kept]
    shown = [
        np.asarray(Image.open(data / "studies" / study.folder / f"{name}.webp").convert("L")) for name in study.images
    ]
    assert all(not picture[:16].any() and not picture[:, -16:].any() for picture in shown)
    assert len({np.bincount(picture.ravel(), minlength=256).tobytes() for picture in shown}) == 1


def test_the_report_says_what_it_cannot_say(measured):
    sides = collect(measured, [number >= SIDE for number in range(2 * SIDE)])
    rows, count = compare(sides)
    audit = report(rows, count, [], sides)
    text = as_text("reading", audit)
    assert "Nothing stands out among" in text
    assert f"AUC of {audit.detectable:.2f} or" in text
    assert "Not tested:" in text
    assert as_json("reading", audit)["findings"] == []
    assert max(map(len, text.splitlines())) <= 120


def test_an_imported_study_has_no_images_to_audit(flask, records):
    legacy = Path(__file__).parent / "fixtures" / "legacy"
    answers, labels = sorted(legacy.glob("*submissions*.csv"))[0], sorted(legacy.glob("*labels*.csv"))[0]
    flask("import-answers", "old", "--answers", answers, "--labels", labels)
    done = flask("audit-study", "old")
    assert (done.exit_code, "no images to audit" in done.output) == (1, True)

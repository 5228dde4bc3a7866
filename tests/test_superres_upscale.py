"""Enlarging: whole images in any batch, grey in and grey out, memory that runs out, folders with all kinds of files."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from generator.seeds import numpy_generator
from generator.superres import HAT, HatConfig, SuperResError, upscale
from generator.superres.initial import start_as_interpolation
from generator.superres.weights import save

pytestmark = pytest.mark.usefixtures("one_thread")

GREY = HatConfig(channels=1, embed_dim=12, depths=(2,), heads=(2,), window=8, squeeze_factor=4, features=8)
COLOUR = HatConfig(**{**GREY.as_dict(), "channels": 3})


def network(config=GREY, seed=3):
    torch.manual_seed(seed)
    net = start_as_interpolation(HAT(config)).eval()
    torch.nn.init.normal_(net.conv_last.bias, std=0.05)
    torch.nn.init.normal_(net.conv_after_body.weight, std=0.05)
    return net


def images(*shape):
    return numpy_generator("images", *shape).integers(0, 256, shape, np.uint8)


def close(made, expected):
    """Equal but for rounding at the edge between two grey levels."""
    return made.shape == expected.shape and np.abs(made.astype(int) - expected).max() <= 1


def test_an_image_does_not_depend_on_its_batch():
    net, some = network(), images(5, 16, 24)
    alone = np.concatenate([upscale(net, some[i : i + 1]) for i in range(5)])
    assert alone.shape == (5, 64, 96)
    for batch_size in (2, 5, 16):
        assert close(upscale(net, some, batch_size=batch_size), alone)


def test_the_whole_image_counts_so_that_none_is_cut_into_tiles():
    """Channel attention sees the whole image: one far away corner changes what is made of another."""
    net, image = network(HatConfig(**{**GREY.as_dict(), "conv_scale": 5.0})), images(1, 64, 64)
    other = image.copy()
    other[:, 48:, 48:] = 255
    assert not np.array_equal(upscale(net, image)[:, :64, :64], upscale(net, other)[:, :64, :64])


def test_grey_goes_through_three_channels_and_comes_out_grey():
    net, some = network(COLOUR), images(2, 8, 12)
    expected = net(torch.from_numpy(some / 255).float()[:, None].expand(-1, 3, -1, -1)).mean(1)
    assert close(upscale(net, some), (expected.detach().clamp(0, 1) * 255).round().numpy())


def test_colour_comes_out_in_colour_and_is_refused_by_a_grey_network():
    assert upscale(network(COLOUR), images(1, 8, 8, 3)).shape == (1, 32, 32, 3)
    with pytest.raises(SuperResError, match="give it grey ones"):
        upscale(network(GREY), images(1, 8, 8, 3))


def test_changed_weights_are_used_at_once():
    net, some = network(), images(1, 8, 8)
    before = upscale(net, some)
    with torch.no_grad():
        net.conv_last.bias += 0.2
    assert upscale(net, some).mean() > before.mean() + 20


class Small:
    """A network on a device that holds `most` images and, where it holds more, leaves half of the work undone."""

    def __init__(self, net, most, error):
        self.net, self.most, self.error, self.tried = net, most, error, []

    def __call__(self, x):
        self.tried.append(len(x))
        if len(x) > self.most:
            raise self.error
        with torch.no_grad():
            return self.net(x)


GPU_FULL = torch.OutOfMemoryError("CUDA out of memory")
CPU_FULL = RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to")


@pytest.mark.parametrize("error", [GPU_FULL, CPU_FULL], ids=["gpu", "cpu"])
def test_out_of_memory_halves_the_batch_says_so_and_leaves_no_wrong_image(error):
    net, some, said, done = network(), images(7, 8, 8), [], []
    small = Small(net, 2, error)
    made = upscale(small, some, batch_size=8, say=said.append, progress=done.append)
    assert close(made, upscale(net, some))
    assert small.tried == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert said == [
        "Out of memory with 7 images at once, going on with 3",
        "Out of memory with 3 images at once, going on with 1",
    ]
    assert sum(done) == 7


def test_memory_for_not_even_one_image_is_an_error():
    with pytest.raises(SuperResError, match="too little memory for one image of 16×8"):
        upscale(Small(network(), 0, GPU_FULL), images(2, 8, 16), say=lambda _: None)


def test_another_error_of_the_device_is_not_taken_for_want_of_memory():
    with pytest.raises(RuntimeError, match="an illegal instruction"):
        upscale(Small(network(), 0, RuntimeError("an illegal instruction")), images(2, 8, 8))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.zeros((1, 8, 8), np.uint16), "must have 8 bits"),
        (np.zeros((1, 8, 8, 4), np.uint8), r"must be \(n, h, w\)"),
        (np.zeros((1, 0, 8), np.uint8), "no pixels"),
    ],
)
def test_other_images_are_refused(wrong, sentence):
    with pytest.raises(SuperResError, match=sentence):
        upscale(network(), wrong)


@pytest.fixture
def flask(data, tmp_path):
    """Run a `flask` command on a data folder; gives the result."""
    from app import create_app

    runner = create_app(data).test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])


@pytest.fixture
def checkpoint(tmp_path):
    net = network()
    save(net.state_dict(), tmp_path / "net.safetensors", {"config": net.config.as_dict(), "training": {}})
    return tmp_path / "net.safetensors"


def size_of(path):
    with Image.open(path) as image:
        return image.size


def test_a_folder_of_any_sizes_is_enlarged_and_gone_on_with(flask, checkpoint, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for name, shape in (("a", (8, 16)), ("b", (8, 16)), ("c", (12, 9))):
        Image.fromarray(images(*shape)).save(source / f"{name}.png")
    Image.fromarray(images(8, 8, 1).repeat(3, 2)).save(source / "grey-in-colour.png")
    result = flask("upscale", checkpoint, source, "--out", out, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "4 images in" in result.output
    made = {path.name: size_of(path) for path in out.iterdir()}
    assert made == {"a.png": (64, 32), "b.png": (64, 32), "c.png": (36, 48), "grey-in-colour.png": (32, 32)}
    (out / "b.png").unlink()
    kept = (out / "a.png").stat().st_mtime_ns
    assert flask("upscale", checkpoint, source, "--out", out, "--device", "cpu").exit_code == 0
    assert (out / "b.png").exists()
    assert (out / "a.png").stat().st_mtime_ns == kept


def damaged(path):
    Image.fromarray(images(8, 8)).save(path)
    path.write_bytes(path.read_bytes()[:60])


def deep_colours(path, suffix):
    """16 bits in each of three channels, of which Pillow gives 8 and says nothing."""
    assert cv2.imwrite(str(path.with_suffix(suffix)), images(8, 8, 3).astype(np.uint16) * 257)
    with Image.open(path.with_suffix(suffix)) as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: None, "holds no images"),
        (lambda path: Image.fromarray(np.zeros((8, 8), np.uint16)).save(path), "more than 8 bits a channel"),
        (lambda path: deep_colours(path, ".png"), "z.png has more than 8 bits a channel: convert it to 8-bit grey"),
        (lambda path: deep_colours(path, ".tif"), "z.tif has more than 8 bits a channel: convert it to 8-bit grey"),
        (
            lambda path: Image.fromarray(images(8, 8, 3)).save(path),
            "is in colour, and this network was trained on grey",
        ),
        (lambda path: Image.fromarray(images(8, 8, 4)).save(path), "has the mode RGBA"),
        (damaged, "cannot be read as an image"),
    ],
)
def test_bad_input_is_told_in_one_line_before_anything_is_computed(flask, checkpoint, tmp_path, write, sentence):
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write(source / "z.png")
    result = flask("upscale", checkpoint, source, "--out", out, "--device", "cpu")
    assert result.exit_code == 1
    assert result.output.strip().splitlines()[-1].startswith("Error: ")
    assert sentence in result.output
    assert not out.exists()

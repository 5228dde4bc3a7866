"""The images of one study: chosen out of two pools, then made alike, so that nothing about a file tells its truth."""

import hashlib
import os
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from .blinding.preparation import Preparation, Recipe, find_recipe
from .pixels import pixels_sha256
from .pools import Pool, PoolError, PoolImage, read_pool_image
from .whole_folder import on_all_cores, whole_folder, write_durably

if TYPE_CHECKING:
    from PIL.Image import Image

# Lossless, and a tenth smaller than PNG on radiographs. A higher quality takes longer without making them smaller.
ENCODER = {"format": "WEBP", "lossless": True, "method": 4, "quality": 20}
FILE_TIME = 946_684_800  # seconds: 2000-01-01 UTC, for every file
PLAIN = Recipe()  # the whole picture, its greys as they are


def choose(real: Pool, synthetic: Pool, count: int, seed: int) -> list[tuple[Pool, PoolImage]]:
    """Pick `count` images, half from either pool, as (pool, image) pairs in a mixed order.

    Seeded by hashes of the pixels: the same pools and seed give the same list on any machine, whatever the order of the
    manifests. Raises PoolError for an odd count, a pool of the wrong truth, the same pool twice, pools with a picture
    in common, and too few different pictures.
    """
    if count < 2 or count % 2:
        raise PoolError(f"{count} images cannot be picked half and half: give an even number, at least 2")
    if real.folder.resolve() == synthetic.folder.resolve():
        raise PoolError(f"the pool {real.name} is given as real and as synthetic: give two pools")
    _check_truth(real, "real")
    _check_truth(synthetic, "synthetic")
    _check_apart(real, synthetic)
    picked = [(pool, image) for pool in (real, synthetic) for image in _pick(pool, count // 2, seed)]
    # By another hash than the picks: theirs are the smallest of each pool, the smaller the larger the pool.
    return sorted(picked, key=lambda pair: _draw(f"{seed}:order", pair[1]))


def recipe_for(
    wanted: Preparation, chosen: list[tuple[Pool, PoolImage]], progress: Callable[[], object] = lambda: None
) -> Recipe:
    """What `wanted` means for these (pool, image) pairs: the widest border, the mean histogram of all of them.

    `progress()` is called `wanted.passes` times an image. Raises PoolError as read_pool_image() does.
    """

    def look(function: Callable[["Image"], object]) -> Iterable:
        with on_all_cores(lambda pair: function(read_pool_image(*pair)), chosen) as found:
            for value in found:
                progress()
                yield value

    return find_recipe(wanted, look)


def build_images(
    chosen: list[tuple[Pool, PoolImage]],
    folder: Path,
    names: list[str],
    progress: Callable[[], object] = lambda: None,
    recipe: Recipe = PLAIN,
) -> list[dict]:
    """Write the study image `folder/NAME.webp` for every (pool, image) pair, all through one recipe and one encoder.

    1024x512 8-bit grey by one Lanczos resize, lossless WebP without metadata, equal file times; each file was decoded
    again and holds exactly the prepared pixels. `folder` appears when all are done, or not at all. `progress()` is
    called once an image. Returns, in order, dicts of `name`, `truth`, `pool`, `source`, `sha256` (of the file) and
    `pixels_sha256` (as shown). Raises PoolError for an existing folder, a pool image that is missing or changed, and
    two study images with equal pixels.
    """
    folder = Path(folder)
    try:
        with whole_folder(folder) as building:
            return _build_all(zip(chosen, names, strict=True), building, recipe, progress)
    except FileExistsError as error:
        raise PoolError(f"the image folder {folder} exists already: choose another name for the study") from error
    except OSError as error:
        raise PoolError(f"the images cannot be written ({error}): check the disk and its permissions") from error


def _check_truth(pool: Pool, truth: str) -> None:
    if pool.truth != truth:
        raise PoolError(f"the pool {pool.name} holds {pool.truth} images: give a pool of {truth} ones")


def _check_apart(real: Pool, synthetic: Pool) -> None:
    sources = {image.pixels_sha256: image.source for image in real.images}
    common = [image for image in synthetic.images if image.pixels_sha256 in sources]
    if common:
        first = common[0]
        raise PoolError(
            f"the pools {real.name} and {synthetic.name} have {len(common)} pictures in common, such as "
            f"{sources[first.pixels_sha256]} and {first.source}: take them out of one of the two"
        )


def _pick(pool: Pool, count: int, seed: int) -> list[PoolImage]:
    different = {image.pixels_sha256: image for image in sorted(pool.images, key=lambda image: image.source)}
    if len(different) < count:
        raise PoolError(
            f"the pool {pool.name} has {len(different)} different images, {count} are needed: "
            "add images or ask for fewer"
        )
    return sorted(different.values(), key=lambda image: _draw(seed, image))[:count]


def _draw(seed: int | str, image: PoolImage) -> str:
    return hashlib.sha256(f"{seed}:{image.pixels_sha256}".encode()).hexdigest()


def _build_all(tasks: Iterable, building: Path, recipe: Recipe, progress: Callable[[], object]) -> list[dict]:
    records, origins = [], {}
    with on_all_cores(lambda task: _build_one(*task[0], task[1], building, recipe), tasks) as built:
        for record in built:
            origin = f"{record['source']} of the pool {record['pool']}"
            twin = origins.setdefault(record["pixels_sha256"], origin)
            if twin is not origin:
                raise PoolError(f"{twin} and {origin} are the same picture at 1024x512: take one out of its pool")
            records.append(record)
            progress()
    return records


def _build_one(pool: Pool, image: PoolImage, name: str, building: Path, recipe: Recipe) -> dict:
    shown = recipe.apply(read_pool_image(pool, image))
    data = encode(shown)
    path = building / f"{name}.webp"
    write_durably(path, data)
    os.utime(path, (FILE_TIME, FILE_TIME))
    return {
        "name": name,
        "truth": pool.truth,
        "pool": pool.name,
        "source": image.source,
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": pixels_sha256(shown),
    }


def encode(shown: "Image") -> bytes:
    """A grey image's file, after holding what it decodes to against the image; WebP has no grey mode, only R=G=B."""
    from PIL import Image

    buffer = BytesIO()
    shown.save(buffer, **ENCODER)
    with Image.open(buffer, formats=("WEBP",)) as decoded:
        if decoded.tobytes() != shown.convert("RGB").tobytes():
            raise RuntimeError("the WebP encoder changed pixels: this Pillow cannot be used to build a study")
    return buffer.getvalue()

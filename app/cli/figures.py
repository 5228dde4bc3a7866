"""`flask figure …`: the figures of a paper, one command each, as SVG and PNG."""

import json
from pathlib import Path

import click

from .common import FILE, bar, told
from .evaluation import (
    against_option,
    extractor_options,
    find_folder,
    find_source,
    find_training,
    load,
    needs_packages,
    preset_option,
    split_option,
    training_option,
)

out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for NAME.svg and NAME.png."
)
seed_option = click.option("--seed", type=int, default=0, show_default=True)


@click.group("figure")
def figure():
    """Draw one figure of a paper, as SVG and PNG."""


@figure.command("tsne")
@click.argument("sources", metavar="SOURCE…", nargs=-1, required=True)
@extractor_options
@seed_option
@out_option
@told
@needs_packages
def tsne(sources, offline, extractor, weights, seed, out):
    """A map of up to 500 random images of each SOURCE, a pool or a corpus; of a corpus, each of its data sets."""
    from generator.evaluate.assessment import ON_THE_MAP, mapped
    from generator.evaluate.extractors import extract
    from generator.evaluate.figures import embedding
    from generator.evaluate.pictures import open_data_sets

    network = load(offline, extractor, weights)
    sets = [one.some(ON_THE_MAP, seed) for name in sources for one in open_data_sets(find_folder(name))]
    with bar(sum(map(len, sets)), f"Features ({network.name})") as progress:
        features = {one.label: extract(network, one, progress.update).values for one in sets}
    _keep(out, "tsne", embedding, mapped(features, seed))


@figure.command("examples")
@click.argument("source")
@click.option("--image", "chosen", multiple=True, help="The name of an image to show.  [default: 12 at random]")
@seed_option
@out_option
@told
@needs_packages
def examples(source, chosen, seed, out):
    """A sheet of images of SOURCE: those named, or 12 drawn at random."""
    from generator.evaluate.figures import examples as sheet

    pictures = find_source(source).high
    unknown = sorted(set(chosen) - set(pictures.names))
    if unknown:
        raise click.ClickException(f"{source} has no image {unknown[0]!r}: its first is called {pictures.names[0]!r}")
    shown = pictures.only(chosen) if chosen else pictures.some(12, seed)
    _keep(out, "examples", sheet, [*shown], [Path(name).stem for name in shown.names])


@figure.command("attention")
@click.argument("pool")
@against_option
@split_option
@preset_option
@seed_option
@out_option
@told
@needs_packages
def attention(pool, against, split, preset, seed, out):
    """Where a machine observer looks to tell POOL from real images, its confidence C, wrong calls marked."""
    from generator.evaluate.assessment import observed
    from generator.evaluate.figures import attention as sheet
    from generator.evaluate.figures import telling

    seen = observed(find_source(pool).high, find_source(against, split).high, preset, seed, bar)
    chosen = telling(seen.observation, seen.synthetic)
    _keep(out, "attention", sheet, seen.images, seen.observation, seen.synthetic, chosen)


@figure.command("pairs")
@click.argument("pool")
@training_option
@seed_option
@out_option
@told
@needs_packages
def pairs(pool, training, seed, out):
    """The images of POOL that come nearest to a real image, beside it; the real ones are those of --training."""
    from generator.evaluate.figures import nearest_pairs
    from generator.evaluate.nearest_pairs import find_pairs

    if training is None:
        raise click.ClickException("Name the real images with --training")
    source, real = find_source(pool), find_training(training)
    with bar(len(source.low) + len(real.low), "Comparing") as progress:
        found = find_pairs(source, real, progress=progress.update)
    _keep(out, "pairs", nearest_pairs, found, "synthetic", "nearest real image")


@figure.command("noising")
@click.argument("source")
@click.option(
    "--schedule", default="published", show_default=True, help="The noise schedule, or a wrong one for a list."
)
@seed_option
@out_option
@told
@needs_packages
def noising(source, schedule, seed, out):
    """How noise takes over images of SOURCE, and the statistics of their pixels become those of the noise."""
    from generator.evaluate.diffusion_figures import check_schedule, forward_noising

    check_schedule(schedule)
    _keep(out, "noising", forward_noising, [*find_source(source).low.some(20, seed)], schedule, seed)


@figure.command("checkpoints")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1, 6), default=4, show_default=True, help="How many seeds.")
@out_option
@told
@needs_packages
def checkpoints(run, count, out):
    """The same seeds at checkpoints of a diffusion RUN directory, as its network learns."""
    from generator.evaluate.diffusion_figures import run_checkpoints, same_seeds

    found = run_checkpoints(run)
    with bar(len(found) * count, "Sampling") as progress:
        _keep(out, "checkpoints", same_seeds, found, range(count), progress.update)


@figure.command("samplers")
@click.argument("checkpoint", type=FILE)
@against_option
@split_option
@extractor_options
@click.option("--count", type=click.IntRange(20), default=100, show_default=True, help="Images of each sampler.")
@out_option
@told
@needs_packages
def samplers(checkpoint, against, split, offline, extractor, weights, count, out):
    """What each sampler's images are worth for its evaluations of the network and its time; also samplers.json."""
    from generator.diffusion import load as load_network
    from generator.durable import write_whole
    from generator.evaluate.diffusion_figures import STEPS, try_samplers
    from generator.evaluate.diffusion_figures import samplers as drawing

    net, real, network = load_network(checkpoint), find_source(against, split).low, load(offline, extractor, weights)
    with bar(count * sum(map(len, STEPS.values())), "Sampling") as progress:
        tried = try_samplers(net, real, network, count, STEPS, progress.update)
    _keep(out, "samplers", drawing, tried, network.frechet_name, count)
    content = {"frechet": network.frechet_name, "images": count, "tried": [each.as_dict() for each in tried]}
    write_whole(out / "samplers.json", json.dumps(content, indent=1).encode())


def _keep(out: Path, name: str, drawing, *given) -> None:
    from generator.durable import write_whole
    from generator.evaluate.drawing import draw

    files = draw(drawing, *given)
    out.mkdir(parents=True, exist_ok=True)
    for kind, content in files.items():
        write_whole(out / f"{name}.{kind}", content)
        click.echo(out / f"{name}.{kind}")


COMMANDS = (figure,)

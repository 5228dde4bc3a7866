"""Commands on checkpoint files, of either network."""

from pathlib import Path

import click

from .common import FILE, bar, corpus_folder, generator_packages, told

CHECKPOINT = click.Path(dir_okay=False, path_type=Path)


@click.command("convert-checkpoint")
@click.argument("file", type=FILE)
@click.argument("out", type=CHECKPOINT)
@click.option("--kind", type=click.Choice(("diffusion", "superres")), help="[default: told by the file's content]")
@click.option("--height", type=click.IntRange(1), help="Of a diffusion network's images, in pixels.  [default: 128]")
@click.option("--width", type=click.IntRange(1), help="[default: 256]")
@told
def convert_checkpoint(file, out, kind, height, width):
    """Convert the published weights FILE (.pth) into the checkpoint OUT (.safetensors). No code in FILE is run.

    The size of the images does not stand in a published file: give it where it is not 256 × 128.
    """
    with generator_packages():
        from generator import diffusion, superres
        from generator.checkpoint import CheckpointError, read_published

    kind = kind or ("diffusion" if diffusion.recognised(read_published(file)) else "superres")
    if kind == "diffusion":
        diffusion.convert(file, out, height or 128, width or 256)
    elif height or width:
        raise CheckpointError(f"{file.name} is a super-resolution, which takes images of any size")
    else:
        superres.convert(file, out)
    click.echo(f"Converted ({kind}): {out}")


@click.command("pack-checkpoint")
@click.argument("file", type=FILE)
@click.argument("out", type=CHECKPOINT)
@click.option("--corpus", help="Writes the fingerprint of this corpus's training images beside OUT.")
@click.option("--earlier", type=FILE, help="The fingerprint of what the training began from, to be taken in.")
@click.option("--guide", type=FILE, help="A checkpoint of the same network, trained less, that is to guide it.")
@click.option("--guidance", type=click.FloatRange(1, 10), default=2.0, show_default=True, help="How much, above 1.")
@click.option("--guided-below", type=click.IntRange(1, 1000), default=700, show_default=True, help="From when on.")
@click.option("--grain", help="A corpus whose pictures have the grain that the super-resolution's are to get.")
@click.option("--notes", default="", help="A paragraph for the model card, such as what the training images were.")
@told
def pack_checkpoint(file, out, corpus, earlier, guide, guidance, guided_below, grain, notes):
    """Write FILE, a checkpoint of a training of ours, as OUT in half the size, to be handed on.

    Weights are stored in float16. The fingerprint lets generate-pool refuse copies of the training images where these
    are not at hand.
    """
    with generator_packages():
        from generator import diffusion, superres
        from generator.checkpoint import CheckpointError, kind_of
        from generator.corpus import open_corpus
        from generator.pool.training import fingerprint_corpus, fingerprint_path, read_fingerprint

    kind = kind_of(file)
    images = open_corpus(corpus_folder(corpus)) if corpus else None
    if earlier and not images:
        raise CheckpointError(f"{earlier.name} is taken into the fingerprint of a corpus: name it with --corpus")
    held = read_fingerprint(earlier) if earlier else None
    if kind == "diffusion" and grain:
        raise CheckpointError(f"{file.name} is a diffusion network: grain belongs to a super-resolution")
    if kind == "superres" and guide:
        raise CheckpointError(f"{file.name} is a super-resolution: only a diffusion network is guided")
    if kind == "diffusion":
        diffusion.pack(file, out, notes, guide, guidance, guided_below)
    elif grain:
        pictures = open_corpus(corpus_folder(grain))
        with bar(len(superres.grain_pictures(pictures)), "Measuring grain") as progress:
            superres.pack(file, out, notes, pictures, progress.update)
    else:
        superres.pack(file, out, notes)
    fingerprint_path(out).unlink(missing_ok=True)  # it was of what OUT held before
    click.echo(f"Packed ({kind}): {out}")
    if images:
        click.echo(f"Fingerprint: {fingerprint_corpus(images, fingerprint_path(out), held)}")


COMMANDS = (convert_checkpoint, pack_checkpoint)

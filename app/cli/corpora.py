"""Commands that get data sets and make training corpora of them."""

import click
from flask import current_app

from .common import FILE, FOLDER, bar, told


class Crop(click.ParamType):
    """Four whole numbers, top,left,bottom,right."""

    name = "T,L,B,R"

    def convert(self, value, param, ctx):
        try:
            return tuple(int(number) for number in value.split(","))
        except ValueError:
            self.fail("give four whole numbers, top,left,bottom,right in pixels, as in 90,30,30,170", param, ctx)


@click.command("prepare-data")
@click.argument("name")
@click.option("--from", "folder", type=FOLDER, required=True, help="The folder of radiographs, or of a pool.")
@click.option(
    "--recipe",
    default="generic",
    show_default=True,
    help="adld, dentex, tsxk, tufts, uspforp, or generic, which trims white and black borders.",
)
@click.option("--source", help="What FOLDER is called in the corpus, if not by the recipe or (generic) its own name.")
@click.option("--crop", type=Crop(), help="Margins in pixels of the original, in place of the recipe's.")
@click.option("--groups", type=FILE, help="CSV with the columns file and group: which images are of one patient.")
@click.option("--test-share", type=float, help="Share of the images kept for testing.  [default: 0.1]")
@click.option("--seed", type=int, help="Another seed, another split.  [default: 0]")
@click.option("--processes", type=click.IntRange(1), help="How many to work with.  [default: one a core]")
@told
def prepare_data(name, folder, recipe, source, crop, groups, test_share, seed, processes):
    """Make the corpus NAME of a folder of radiographs, or add the folder to it; call it once for each data set.

    Started again, it goes on where it was stopped. docs/data.md describes recipes and files.
    """
    from generator.prepare import prepare

    with bar(1, "Preparing") as progress:

        def show(done, total, found):
            progress.length = total
            (progress.pass_over if found else progress.update)(done - progress.pos)

        report = prepare(
            current_app.config["QUIZ_DATA"] / "corpora",
            name,
            folder,
            recipe,
            source=source,
            crop=crop,
            groups=groups,
            test_share=test_share,
            seed=seed,
            processes=processes,
            progress=show,
        )
    click.echo(report)


@click.command("download-data")
@click.argument("data_set", metavar="DATASET")
@click.option("--accept-licence", is_flag=True, help="Accept the licence without being asked.")
@click.option(
    "--base-url",
    envvar="ZENODO_URL",
    default="https://zenodo.org",
    show_default=True,
    help="Zenodo, or a mirror with the same addresses; also ZENODO_URL in the environment.",
)
@told
def download_data(data_set, accept_licence, base_url):
    """Fetch DATASET (dentex, about 11 GB), after showing its licence. Started again, it goes on where it was."""
    from generator.prepare.download import download, find_data_set, read_record

    wanted = find_data_set(data_set)
    click.echo(wanted.terms)
    record = read_record(wanted, base_url)
    click.echo(f'The record "{record.title}" states the licence {record.licence}. Where the two differ, keep both.')
    size = sum(file.size for file in record.files)
    if not accept_licence:
        click.confirm(f"Accept, and fetch {len(record.files)} files, {size / 1e9:.1f} GB?", abort=True)
    folder = current_app.config["QUIZ_DATA"] / "downloads" / data_set
    with bar(size, "Fetching") as progress:
        files = download(record, folder, lambda count: progress.reach(progress.pos + count))
    for file in files:
        click.echo(f"{file}: whole, MD5 as stated")
    click.echo(f"Next: unzip them, then flask prepare-data NAME --from {folder} --recipe {data_set}")


COMMANDS = (prepare_data, download_data)

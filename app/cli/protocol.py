"""The options of a study's protocol, on the command line or in a TOML file."""

import tomllib
from pathlib import Path

import click

from ..study import ORDERS, TEXTS, StudyError
from .common import FILE, FOLDER


def _read_settings(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    """Take a TOML file's values as the defaults of the options of the same names."""
    if path is None:
        return
    settings = _toml(path)
    options = {option.name: option for option in context.command.params if isinstance(option, click.Option)}
    del options["settings"]
    unknown = sorted(set(settings) - set(options))
    if unknown:
        known = ", ".join(sorted(options))
        raise click.BadParameter(
            f"{path} sets {', '.join(unknown)}, which this command does not know. It knows: {known}."
        )
    texts = settings.pop("texts", {})
    for name, value in settings.items():
        if not _fits(options[name], value):
            raise click.BadParameter(f"{path} sets {name} to {value!r}, which is not {_kind(options[name])}.")
    if isinstance(texts, dict):
        context.meta["texts"] = texts
    elif isinstance(texts, str):
        settings["texts"] = str(path.parent / texts)
    else:
        raise click.BadParameter(f"{path} sets texts to {texts!r}: make it a table of texts, or name a folder.")
    context.default_map = {**(context.default_map or {}), **settings}


def _toml(path: Path) -> dict:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise click.BadParameter(f"{path} is not TOML: {error}.") from error
    names = [key.replace("-", "_") for key in settings]
    if len(set(names)) < len(names):
        raise click.BadParameter(f"{path} sets something twice, once with '-' and once with '_': keep one of the two.")
    return dict(zip(names, settings.values(), strict=True))


def _fits(option: click.Option, value: object) -> bool:
    if option.is_flag:
        return isinstance(value, bool)
    types = {"integer": int, "float": (int, float)}.get(option.type.name, str)
    return isinstance(value, types) and not isinstance(value, bool)


def _kind(option: click.Option) -> str:
    if option.is_flag:
        return "true or false"
    return {"integer": "a whole number", "float": "a number"}.get(option.type.name, "a text")


PROTOCOL_OPTIONS = [
    click.option("--repeats", type=int, help="So many images are shown a second time, at least 30 trials later. [0]"),
    click.option(
        "--practice-feedback/--no-practice-feedback", default=None, help="Tell the truth after practice. [yes]"
    ),
    click.option("--title", help="What observers see as the quiz's title."),
    click.option("--viewing-seconds", type=float, help="How long each image is on screen. [13]"),
    click.option("--break-every", type=int, help="Offer a break after so many images; 0 for none. [25]"),
    click.option("--break-seconds", type=int, help="Suggested length of a break. [30]"),
    click.option("--long-break-seconds", type=int, help="Suggested length of the break halfway. [120]"),
    click.option(
        "--order", type=click.Choice(ORDERS), help="A random order for each observer, or one fixed order. [random]"
    ),
    click.option("--warm-up-seconds", type=float, help="How long the warm-up image is on screen. [600]"),
    click.option(
        "--profile/--no-profile", default=None, help="Ask observers for role, specialty and experience. [yes]"
    ),
    click.option(
        "--show-results/--no-show-results", default=None, help="Show observers their own results at the end. [no]"
    ),
    click.option(
        "--leaderboard/--no-leaderboard",
        default=None,
        help="Rank those who have finished, on the research pages alone. [no]",
    ),
    click.option(
        "--pause-when-hidden/--no-pause-when-hidden",
        default=None,
        help="Hide the image and stop the clock while the page is not in front. [no]",
    ),
    click.option(
        "--texts",
        type=FOLDER,
        help=f"A folder with the study's own texts in Markdown: {', '.join(f'{name}.md' for name in TEXTS)}.",
    ),
    click.option(
        "--settings",
        type=FILE,
        callback=_read_settings,
        is_eager=True,
        expose_value=False,
        help="A TOML file with any of these options.",
    ),
]


def protocol_options(command):
    for option in reversed(PROTOCOL_OPTIONS):
        command = option(command)
    return command


def given(settings: dict) -> dict:
    return {name: value for name, value in settings.items() if value is not None}


def own_texts(folder: Path | None) -> dict[str, str]:
    """The study's own texts: from the folder if one is given, else from the settings file's table."""
    if folder is None:
        return click.get_current_context().meta.get("texts", {})
    try:
        texts = {name: path.read_text(encoding="utf-8") for name in TEXTS if (path := folder / f"{name}.md").exists()}
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"A text in {folder} can't be read: make each a file of UTF-8 text ({error}).") from error
    if not texts:
        raise StudyError(f"{folder} has none of {', '.join(f'{name}.md' for name in TEXTS)}.")
    return texts

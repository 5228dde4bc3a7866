"""The `flask …` commands: thin, each a call into a room that can be used without it."""

from flask import Flask

from . import analysis, corpora, pools, serving, storage, studies


def init_app(app: Flask) -> None:
    for module in (pools, corpora, studies, serving, analysis, storage):
        for command in module.COMMANDS:
            app.cli.add_command(command)

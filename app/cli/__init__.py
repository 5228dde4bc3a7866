"""The `flask …` commands: thin, each a call into a room that can be used without it."""

from flask import Flask

from . import (
    analysis,
    checkpoints,
    corpora,
    diffusion,
    evaluation,
    figures,
    generating,
    phantoms,
    pools,
    serving,
    storage,
    studies,
    superres,
)


def init_app(app: Flask) -> None:
    for module in (
        pools,
        phantoms,
        corpora,
        diffusion,
        superres,
        checkpoints,
        generating,
        evaluation,
        figures,
        studies,
        serving,
        analysis,
        storage,
    ):
        for command in module.COMMANDS:
            app.cli.add_command(command)

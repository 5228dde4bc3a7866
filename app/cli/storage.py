"""Commands that keep house: copies, backups, deleted observers, the audit log."""

from pathlib import Path

import click
from flask import current_app

from ..answers import iso
from ..audit import note
from ..records import KINDS
from ..store import STORES, StoreError, open_store
from ..web import now, records
from .common import FILE, bar, told

STORE = click.Choice(STORES)


@click.command("copy-store")
@click.option("--from", "source", type=STORE, required=True, help="The store to read.")
@click.option("--to", "target", type=STORE, required=True, help="The store to write; what it has stays as it is.")
@click.option(
    "--study", metavar="NAME", help="Copy this study alone, with all that was invited, answered and done in it."
)
@told
def copy_store(source, target, study):
    """Copy all documents from one store to another and read them back. Started again, it goes on where it was.

    Stop the server first. Study images stay where they are, in the data folder.
    """
    from ..copying import copy_documents, one_study, steps

    if source == target:
        raise StoreError("Give two different stores, as in --from sqlite --to firestore.")
    stores = [open_store(current_app.config["QUIZ_DATA"], name) for name in (source, target)]
    if study is not None:
        stores = one_study(*stores, study)
    with bar(steps(stores[0]), "Copying") as progress:
        copy_documents(*stores, lambda: progress.update(1))
    copied = sum(stores[0].count(kind) for kind in KINDS)
    what = "documents" if study is None else f"documents of {study}"
    click.echo(f"{copied} {what} are the same in both stores. Next: STORE={target} flask serve")


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@told
def backup(file):
    """Write everything that was asked and answered to FILE: all documents and study images, with checksums.

    Without pools and secrets.json. The server may go on meanwhile.
    """
    from ..backup import write_backup

    store = records().store
    with bar(sum(store.count(kind) for kind in KINDS), "Backing up") as progress:
        write_backup(file, store, current_app.config["QUIZ_DATA"], lambda: progress.update(1))
    note("backup")
    click.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB. It holds observers' names: keep it private.")


@click.command("restore")
@click.argument("file", type=FILE)
@told
def restore(file):
    """Put back what FILE, made by `flask backup`, has and this place lacks. What differs is left alone and told."""
    from ..backup import open_backup, restore_backup
    from ..copying import steps

    with open_backup(file) as kept, bar(steps(kept), "Restoring") as progress:
        restore_backup(kept, records().store, current_app.config["QUIZ_DATA"], lambda: progress.update(1))
        total = sum(kept.count(kind) for kind in KINDS)
    note("restore")
    click.echo(f"{file}: {total} documents and the study images are in place.")


@click.command("delete-observer")
@click.argument("study")
@click.argument("name")
@click.option("--keep-answers/--drop-answers", default=None, help="What becomes of the answers; has to be said.")
@told
def delete_observer(study, name, keep_answers):
    """Erase the observer NAME from STUDY: name, profile and link, and the answers unless they are to be kept.

    Earlier backups and exports still hold them.
    """
    if keep_answers is None:
        raise click.UsageError("Say what becomes of the answers: --keep-answers or --drop-answers.")
    session = records().session_of(study, name)
    # Noted first: what may be gone for good must not be gone without a trace.
    note("delete-observer, answers kept" if keep_answers else "delete-observer, answers dropped", study, session)
    records().delete_observer(study, name, keep_answers, now())
    click.echo(f"Observer deleted from {study}; the answers were {'kept' if keep_answers else 'dropped'}.")


@click.command("audit-log")
@told
def audit_log():
    """Print what researchers did: time, action, study, session, from where; separated by tabs."""
    for entry in records().audit_log():
        fields = (iso(entry["at"]), entry["action"], entry["study"] or "", entry["session"] or "", entry["by"])
        click.echo("\t".join(fields))


COMMANDS = (copy_store, backup, restore, delete_observer, audit_log)

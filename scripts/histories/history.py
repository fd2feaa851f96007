"""What the driver has to know of a project to take it through its own history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template

NOWHERE = "deploy:secret@db.production.example:5432/app"
"""User, host and database of the production that the tool must never reach."""


@dataclass(frozen=True, slots=True)
class History:
    """One project, its migrations, and how it wants them run.

    Texts of `files`, `environ`, `start`, `step` and `upgrade` may hold `$address` (user:password@host:port/dbname),
    `$revision` and `$home`, a directory of the project's own.

    Attributes:
        requirements: what goes into its virtual environment, by name.
        scripts: its script directory, as Alembic's `script_location`: "package:folder".
        versions: the folder in it that holds the revisions, where its env.py says so and no ini does.
        revisions: where production is dumped, in the order in which `step` gets there.
        files: of the directory that it is run in.
        environ: variables that it is run with.
        start: what it runs on an empty database before its first revision.
        step: takes production to `$revision`.
        upgrade: takes production to head; the command that is rehearsed.
        rows: tables whose rows decide what its code does; the dump takes them along.
        remark: sentences that a reader of the results has to know.
    """

    name: str
    requirements: tuple[str, ...]
    scripts: str
    revisions: tuple[str, ...]
    versions: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    start: tuple[str, ...] = ()
    step: tuple[str, ...] = ("alembic", "upgrade", "$revision")
    upgrade: tuple[str, ...] = ("alembic", "upgrade", "head")
    rows: tuple[str, ...] = ()
    remark: str = ""


def filled(text: str, *, address: str = NOWHERE, revision: str = "", home: str = "") -> str:
    """Return *text* with its holes filled; a dollar that names no hole stays."""
    return Template(text).safe_substitute(address=address, revision=revision, home=home)

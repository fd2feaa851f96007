"""The command `init`: finds the project, writes the workflow, says what is left to do."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from alembic_rehearsal import blueprint, discover
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.scaffold import workflow
from alembic_rehearsal.scaffold.facts import Facts, gather, repository_of

_PLACE = ".github/workflows/migrations.yml"


def write(
    directory: str, *, config: str = "", name: str = "", dump: str = "", uses: str = "", force: bool = False
) -> Iterator[str]:
    """Write the workflow of the project in *directory*, and yield the lines that say so and what is next.

    Raises:
        UsageError: the file is there already, or several projects are and only one was asked for.
        ProjectError: there is no project.
    """
    repository = repository_of(Path(directory))
    found = _chosen(directory, config, name)
    if len(found) > 1 and not uses:
        raise UsageError(
            f"there are {len(found)} projects in {directory}",
            fix="\n".join(map(_command, found))
            + "\nor one workflow for all of them: alembic-rehearsal init --uses OWNER/alembic-rehearsal@v1",
        )
    target = repository / _PLACE
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", fix="--force overwrites it")
    projects = [_gathered(each, repository) for each in found]
    if len(projects) > 1:
        text, told = workflow.of_many(uses, projects), _told_many(found)
    else:
        [facts] = projects
        dump = dump or workflow.default_dump(facts.found.directory)
        text, told = workflow.of_one(facts, dump=dump, uses=uses), _told(facts, dump, in_image=bool(uses))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    yield f"wrote {os.path.relpath(target)}"
    yield from told


def _gathered(found: discover.Found, repository: Path) -> Facts:
    inside = Path(found.directory).resolve().relative_to(repository).as_posix()
    return gather(dataclasses.replace(found, directory=inside), repository)


def _chosen(directory: str, config: str, name: str) -> tuple[discover.Found, ...]:
    found = discover.search([directory])
    if config:
        wanted = os.path.relpath(Path(directory, config))
        found = tuple(each for each in found if os.path.relpath(_config(each)) == wanted)
        if not found:
            raise UsageError(f"{Path(directory, config)} is no configuration file with a script_location")
    if name:
        sections = ", ".join(each.name or "alembic" for each in found)
        found = tuple(each for each in found if (each.name or "alembic") == name)
        if not found:
            raise UsageError(f"no section {name} has a script_location; there are {sections}")
    return found


def _command(found: discover.Found) -> str:
    flags = {"-d": found.directory, "-c": found.config or "alembic.ini", "-n": found.name}
    return shlex.join(["alembic-rehearsal", "init", *(part for pair in flags.items() if pair[1] for part in pair)])


def _config(found: discover.Found) -> Path:
    return Path(found.directory, found.config or "alembic.ini")


def _told_many(found: tuple[discover.Found, ...]) -> Iterator[str]:
    yield from (f"  project: {each.project}" for each in found)
    yield ""
    yield "Next:"
    yield f"  1. A dump for each of them, {workflow.default_dump('DIRECTORY')}:"
    yield "       mkdir -p DIRECTORY/db && alembic-rehearsal snapshot -o DIRECTORY/db/production.sql"
    yield '  2. Require the check "All migrations" in the rules of the branch.'


def _told(facts: Facts, dump: str, *, in_image: bool) -> Iterator[str]:
    found = facts.found
    yield f"  project: {found.project}" + (f", by {found.command}" if found.command else "")
    yield f"  requirements: {facts.requirements or 'no file says what it needs: add the step that installs it'}"
    yield f"  Python: {facts.python} ({facts.python_from})"
    if facts.scheme or facts.variables:
        source = f", from {', '.join(facts.variables)}" if facts.variables else ""
        yield f"  database: {facts.scheme or 'postgresql'}{source}"
    if facts.other:
        yield f"  {facts.other} in the configuration file: the rehearsal needs the PostgreSQL that production has"
    if facts.compiles and in_image:
        yield "  psycopg2 is built from its source, and the action's image has no compiler: psycopg2-binary, or the"
        yield "  input install with apt-get install -y gcc libpq-dev in front, as docs/action.md shows"
    yield ""
    yield "Next:"
    yield f"  1. The dump, {dump}, with DATABASE_URL set to production's address:"
    file = Path(os.path.relpath(facts.repository / dump))
    if not file.parent.is_dir():
        yield f"       {shlex.join(['mkdir', '-p', str(file.parent)])}"
    yield f"       {shlex.join(['alembic-rehearsal', 'snapshot', '-o', str(file)])}"
    yield "     It has no customer's data. docs/dump.md has workflows that keep it fresh; where those put it, as in"
    yield "     .production/production.sql of a second checkout, is for init --force --dump PATH."
    yield '  2. Require the check "Rehearse the migrations" in the rules of the branch.'
    if facts.image:
        yield "     Where the Dockerfile's image is deployed, it can be rehearsed itself: --app-image in docs/usage.md."
    if facts.render is not None:
        yield f"  3. {facts.render.path.name}:"
        yield from (f"       {line}" for line in blueprint.lines(facts.render))

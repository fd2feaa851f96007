"""The text of a workflow for GitHub Actions."""

from __future__ import annotations

import dataclasses
import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.scaffold import installing, pythons
from alembic_rehearsal.scaffold.facts import Facts

_CHECKOUT = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0"
_SETUP_PYTHON = "actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0"
# The least Python that the tool itself runs on, and the one that it gets if the project's is older.
_LEAST, _OWN = (3, 10), "3.13"
_ENDING = "db/production.sql"

_HEAD = """\
name: migrations

on:
  pull_request:
  merge_group:
  push:
    branches: [@BRANCHES@]

permissions: {}

jobs:
"""
_JOB = """\
  rehearse:
    name: Rehearse the migrations
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read
    steps:
"""
_STEP_CHECKOUT = f"""\
      - uses: {_CHECKOUT}
        with:
          persist-credentials: false
"""
_MATRIX = f"""\
  discover:
    name: Find the projects
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions:
      contents: read
    outputs:
      matrix: ${{{{ steps.projects.outputs.matrix }}}}
    steps:
{_STEP_CHECKOUT}\
      - uses: {_SETUP_PYTHON}
        with:
          python-version: "{_OWN}"
      - run: pip install alembic-rehearsal
      - id: projects
        run: |
          matrix=$(alembic-rehearsal discover --format github-matrix)
          echo "matrix=$matrix" >>"$GITHUB_OUTPUT"

  rehearse:
    name: Rehearse ${{{{ matrix.project }}}}
    needs: discover
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read
    strategy:
      fail-fast: false
      matrix: ${{{{ fromJSON(needs.discover.outputs.matrix) }}}}
    steps:
{_STEP_CHECKOUT}\
      - uses: @USES@
        with:
          dump: ${{{{ matrix.directory }}}}/{_ENDING}
          directory: ${{{{ matrix.directory }}}}
          config: ${{{{ matrix.config }}}}
          name: ${{{{ matrix.name }}}}
          command: ${{{{ matrix.command }}}}
@ENV@
  # The one to require in the branch's rules: a matrix has a name for each project.
  migrations:
    name: All migrations
    if: always()
    needs: rehearse
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - env:
          RESULT: ${{{{ needs.rehearse.result }}}}
        run: test "$RESULT" = success
"""


def of_many(uses: str, projects: Sequence[Facts] = ()) -> str:
    """Return the workflow of a repository with several *projects*, by the action that *uses* names.

    Raises:
        UsageError: a name would be an expression in a workflow.
    """
    env: dict[str, str] = {}
    for facts in projects:
        _check(facts.branches)
        env = _addresses(facts) | env
    python = {facts.python for facts in projects if pythons.is_said(facts.python_from)}
    # By itself the action reads .python-version and pyproject.toml, of each project its own.
    lines = [*([f'    python-version: "{python.pop()}"'] if len(python) == 1 else []), *_env(env)]
    branches = tuple(dict.fromkeys(branch for facts in projects for branch in facts.branches))
    return _head(branches) + _MATRIX.replace("@USES@", uses).replace("@ENV@\n", _indented([*lines, ""]))


def of_one(facts: Facts, *, dump: str, uses: str = "") -> str:
    """Return the workflow of one project, with the action that *uses* names, or with the command line.

    Raises:
        UsageError: a name would be an expression in a workflow.
    """
    parts = _with_action(facts, dump, uses) if uses else _with_command(facts, dump)
    _check((*dataclasses.astuple(facts.found), *facts.branches, facts.requirements, dump))
    return _head(facts.branches) + _JOB + _STEP_CHECKOUT + _indented(parts)


def _check(names: Iterable[str]) -> None:
    if any("${{" in name or not name.isprintable() for name in names):
        raise UsageError("a name has what begins an expression in a workflow, or a character that isn't printable")


def _indented(lines: Iterable[str]) -> str:
    return "".join(f"      {line}\n" if line else "\n" for line in lines)


def _head(branches: Sequence[str]) -> str:
    return _HEAD.replace("@BRANCHES@", ", ".join(map(_scalar, branches or ("main",))))


def default_dump(directory: str) -> str:
    """Return where the dump of the project in *directory* is looked for, relative to the repository."""
    return posixpath.normpath(posixpath.join(directory, _ENDING))


def _with_action(facts: Facts, dump: str, uses: str) -> Iterator[str]:
    found = facts.found
    directory = "" if found.directory == "." else found.directory
    given = {"dump": dump, "directory": directory, "config": found.config, "name": found.name, "command": found.command}
    yield f"- uses: {uses}"
    yield "  with:"
    yield from (f"    {name}: {_scalar(value)}" for name, value in given.items() if value)
    yield f'    python-version: "{facts.python}"'
    yield from _env(_addresses(facts))


def _with_command(facts: Facts, dump: str) -> Iterator[str]:
    old = tuple(map(int, facts.python.split("."))) < _LEAST
    short = ".".join(facts.python.split(".")[:2])
    yield f"- uses: {_SETUP_PYTHON}"
    yield "  with:"
    if old:
        # The last one is `python`.
        yield "    python-version: |"
        yield from (f"      {version}" for version in (facts.python, _OWN))
    else:
        yield f'    python-version: "{facts.python}"'
    commands, folder = installing.commands(facts, python=f"python{short}" if old else "python")
    if commands:
        yield "- name: Install the project"
        yield from [f"  working-directory: {_scalar(folder)}"] if folder != "." else []
        yield from ("  run: |", *(f"    {command}" for command in commands))
    yield "- name: Install alembic-rehearsal"
    yield "  run: pip install 'alembic-rehearsal[embedded]'"
    found = facts.found
    directory = "" if found.directory == "." else found.directory
    flags = {"-d": directory, "-c": found.config, "-n": found.name, "--command": found.command}
    argv = ["run", "--dump", dump, *(part for flag, value in flags.items() if value for part in (flag, value))]
    yield "- name: Rehearse the upgrade"
    yield "  run: >-"
    yield f"    alembic-rehearsal {shlex.join(argv)}"
    yield '    --format markdown --output "$GITHUB_STEP_SUMMARY" --format text --format github'
    yield from _env(_addresses(facts))


def _addresses(facts: Facts) -> dict[str, str]:
    return dict.fromkeys(facts.variables, f"{facts.scheme or 'postgresql'}://app@localhost/app")


def _env(addresses: Mapping[str, str]) -> Iterator[str]:
    if addresses:
        yield "  env:"
        yield "    # Any address will do: every connection of the command is redirected."
        yield from (f"    {name}: {address}" for name, address in addresses.items())


def _scalar(text: str) -> str:
    """Return *text* as a scalar of YAML, quoted where it could be more."""
    return text if re.fullmatch(r"[A-Za-z][\w./ -]*[\w/]", text) and text.lower() not in _WORDS else json.dumps(text)


_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}

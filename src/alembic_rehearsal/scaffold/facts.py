"""What the workflow of a project has to know, read from its files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from alembic_rehearsal import blueprint
from alembic_rehearsal.actions import install
from alembic_rehearsal.discover import Found
from alembic_rehearsal.errors import ProjectError
from alembic_rehearsal.scaffold import branches, pythons

# Variables that env.py reads an address of a database from.
_URL = re.compile(
    r"""(?:environ\[|environ\.get\(|getenv\()\s*["']((?:\w*(?:DATABASE|POSTGRES|SQLALCHEMY|ALEMBIC|DB|PG)\w*)(?:URL|URI|DSN))["']"""
)
_OTHER = re.compile(r"^\s*sqlalchemy\.url\s*=\s*(mysql|mariadb|sqlite|oracle|mssql)\b", re.MULTILINE)
# "postgres" is left out: SQLAlchemy takes it for no dialect since 1.4.
_SCHEME = re.compile(r"\b(postgresql(?:\+\w+)?)://")
_COMPILED = re.compile(r"""^\s*["']?psycopg2(?![-\w])|^name = "psycopg2"$""", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """One project of a repository.

    Attributes:
        requirements: the file that says what it needs, relative to the repository; "" when none does.
        python: version, "3.12"; "3.12.4" where nothing else will do.
        python_from: what says so.
        variables: that hold the database's address where the project is deployed.
        scheme: of that address, "postgresql+asyncpg"; "" when no file says it.
        compiles: psycopg2 is among the requirements, which is built from its source.
        other: a database that isn't PostgreSQL, as alembic.ini names it; "" for none.
        render: its render.yaml, None without one.
        branches: that are deployed.
        image: there is a Dockerfile.
    """

    repository: Path
    found: Found
    requirements: str
    python: str
    python_from: str
    variables: tuple[str, ...]
    scheme: str
    other: str
    compiles: bool
    render: blueprint.Blueprint | None
    branches: tuple[str, ...]
    image: bool


def repository_of(folder: Path) -> Path:
    """Return the root of the repository that *folder* lies in, *folder* itself when it lies in none."""
    place = folder.resolve()
    return next((each for each in (place, *place.parents) if (each / ".git").exists()), place)


def gather(found: Found, repository: Path) -> Facts:
    """Return what there is to know of the project *found*, whose directory is relative to *repository*."""
    root = repository / found.directory
    path = blueprint.find(root)
    try:
        render = blueprint.read(path) if path else None
    except ValueError:
        render = None
    python, python_from = pythons.first(root, repository, render)
    env_files = sorted({*root.glob("*/env.py"), *root.glob("*/*/env.py"), *root.glob("*/*/*/env.py")})
    named = [name for file in env_files for name in _URL.findall(_text(file))]
    deployed = [name for service in render.services for name in service.urls] if render else []
    requirements = _requirements(root, repository)
    ini = root / (found.config or "alembic.ini")
    schemes = [scheme for file in (ini, *sorted(root.glob(".env*"))) for scheme in _SCHEME.findall(_text(file))]
    return Facts(
        repository=repository,
        found=found,
        requirements=requirements,
        python=python,
        python_from=python_from,
        variables=tuple(dict.fromkeys((*named, *deployed))),
        scheme=next(iter(schemes), ""),
        other=next(iter(_OTHER.findall(_text(ini))), ""),
        compiles=bool(_COMPILED.search(_text(repository / requirements))) if requirements else False,
        render=render,
        branches=branches.deployed(repository, render),
        image=(root / "Dockerfile").is_file() or (repository / "Dockerfile").is_file(),
    )


def _requirements(root: Path, repository: Path) -> str:
    try:
        folder, name = install.source_of(root, repository)
    except ProjectError:
        return ""
    return (folder / name).relative_to(repository).as_posix()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

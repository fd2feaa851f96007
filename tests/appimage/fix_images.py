"""Images of applications, built from the official Python image, and what is left of their containers."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fix_projects import write_project
from harness import turn

PYTHON = "python:3.13-slim-trixie"
NAME = "alembic-rehearsal-test-app"
# Production as its owner sees it: one table, at revision a1.
DUMP = """\
--
-- PostgreSQL database dump
--
-- Dumped from database version 17.1
-- Dumped by pg_dump version 17.1
CREATE TABLE public.users (id integer NOT NULL);
CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL);
INSERT INTO public.alembic_version VALUES ('a1');
--
-- PostgreSQL database dump complete
--
"""
A1 = 'op.create_table("users", sa.Column("id", sa.Integer))'
PASSES = 'op.add_column("users", sa.Column("email", sa.String(255)))'
FAILS = 'op.create_table("users", sa.Column("id", sa.Integer))'

Build = Callable[..., str]


def docker(*arguments: str, check: bool = True, timeout_s: float = 300) -> str:
    """Run the engine's client and return what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout_s)
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.strip()


def missing() -> str:
    """Return what is missing for these tests; "" when nothing is."""
    if shutil.which("docker") is None:
        return "there is no docker client"
    if subprocess.run(["docker", "image", "inspect", PYTHON], capture_output=True, check=False).returncode:
        return f"no Docker engine answers, or the image {PYTHON} is not here"
    return ""


def require_docker() -> None:
    """Skip without an engine and the image that everything is built from, unless they are required."""
    reason = missing()
    if reason and os.environ.get("REHEARSAL_REQUIRE_DOCKER") != "1":
        pytest.skip(reason)
    if reason:
        docker("pull", "-q", PYTHON)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with Python, Alembic and psycopg2, and no project."""
    require_docker()
    folder = tmp_path_factory.mktemp("base")
    (folder / "Dockerfile").write_text(f"FROM {PYTHON}\nRUN pip install --no-cache-dir alembic psycopg2-binary\n")
    tag = f"{NAME}-base:{secrets.token_hex(4)}"
    with turn("building"):  # else each worker makes every layer
        docker("build", "-q", "-t", tag, str(folder), timeout_s=600)
    yield tag
    docker("rmi", tag, check=False)


@pytest.fixture
def build(base: str, tmp_path: Path) -> Iterator[Build]:
    """Build an image with a project in /app; further lines of its Dockerfile may follow."""
    tags = []

    def built(project: Path, *lines: str, source: str = base) -> str:
        (project / "Dockerfile").write_text("\n".join([f"FROM {source}", "WORKDIR /app", "COPY . /app", *lines, ""]))
        tags.append(f"{NAME}:{secrets.token_hex(4)}")
        docker("build", "-q", "-t", tags[-1], str(project))
        (project / "Dockerfile").unlink()
        return tags[-1]

    yield built
    for tag in tags:
        docker("rmi", "-f", tag, check=False)


def project(folder: Path, body: str, **kwargs: str) -> Path:
    """Write a project whose second revision, pending in production, has *body*."""
    return write_project(folder, {"a1": A1, "b2": body}, **kwargs)


def workspace(folder: Path) -> Path:
    """Make a workspace with nothing but the dump."""
    folder.mkdir(exist_ok=True)
    (folder / "production.sql").write_text(DUMP)
    return folder


def containers(image: str) -> list[str]:
    """Return the containers of *image*, running or not."""
    return docker("ps", "-aq", "--no-trunc", "--filter", f"ancestor={image}").split()

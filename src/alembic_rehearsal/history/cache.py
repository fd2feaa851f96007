"""Keeps builds from base: the same revisions on the same major make the same schema."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from alembic_rehearsal import workdir
from alembic_rehearsal.catalog import FACTS_SQL
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.history.records import History, changes_of
from alembic_rehearsal.model import Offer, Project, Trace

# Changes whenever what a build records does.
_FORMAT = 1
_MOST_ENTRIES = 40


def key_of(target: Project, offer: Offer, taken_over: Iterable[str]) -> str:
    """Return what tells builds apart before anything has run: project, interpreter, its packages, major.

    Args:
        taken_over: what the empty database has of production's, see `furnish`.
    """
    parts = [
        str(_FORMAT),
        FACTS_SQL,
        str(offer.major),
        target.root,
        target.python,
        *target.argv,
        "",
        *taken_over,
        "",
        *(_packages(Path(target.python)) if target.image is None else [target.image.id]),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _packages(python: Path) -> list[str]:
    """Return name and version of what is installed beside *python*: the directories' names say both."""
    return sorted(path.name for path in python.parent.parent.glob("lib*/python3*/site-packages/*.dist-info"))


def sources_of(trace: Trace, target: Project) -> tuple[str, ...]:
    """Return the files that the schema depends on: revisions, env.py, the project's modules that were loaded.

    In an image none can change: its id, which is part of the key, is made from what they hold.
    """
    if target.image is not None:
        return ()
    revisions = (str(Path(target.root, each.path)) for context in trace.contexts for each in context.revisions)
    return tuple(sorted({*revisions, *trace.modules}))


def load(key: str) -> History | None:
    """Return the build of *key*, None if there is none or a file that it came from has changed."""
    try:
        entry = json.loads(gzip.decompress(_path(key).read_bytes()))
        if _state(entry["sources"]) != entry["state"]:
            return None
        os.utime(_path(key))
        return History(
            changes=changes_of(entry["changes"]),
            complete=entry["complete"],
            why=entry["why"],
            furnished=entry["furnished"],
        )
    except (OSError, ServerError, ValueError, KeyError, EOFError):
        return None


def store(key: str, built: History, sources: tuple[str, ...]) -> None:
    """Keep *built*; that it can't be kept is no fault."""
    entry = {
        "sources": sources,
        "state": _state(sources),
        "complete": built.complete,
        "why": built.why,
        "furnished": built.furnished,
        "changes": [
            {
                "revision": change.revision,
                "changed": [[*fact, text] for fact, text in change.changed.items()],
                "gone": [list(fact) for fact in change.gone],
            }
            for change in built.changes
        ],
    }
    with contextlib.suppress(OSError, ServerError):
        path = _path(key)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        part = path.with_name(f".{secrets.token_hex(4)}")
        part.write_bytes(gzip.compress(json.dumps(entry).encode(), compresslevel=1))
        part.replace(path)
        _prune(path.parent)


def _path(key: str) -> Path:
    return workdir.cache_directory() / "histories" / f"{key}.json.gz"


def _prune(folder: Path) -> None:
    """Leave the entries that were used last."""
    entries = sorted(folder.glob("*.json.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in entries[_MOST_ENTRIES:]:
        path.unlink(missing_ok=True)


def _state(sources: Iterable[str]) -> Mapping[str, Any]:
    """Return what the files hold, and which Python files lie beside them: a new revision is one."""
    files = {path: _digest(Path(path)) for path in sources}
    folders = sorted({str(Path(path).parent) for path in sources})
    return {"files": files, "folders": {folder: _listing(folder) for folder in folders}}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _listing(folder: str) -> list[str]:
    try:
        return sorted(path.name for path in Path(folder).glob("*.py"))
    except OSError:
        return []

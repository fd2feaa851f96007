"""Which file of this repository a path in the image stands for: a report's places are lines of a pull request."""

from __future__ import annotations

import functools
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SKIPPED = {"node_modules", "site-packages", "dist-packages", "__pycache__", "venv", "env"}
# A file's name alone is no evidence: every Alembic project has an env.py.
_LEAST_PARTS = 2


@functools.cache
def of(root: str, checkout: str) -> Sources:
    """Return what is known of these two: what one run has learned serves the next."""
    return Sources(root, Path(checkout))


@dataclass(frozen=True)
class Sources:
    """Two trees with the same files in them.

    Attributes:
        root: the directory in the image that the command starts in.
        checkout: the project's directory here.
    """

    root: str
    checkout: Path
    _known: dict[str, str] = field(default_factory=dict, init=False, compare=False)

    def localised(self, events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield *events* of the probe with this repository's paths in place of the image's."""
        for event in events:
            changed = dict(event)
            if event.get("path"):
                changed["path"] = self.local(event["path"])
            if event["event"] in ("revisions", "scripts"):
                changed["revisions"] = [
                    {**each, "path": self.local(each["path"])} if each.get("path") else each
                    for each in event["revisions"]
                ]
            yield changed

    def local(self, path: str) -> str:
        """Return *path* relative to the project's directory here, or to that in the image if no file here is it."""
        if path not in self._known:
            self._known[path] = self._found(path)
        return self._known[path]

    def there(self, path: Path) -> str | None:
        """Return the image's path of a file of the project's directory here, or of a new one beside such a file.

        None for one that none of the localised paths has led to.
        """
        here = Path(os.path.relpath(path, self.checkout)).as_posix()
        folders = {}
        for known, local in self._known.items():
            if local == here:
                return known
            folders[posixpath.dirname(local)] = posixpath.dirname(known)
        folder = folders.get(posixpath.dirname(here))
        return None if folder is None else posixpath.join(folder, path.name)

    def _found(self, path: str) -> str:
        below = posixpath.relpath(path, self.root)
        if below.startswith("../"):
            return self._alike(path) or path
        return below if Path(self.checkout, below).is_file() else self._alike(path) or below

    def _alike(self, path: str) -> str:
        """Return the file here whose path ends as *path* does, "" when there is none or more than one."""
        parts = path.split("/")
        scores: dict[str, int] = {}
        for found in self._files.get(parts[-1], ()):
            pairs = zip(reversed(parts), reversed(found.split("/")), strict=False)
            scores[found] = next((n for n, (a, b) in enumerate(pairs) if a != b), len(found.split("/")))
        best = max(scores.values(), default=0)
        alike = [found for found, score in scores.items() if score == best]
        # In the checkout's top folder there is nothing but the name to compare.
        if len(alike) != 1 or best < min(_LEAST_PARTS, len(alike[0].split("/"))):
            return ""
        return Path(os.path.relpath(self._top / alike[0], self.checkout)).as_posix()

    @functools.cached_property
    def _top(self) -> Path:
        place = self.checkout.absolute()
        return next((each for each in (place, *place.parents) if (each / ".git").exists()), place)

    @functools.cached_property
    def _files(self) -> dict[str, list[str]]:
        """Return the Python files of the repository, by name: paths relative to its top."""
        found: dict[str, list[str]] = {}
        for folder, folders, names in os.walk(self._top):
            folders[:] = [each for each in folders if each not in _SKIPPED and not each.startswith(".")]
            for name in names:
                if name.endswith(".py"):
                    place = Path(folder, name).relative_to(self._top).as_posix()
                    found.setdefault(name, []).append(place)
        return found

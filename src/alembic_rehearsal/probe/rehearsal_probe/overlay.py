"""Let this process read other contents for some Python files than stand on the disk, so that a patch can be tried.

The project's files stay as they are: the replacement is compiled under the original's name, and neither read from nor
written to a cache of compiled files.
"""

from __future__ import annotations

import os
import sys

from . import gate, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "overlay.json"
_files: dict[str, str] = {}


def install() -> None:
    """Read D/overlay.json, {path of a file, which may be new: path of its replacement}, if the tool has written one."""
    path = os.path.join(gate.directory(), FILE)
    if not os.path.exists(path):
        return
    import json

    with open(path, encoding="utf-8") as file:
        _files.update((os.path.realpath(name), replacement) for name, replacement in json.load(file).items())
    _hook_loader()


def again() -> None:
    """Read the file of another run, in a process where Alembic has been imported and has read no revision yet."""
    install()
    base = sys.modules.get("alembic.script.base")
    if base is not None:
        hook_scripts(base)


def replacement_of(path: Any) -> str | None:
    """Return the file to read in place of *path*, None to leave it."""
    return _files.get(os.path.realpath(str(path))) if _files else None


def _hook_loader() -> None:
    """Replace what `SourceFileLoader` finds: every import and Alembic's loading of revisions go through it.

    Source: https://docs.python.org/3/library/importlib.html#importlib.abc.InspectLoader.get_code
    """
    from importlib.machinery import SourceFileLoader

    get_code = SourceFileLoader.get_code

    def overlaid(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        replacement = replacement_of(path)
        if replacement is None:
            return get_code(self, fullname)
        with open(replacement, "rb") as file:
            return self.source_to_code(file.read(), path)

    SourceFileLoader.get_code = overlaid  # type: ignore[method-assign]


def hook_scripts(base: Any) -> None:
    """Let Alembic find new files in its directories of revisions; `_list_py_dir` gives names, in newer ones paths."""
    cls = base.Script
    if not _files or not hasattr(cls, "_list_py_dir"):
        return
    listing = cls._list_py_dir

    def _list_py_dir(scriptdir: Any, path: Any) -> Any:
        found = list(listing(scriptdir, path))
        try:
            # An empty directory tells nothing of the kind of its entries, the directory's own kind does.
            as_names = all(isinstance(each, str) for each in found) if found else isinstance(path, str)
            found += [name if as_names else type(found[0] if found else path)(path) / name for name in _new_in(path)]
        except Exception as error:
            report.fault("overlay", error)
        return found

    cls._list_py_dir = staticmethod(_list_py_dir)


def load_new(directory: Any, filename: Any) -> Any:
    """Return the module of a file that only the overlay has, None for every other one."""
    if not _files:
        return None
    path = os.path.join(str(directory), str(filename))
    if os.path.exists(path) or replacement_of(path) is None:
        return None
    import importlib.util

    name = "".join(each if each.isalnum() else "_" for each in os.path.basename(path))
    spec: Any = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _new_in(directory: Any) -> list[str]:
    folder = os.path.realpath(str(directory))
    return [os.path.basename(f) for f in sorted(_files) if os.path.dirname(f) == folder and not os.path.exists(f)]

"""What is kept between runs goes when no run has used it for a while.

A virtual environment that is made anew has another server in it, to the cache: on a machine that makes one for each job
data directories of 23 MB would pile up.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

_KEPT_S = 14 * 24 * 3600
# Those that were being made when a run was killed begin with a dot.
_ENTRY = re.compile(r"\.?(data|overlay|wheel|installation)-")


def used(entry: Path) -> Path:
    """Note that a run uses *entry*, and return it."""
    # Of another account's it can't be noted; then it is made anew some day.
    with contextlib.suppress(OSError):
        os.utime(entry)
    return entry


def tidy(cache: Path) -> None:
    """Remove from *cache* what no run has used for two weeks. What can't be removed stays."""
    limit = time.time() - _KEPT_S
    with contextlib.suppress(OSError), os.scandir(cache) as entries:
        for entry in entries:
            if _ENTRY.match(entry.name) and entry.stat(follow_symlinks=False).st_mtime < limit:
                drop(Path(entry.path))


def drop(entry: Path) -> None:
    """Remove *entry*; nothing happens if it can't be."""
    if entry.is_dir():
        # Nobody is to copy half of it.
        grave = entry.with_name(f".{entry.name.lstrip('.')}-{secrets.token_hex(4)}")
        with contextlib.suppress(OSError):
            entry.rename(grave)
        shutil.rmtree(grave, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            entry.unlink()

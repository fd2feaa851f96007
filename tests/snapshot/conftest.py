"""The productions that these tests share; the rich one is that of the dumps' tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "dump"))

from fix_dumps import restore
from fix_snapshots import live, live15, shop

__all__ = ["live", "live15", "restore", "shop"]

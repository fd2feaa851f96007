"""The probe: code that runs in the interpreter of the project, not in this tool's.

Nothing here imports `alembic_rehearsal`, and nothing but the standard library: the project's Python may be 3.8
and has its own packages. The tool itself imports `rehearsal_probe.environ` only.
"""

from __future__ import annotations

import os

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
"""What goes first on PYTHONPATH: it holds `sitecustomize` and the package `rehearsal_probe`."""

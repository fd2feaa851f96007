"""The entry point of the image: the inputs of a workflow, or arguments as on the command line."""

from __future__ import annotations

from alembic_rehearsal.action import main

if __name__ == "__main__":
    raise SystemExit(main())

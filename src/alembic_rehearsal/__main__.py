"""`python -m alembic_rehearsal` is the command line."""

from alembic_rehearsal.cli import main

raise SystemExit(main())

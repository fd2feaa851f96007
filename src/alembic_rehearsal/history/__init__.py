"""The schema that the project's own history makes, built from base on an empty database beside the rehearsal.

Production is what it is; this is what the revisions say it should be. Comparing the two tells where an object
comes from, which revision production really is at, and what was changed by hand.
"""

from alembic_rehearsal.history.records import Change, History

__all__ = ["Change", "History"]

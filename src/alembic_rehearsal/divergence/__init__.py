"""The upgraded production against the schema that the revisions make from base, and who answers for what differs.

Four schemas are compared: production before and after the upgrade, and the history at the revisions that production had
and at those that it has now. What each difference is, and what it weighs:

- **Old** is what differed before and still does, the same attribute of the same object, or that difference under a name
  that the upgrade gave it. Somebody made it by hand, or another tool did. No pending revision answers for it: one note,
  whose lines a baseline can take as known.
- **Not done**: from base a pending revision makes, changes or drops something; production was there just what the
  revision starts from, and is so still. A condition, `IF EXISTS` or a caught error let it pass over.
- **Another shape**: a pending revision makes an object from base; production had one of that name, and keeps its own.
- **Lost**: production had what the history has, before and after; the upgrade took or changed it there alone.

These are errors. The command ends with 0 and the version row says that it was done, so nothing will ever do it: the
application meets a schema that its revisions don't know. None of them is the mere consequence of an old difference,
since production's side is compared with itself.

Warnings are: a plain index that was to go and is still there under another name; an attribute that differed before the
revision that sets it, and stays so; and what is **made otherwise**: made by a pending revision on production alone, or
otherwise there than from base. A revision may mean to do that.

What would be an error is a warning too where the revision reads a table whose rows the rehearsal leaves out: what it
finds there in production may decide otherwise, and the build from base has the rows that the revisions insert.

What follows from an old difference is a note: a column of a table that production lacks, an index on a column that is
missing there, an expression that reads otherwise over a column of another type. So are names of constraints and
indexes, and comments. Casts between the string types and parentheses are no difference: PostgreSQL writes some
expressions otherwise once they have been dumped and restored.

Left out, because the build from base can't know it or the tool itself makes it different: owners, grants, default
privileges, security labels, extensions, publications, subscriptions, foreign servers, event triggers, version tables,
tablespaces, partitions that only one side has, the comment that initdb gives schema public, what stands in schemas of a
platform's own, and the contents of a schema that no revision knows.
"""

from __future__ import annotations

from alembic_rehearsal.divergence.comparing import Upgraded, compared
from alembic_rehearsal.divergence.plain import may_differ

__all__ = ["Upgraded", "compared", "may_differ"]

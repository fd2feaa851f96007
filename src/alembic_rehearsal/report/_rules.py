"""What each check is about, for formats that describe their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One check as a reader sees it who has never heard of it.

    Attributes:
        short: one sentence without a full stop.
        full: what it means that the check found something.
        help: what to do, in general; the finding's own fix knows more.
    """

    short: str
    full: str
    help: str


RULES: Mapping[str, Rule] = {
    "upgrade-failed": Rule(
        "PostgreSQL refused a statement of a revision",
        "On a copy of production's schema, a statement that a pending revision sends ends in an error. The deploy's "
        "own upgrade would end there too.",
        "Compare what production has with what the revision wants, and change the revision so that it fits both.",
    ),
    "command-failed": Rule(
        "The upgrade command ended in an error without an SQLSTATE",
        "The command failed in Python: in the revision graph, in a revision's own code or in Alembic.",
        "Read the exception; the revision or the graph of revisions has to change before the deploy.",
    ),
    "heads-mismatch": Rule(
        "The command said it succeeded, and a new connection doesn't see the heads",
        "After the command ended with status 0, the version table does not hold the revisions that it was asked for: "
        "nothing was committed, or another table was written.",
        "Check that env.py commits, and that it configures the version table that production has.",
    ),
    "base-on-populated": Rule(
        "The history was started from its base although production has been migrated",
        "Alembic took production for an empty database, and began with the first revision.",
        "Check which version table and schema env.py configures, and what row production's table has.",
    ),
    "rows-missing": Rule(
        "A failure that comes from a table which is empty only in the rehearsal",
        "A revision needs rows that the rehearsal did not have, so it proves neither a pass nor a failure.",
        "Take the rows along: --include-data TABLE, from a dump that has them.",
    ),
    "role-missing": Rule(
        "A revision names a role that the dump does not have",
        "A dump has the roles that own or may use something in it; production may have others, so nothing is proved.",
        "Add the role to the dump: CREATE ROLE name;",
    ),
    "database-name-unknown": Rule(
        "A revision names the database, and the dump does not say its name",
        "Without pg_dump --create the rehearsed database has another name than production's.",
        "Say it: --database-name NAME, or make the dump with --create.",
    ),
    "collation-missing": Rule(
        "The throw-away server's operating system lacks a collation",
        "Production's operating system may have it, so nothing is proved.",
        "Rehearse on production's image: --postgres docker.",
    ),
    "outside-connection": Rule(
        "A revision makes the server connect to another one",
        "The throw-away server is kept from connecting out, as to a foreign server or by dblink, so nothing is proved.",
        "Do what needs another server outside of the rehearsed upgrade.",
    ),
    "several-databases": Rule(
        "The command asked for several databases, and the rehearsal has one",
        "Every connection is led to the database that was restored, whatever it was meant for.",
        "Rehearse each database with its own dump.",
    ),
    "project-did-not-start": Rule(
        "env.py or what it imports failed before anything was sent",
        "The command ended before it asked for a connection, so the migrations were not tried.",
        "Install the project's requirements, and set the variables that its settings need.",
    ),
    "no-connection": Rule(
        "Nothing proves that the command worked on the rehearsed database",
        "The command did not connect to the throw-away server, or what watched it was not loaded.",
        "Name the command that migrates: --command. It has to be a Python program.",
    ),
    "ran-out-of-time": Rule(
        "The command was stopped before it had ended",
        "The command took longer than it was given; a lock that it holds itself would hang in production too.",
        "Look at what it waited for; for work that is only long: --timeout SECONDS.",
    ),
    "refused-connection": Rule(
        "A connection elsewhere was refused",
        "The command asked for a server that is not the throw-away one. It was refused, because it might be "
        "production's.",
        "If the migration needs it and it is not production's, allow its port: --allow-port PORT.",
    ),
    "revision-twice": Rule(
        "Two revision files have one id",
        "Alembic takes one of them and warns. With `upgrade heads` the other is never run, and the version table looks "
        "right; with `upgrade head` there is a head too many.",
        "Give one of them another id.",
    ),
    "several-heads": Rule(
        "The revisions have several heads, and the command takes one",
        "Nothing is applied: `upgrade head` refuses to choose. Two branches that were merged each bring a revision "
        "that builds on the same one. `upgrade heads` takes all of them, and is fine.",
        "Join them: alembic merge heads.",
    ),
    "revision-cycle": Rule(
        "Revisions build on each other in a circle",
        "Alembic can't order them, and ends before it does anything.",
        "Correct the down_revision of one of them.",
    ),
    "parent-missing": Rule(
        "A revision builds on one that no file has",
        "Alembic can't read the revisions, and ends with a KeyError before it does anything.",
        "Bring the missing file back, or correct the down_revision.",
    ),
    "stamp-unknown": Rule(
        "Production is at a revision that no file has",
        "The version row names a revision that was deleted, renamed, or is only on another branch: nothing can be "
        "applied.",
        "Bring its file back: what production has run stays in the repository for good.",
    ),
    "version-rows-overlap": Rule(
        "The version table says the same twice",
        "One row's revision is below another's, or a row is there more than once: Alembic refuses to go on.",
        "Delete the superfluous row on production.",
    ),
    "revision-id-too-long": Rule(
        "A revision's id is longer than production's version table can hold",
        "The column is varchar(32) unless somebody has widened it. The revision's work is done, and then its id can't "
        "be written; on another database, whose column is wider, it passes.",
        "Shorten the id, or widen the column in a revision before.",
    ),
    "revision-slipped-under": Rule(
        "A revision was put below one that production has applied",
        "Alembic runs what is above production's version row. A revision that comes to lie below it, by an edited "
        "down_revision, never runs there, and nothing says so. It takes a commit to compare with: --base.",
        "Let it build on the head.",
    ),
    "applied-revision-edited": Rule(
        "A revision that production has applied does something else now",
        "Production keeps what the revision did before; a new database gets the other. It takes a commit to compare "
        "with: --base.",
        "Undo the change, and put it into a new revision.",
    ),
    "swallowed-error": Rule(
        "The server refused a statement, and the command went on",
        "The command ended with status 0 although the server had answered with an error: what the statement was to do "
        "is not done.",
        "Ask the catalogs before the statement instead of catching its error.",
    ),
    "skipped-silently": Rule(
        "IF NOT EXISTS met an object that is there already",
        "Nothing was done, and nobody looked at its shape: it may lack columns that the application needs.",
        "Bring production's object to the wanted shape in the same revision.",
    ),
    "divergence": Rule(
        "After the upgrade production is not what the revisions make from base",
        "A pending revision passed over production's state where it does something on an empty database, or production "
        "had differed before: the application meets a schema that its revisions don't know.",
        "Let the revision bring what is there to the wanted shape; take old differences into a baseline.",
    ),
    "privileges": Rule(
        "A role can't use after the upgrade what it could use before, or could expect to",
        "What is dropped and made again has lost its grants; what is new has those of the default privileges alone.",
        "Grant the rights in the revision that makes the object.",
    ),
    "invalid-index": Rule(
        "The upgrade leaves an invalid index",
        "CREATE INDEX CONCURRENTLY failed or was passed over; the index is maintained and never used.",
        "Drop it before it is made: DROP INDEX CONCURRENTLY IF EXISTS.",
    ),
    "not-retryable": Rule(
        "A deploy that dies half-way can't be tried again",
        "A part of a revision is committed before its version row, and the next try fails over it or ends otherwise.",
        "Guard what is done again, or give what commits by itself a revision of its own.",
    ),
    "duplicate-foreign-key": Rule(
        "A table has the same foreign key more than once after the upgrade",
        "The revision made a foreign key that production has under another name.",
        "Drop the one that was there, by its name in production.",
    ),
    "not-valid-constraint": Rule(
        "A constraint stays NOT VALID after the upgrade",
        "It holds for new rows; rows that are there already were not looked at.",
        "Validate it in a later revision: ALTER TABLE ... VALIDATE CONSTRAINT.",
    ),
    "depends-on-rows": Rule(
        "An operation passed on tables that are empty in the rehearsal, and production's rows may fail it",
        "NOT NULL, unique, foreign key and check constraints, type changes and the revisions' own reads depend on rows "
        "that the dump does not have.",
        "Run the queries of the finding on production, or take the rows along: --include-data TABLE.",
    ),
    "second-run-not-a-no-op": Rule(
        "The same upgrade once more fails or does something again",
        "On the database that the first upgrade left, the same command ends in an error, runs a revision again or "
        "changes the schema: the next start, retry or deploy of this release would.",
        "Move what runs besides the revisions into one, or let it ask first whether it is done.",
    ),
    "not-race-safe": Rule(
        "Several upgrades at once don't all end well",
        "Held where each has seen the same revision, and then let go, some of them fail, or what they leave is not "
        "what one of them leaves. Alembic takes no lock.",
        "Take an advisory lock in env.py, or let one step of the deploy migrate, before the instances start.",
    ),
    "not-repeatable": Rule(
        "A pending revision is no no-op when it is run again",
        "On the schema that it leaves, operations of the revision fail or do something once more. Alembic runs a "
        "revision once, so this matters where a version row is lost, or where the rule is that everything is guarded.",
        "Guard each operation: if_not_exists=True, if_exists=True, or a question to the inspector.",
    ),
    "survey-stopped": Rule(
        "What stands after this place in a revision was not tried",
        "The run that goes on past each failure could not follow this revision any further.",
        "Fix the failures above and rehearse again.",
    ),
    "waiver-expired": Rule(
        "A waiver of the project's has come to its end",
        "What it was for weighs again as it did before.",
        "Mend what it was for, or give it another end.",
    ),
    "waiver-unused": Rule(
        "A waiver covers nothing that was found",
        "What it was for is mended, or its entry doesn't fit: a check, a revision or a text of the message.",
        "Take it out of the file.",
    ),
    "no-verdict": Rule(
        "The rehearsal could not be done",
        "The dump, the server, the project or the tool itself kept the rehearsal from taking place.",
        "Read the message; whatever withholds the verdict has to stop the deploy.",
    ),
}


def of(check: str) -> Rule:
    """Return the rule of *check*, or what can be said of one that is not described."""
    return RULES.get(check) or Rule(f"The check {check}", f"The check {check} found something.", "Read the message.")

"""What a command that ended with 0 has left: each check on a bad project and on its good twin, on a real server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from fix_projects import BODY, Production, Tool, write_project

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255), boss int);
CREATE TABLE teams (id int PRIMARY KEY, boss int CONSTRAINT teams_boss_fkey REFERENCES users);
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO users (email) VALUES ('a'), ('a');
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
"""


@dataclass(frozen=True)
class Twins:
    """A check with a body of upgrade() that it minds, and one that it does not.

    Attributes:
        line: of the statement, counted from the first line of the body.
    """

    check: str
    severity: str
    bad: str
    good: str
    says: str
    line: int | None = 0


TWINS = [
    Twins(
        "swallowed-error",
        "warning",
        """
        connection = op.get_bind()
        savepoint = connection.begin_nested()
        try:
            op.create_table("teams", sa.Column("id", sa.Integer))
        except sa.exc.ProgrammingError:
            savepoint.rollback()
        """,
        """
        if not sa.inspect(op.get_bind()).has_table("teams"):
            op.create_table("teams", sa.Column("id", sa.Integer))
        """,
        'SQLSTATE 42P07 (duplicate_table): relation "teams" already exists',
        line=3,
    ),
    Twins(
        "swallowed-error",
        "warning",
        """
        raw = op.get_bind().connection.cursor()
        raw.execute("SAVEPOINT here")
        try:
            raw.execute("CREATE TABLE teams (id int)")
        except Exception:
            raw.execute("ROLLBACK TO here")
        """,
        """
        raw = op.get_bind().connection.cursor()
        raw.execute("CREATE TABLE IF NOT EXISTS teams (id int)")
        """,
        "The command went on after SQLSTATE 42P07",
        line=None,
    ),
    Twins(
        "invalid-index",
        "error",
        """
        with op.get_context().autocommit_block():
            try:
                op.create_index("ix_email", "users", ["email"], unique=True, postgresql_concurrently=True)
            except sa.exc.IntegrityError:
                pass
        """,
        """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_email")
            op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
        """,
        "leaves the index public.ix_email invalid",
        line=2,
    ),
    Twins(
        "invalid-index",
        "warning",
        'op.execute("CREATE INDEX ix_at ON ONLY parts (at)")',
        'op.execute("CREATE INDEX ix_at ON parts (at)")',
        "public.ix_at of a partitioned table stays invalid",
    ),
    Twins(
        "duplicate-foreign-key",
        "warning",
        'op.create_foreign_key("fk_teams_boss_users", "teams", "users", ["boss"], ["id"])',
        'op.create_foreign_key("fk_users_boss_users", "users", "users", ["boss"], ["id"])',
        "public.teams has the same foreign key 2 times: teams_boss_fkey, fk_teams_boss_users",
    ),
    Twins(
        "not-valid-constraint",
        "note",
        'op.execute("ALTER TABLE teams ADD CONSTRAINT small CHECK (id < 9) NOT VALID")',
        """
        op.execute("ALTER TABLE teams ADD CONSTRAINT small CHECK (id < 9) NOT VALID")
        op.execute("ALTER TABLE teams VALIDATE CONSTRAINT small")
        """,
        "public.teams.small is NOT VALID",
    ),
]


@pytest.mark.parametrize("twins", TWINS, ids=lambda each: f"{each.check}-{each.severity}-{each.line}")
def test_the_bad_project_is_told_and_its_good_twin_is_not(
    twins: Twins, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    production.execute(STAMPED)
    dump = production.folder / "full.sql"
    dump.write_bytes(production.pg_dump())

    runs = [
        rehearse(write_project(tmp_path / name, {"0001": "", "0002": body}), dump, "--include-data", "users")
        for name, body in (("bad", twins.bad), ("good", twins.good))
    ]

    bad, good = ([each for each in run.report["findings"] if each["check"] == twins.check] for run in runs)
    assert [each["severity"] for each in bad] == [twins.severity], runs[0].stdout
    assert twins.says in bad[0]["message"]
    place = bad[0]["location"]
    assert (place["line"] - BODY if place else None) == twins.line
    assert good == []
    assert [run.status for run in runs] == [1 if twins.severity == "error" else 0, 0]


def test_what_was_there_before_is_not_the_upgrades(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(STAMPED + "ALTER TABLE teams ADD CONSTRAINT old CHECK (id > 0) NOT VALID")

    run = rehearse(write_project(tmp_path / "p", {"0001": "", "0002": 'op.create_table("t")'}), production.dump())

    assert run.report["findings"] == []


def test_an_id_that_stands_in_two_files_blocks(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """`upgrade heads` ends with 0, one of the two never runs, and the version table looks right."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "p", {"0001": "", "0002": 'op.create_table("t")'})
    versions = project / "migrations" / "versions"
    (versions / "other.py").write_text((versions / "0002.py").read_text().replace('"t"', '"u"'))

    run = rehearse(project, production.dump(), "--target", "heads")

    assert run.status == 1, run.stdout
    assert [(each["check"], each["revision"]) for each in run.errors] == [("revision-twice", "0002")]


OTHER = "CREATE TABLE tokens (id int PRIMARY KEY, value text)"


@pytest.mark.parametrize(
    ("there", "divergence", "severity", "says"),
    [
        (OTHER, "auto", "error", "of another shape"),
        (OTHER, "off", "warning", "of another shape"),
        ("CREATE TABLE tokens (id serial PRIMARY KEY, value varchar(40))", "auto", "note", "as the revisions make it"),
        ("SELECT 1", "auto", "", ""),
    ],
)
def test_what_if_not_exists_passes_over_is_compared(
    there: str, divergence: str, severity: str, says: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """The history is built from base when the server says that it skipped something; it is told once."""
    production.execute(STAMPED + there)
    body = """
    op.execute("CREATE TABLE IF NOT EXISTS tokens (id serial PRIMARY KEY, value varchar(40))")
    """
    first = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
    project = write_project(tmp_path / "p", {"0001": first, "0002": body})

    run = rehearse(project, production.dump(), "--divergence", divergence, from_base=True)

    assert run.status == (1 if severity == "error" else 0), run.stdout + run.stderr
    found = [each for each in run.report["findings"] if each["check"] == "skipped-silently"]
    assert [each["severity"] for each in found] == ([severity] if severity else [])
    for each in found:
        assert says in each["message"]
        assert each["location"]["line"] == BODY
    assert [each for each in run.errors if each["check"] == "divergence"] == []
    if severity in ("warning", "error"):
        assert (
            "column public.tokens.value: type text in production, character varying(40) wanted" in found[0]["evidence"]
        )

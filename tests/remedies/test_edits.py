"""How a revision is edited: what a guard looks like, and that everything else stays as it is written."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from alembic_rehearsal.remedies import _guards, _literals
from alembic_rehearsal.remedies._rewrite import Names, rewritten
from alembic_rehearsal.remedies._spot import NotGuardableError, Tree

FLAGS = frozenset({"create_table.if_not_exists", "add_column.if_not_exists", "drop_index.if_exists"})
HEAD = '"""A revision."""\nfrom alembic import op\nimport sqlalchemy as sa\n\n\ndef upgrade():\n'


def edited(body: str, line: int, *, flags: frozenset[str] = FLAGS, head: str = HEAD) -> str:
    """Return the body of upgrade() with the operation at *line* of it guarded."""
    text = head + indent(dedent(body).strip("\n") + "\n", "    ")
    tree = Tree(text)
    names = Names(tree.module)
    spot = tree.spot(head.count("\n") + line, "", ())
    statement = _guards.guarded(spot, spot.call, module=tree.module, flags=flags, names=names)
    whole = rewritten(tree.module, {spot.statement: [statement]}, names)
    return dedent(whole.partition("def upgrade():\n")[2])


def test_a_keyword_goes_behind_the_last_argument_on_a_line_of_its_own() -> None:
    """Comments stay with their arguments, and the bracket where it is."""
    body = """
    # the sessions
    op.create_table(
        "t",
        sa.Column("id", sa.Integer),  # a number
        sa.Column("x", sa.Text),  # free text
    )
    """

    assert edited(body, 2) == dedent("""\
        # the sessions
        op.create_table(
            "t",
            sa.Column("id", sa.Integer),  # a number
            sa.Column("x", sa.Text),  # free text
            if_not_exists=True,
        )
        """)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("op.create_table('t')", "op.create_table('t', if_not_exists=True)"),
        ("op.create_table('t',)", "op.create_table('t', if_not_exists=True,)"),
        (
            "op.create_table(\n    't',\n    sa.Column('id')\n)",
            "op.create_table(\n    't',\n    sa.Column('id'),\n    if_not_exists=True\n)",
        ),
        (
            "op.create_table('t',\n    sa.Column('id'),\n    sa.Column('x')\n    )",
            "op.create_table('t',\n    sa.Column('id'),\n    sa.Column('x'),\n    if_not_exists=True\n    )",
        ),
        ("op.drop_index('ix', table_name='t')", "op.drop_index('ix', table_name='t', if_exists=True)"),
    ],
)
def test_other_layouts_keep_theirs(body: str, expected: str) -> None:
    assert edited(body, 1) == expected + "\n"


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("op.create_table('t')", "if 't' not in sa.inspect(op.get_bind()).get_table_names():"),
        (
            "op.create_table('t', schema='s')",
            "if 't' not in sa.inspect(op.get_bind()).get_table_names(schema='s'):",
        ),
        ("op.drop_table('t')", "if 't' in sa.inspect(op.get_bind()).get_table_names():"),
        (
            "op.add_column('t', sa.Column('c', sa.Text))",
            "if 'c' not in [each['name'] for each in sa.inspect(op.get_bind()).get_columns('t')]:",
        ),
        (
            "op.drop_column(table_name='t', column_name='c')",
            "if 'c' in [each['name'] for each in sa.inspect(op.get_bind()).get_columns('t')]:",
        ),
        (
            "op.create_primary_key('pk', 't', ['id'])",
            "if not sa.inspect(op.get_bind()).get_pk_constraint('t')['constrained_columns']:",
        ),
        (
            "op.create_unique_constraint(op.f('uq'), 't', ['a'])",
            "if op.f('uq') not in [each['name'] for each in sa.inspect(op.get_bind()).get_unique_constraints('t')]:",
        ),
        (
            "op.drop_constraint('fk', 't', type_='foreignkey')",
            "if 'fk' in [each['name'] for each in sa.inspect(op.get_bind()).get_foreign_keys('t')]:",
        ),
    ],
)
def test_without_a_flag_the_operation_asks_first(body: str, condition: str) -> None:
    """In the quotes that the file uses."""
    assert edited(body, 1, flags=frozenset()) == f"{condition}\n    {body}\n"


def test_a_long_question_is_broken() -> None:
    shown = edited("op.create_check_constraint('ck_of_a_rather_long_name', 't', 'a > 0')", 1, flags=frozenset())

    asked = "    each['name'] for each in sa.inspect(op.get_bind()).get_check_constraints('t')"
    assert shown.splitlines()[:3] == ["if 'ck_of_a_rather_long_name' not in [", asked, "]:"]


def test_an_import_that_is_missing_is_added() -> None:
    head = "from alembic import op\n\n\ndef upgrade():\n"
    text = head + "    op.drop_table('t')\n"
    tree = Tree(text)
    names = Names(tree.module)
    spot = tree.spot(5, "", ())

    statement = _guards.guarded(spot, spot.call, module=tree.module, flags=frozenset(), names=names)

    assert "import sqlalchemy as sa\n" in rewritten(tree.module, {spot.statement: [statement]}, names)


@pytest.mark.parametrize(
    ("sql", "subject", "kind", "expected"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY ix ON t (a)", "ix", "duplicate", "CONCURRENTLY IF NOT EXISTS ix ON"),
        ("create table s.t (id int)", "t", "duplicate", "create table IF NOT EXISTS s.t (id int)"),
        ('CREATE TABLE "T" (id int)', "T", "duplicate", 'CREATE TABLE IF NOT EXISTS "T" (id int)'),
        ("CREATE EXTENSION citext", "citext", "duplicate", "CREATE EXTENSION IF NOT EXISTS citext"),
        ("ALTER TABLE t ADD a int, ADD b int", "b", "duplicate", "ADD a int, ADD IF NOT EXISTS b int"),
        ("DROP INDEX ix", "ix", "undefined", "DROP INDEX IF EXISTS ix"),
        ("ALTER TABLE t DROP CONSTRAINT ck", "ck", "undefined", "DROP CONSTRAINT IF EXISTS ck"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS '1'", "f", "duplicate", "CREATE OR REPLACE FUNCTION f()"),
    ],
)
def test_if_exists_goes_into_the_sql(sql: str, subject: str, kind: str, expected: str) -> None:
    quote = "'''" if '"' in sql else '"'
    tree = Tree(HEAD + f"    op.execute({quote}{sql}{quote})\n")
    spot = tree.spot(HEAD.count("\n") + 1, "", ())

    found = _literals.guarded(spot, subject, kind, module=tree.module, names=Names(tree.module))

    assert expected in tree.code(found)


def test_sql_that_is_not_written_there_is_left_alone() -> None:
    tree = Tree(HEAD + "    op.execute(SQL)\n")

    with pytest.raises(NotGuardableError):
        _literals.guarded(tree.spot(7, "", ()), "t", "duplicate", module=tree.module, names=Names(tree.module))


@pytest.mark.parametrize("body", ["helper()", "op.f('a'); op.f('b')", "x = 1"])
def test_what_is_no_operation_is_refused(body: str) -> None:
    with pytest.raises(NotGuardableError):
        edited(body, 1)

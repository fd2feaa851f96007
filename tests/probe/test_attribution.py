"""Each statement is put down to the line that caused it, whatever lies between that line and the driver."""

from __future__ import annotations

from pathlib import Path

from alembic_rehearsal.model import Endpoint
from harness import Project, Run, alembic, run

BODY = """\
op.execute("create table a (n int)")
def inner():
    op.execute("create table b (n int)")
def outer():
    inner()
op.execute("create table c (n int)")
outer()
op.create_table("d", sa.Column("n", sa.Integer))
op.get_bind().exec_driver_sql("create table e (n int)")
for name in ("f", "g"):
    op.execute(f"create table {name} (n int)")
sorted([1], key=lambda _: op.execute("create table h (n int)") or 0)
inner_again = lambda: op.execute("create table i (n int)")
inner_again()
"""
FIRST = 10  # the line of BODY's first in the file


def places(done: Run, revision: str) -> list[tuple[str, int, str]]:
    """Return table, line in BODY and function of each statement that makes one."""
    made = [each for each in done.of("statement") if each["revision"] == revision and "table" in each["sql"].lower()]
    return [(each["sql"].split()[2], each["line"] - FIRST + 1, each["function"]) for each in made]


def test_the_line_is_the_innermost_one_of_the_revision(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """Helpers, loops and callbacks inside a revision are told apart, however far each is from the driver."""
    root = project(BODY, "op.execute('drop table a')\nop.drop_table('d')")

    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)

    assert done.status == 0, done.output
    assert places(done, "r1") == [
        ("a", 1, "upgrade"),
        ("c", 6, "upgrade"),
        ("b", 3, "inner"),
        ("d", 8, "upgrade"),
        ("e", 9, "upgrade"),
        ("f", 11, "upgrade"),
        ("g", 11, "upgrade"),
        ("h", 12, "<lambda>"),
        ("i", 13, "<lambda>"),
    ]
    assert [line for _, line, _ in places(done, "r2")] == [1, 2]


def test_what_alembic_does_between_revisions_is_put_down_to_env_py(
    project: Project, endpoint: Endpoint, exchange: Path
) -> None:
    """The version rows have the line that begins the run; a callback there answers for itself."""
    root = project("op.execute('create table a ()')", "op.execute('create table b ()')")
    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)
    rows = [each for each in done.of("statement") if "alembic_version SET" in each["sql"] or "INSERT" in each["sql"]]
    lines = (root / "migrations" / "env.py").read_text().splitlines()
    assert len(rows) == 2
    assert {(Path(each["path"]).name, each["revision"]) for each in rows} == {("env.py", "")}
    assert {lines[each["line"] - 1].strip() for each in rows} == {"context.run_migrations()"}


def test_a_callback_answers_for_itself(project: Project, endpoint: Endpoint, exchange: Path) -> None:
    """What `on_version_apply` executes has the callback's own line."""
    root = project(
        "op.execute('create table a ()')",
        top="def applied(*, ctx, **_):\n    ctx.connection.exec_driver_sql('select 42')",
        configure=", on_version_apply=applied",
    )
    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)
    assert done.status == 0, done.output
    assert [each["function"] for each in done.of("statement") if each["sql"] == "select 42"] == ["applied"]

"""Faults of the revision graph: each is one finding with file and line, whatever exception Alembic ends with."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fix_projects import Production, Tool, revision, run_tool, write_project

STAMPED = """
CREATE TABLE users (id int);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('a');
"""
LONG = "b" * 33
# Lines of the file that `revision` writes.
ID, DOWN = 7, 8


@dataclass(frozen=True)
class Fault:
    """A broken graph.

    Attributes:
        files: name of the file -> revision and what it builds on.
        at: file and line of the finding, None for one that is about no file.
        mended: the files of the good twin.
    """

    check: str
    files: dict[str, tuple[str, str | None]]
    at: tuple[str, int] | None
    says: str
    mended: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    sql: str = ""
    mended_sql: str = ""


LINE: dict[str, tuple[str, str | None]] = {"a": ("a", None), "b": ("b", "a")}
FAULTS = [
    Fault("several-heads", {**LINE, "c": ("c", "a")}, ("c", DOWN), "2 heads, b, c", {**LINE, "c": ("c", "b")}),
    Fault("revision-cycle", {"a": ("a", None), "b": ("b", "c"), "c": ("c", "b")}, ("b", DOWN), "b, c build", LINE),
    Fault("revision-cycle", {"a": ("a", None), "b": ("b", "b")}, ("b", DOWN), "builds on itself", LINE),
    Fault("parent-missing", {"a": ("a", None), "b": ("b", "gone")}, ("b", DOWN), "b builds on gone", LINE),
    Fault("revision-twice", {**LINE, "b2": ("b", "a")}, ("b", ID), "have the id b", {**LINE, "b2": ("c", "b")}),
    Fault("stamp-unknown", {"x": ("x", None)}, None, "Production is at a", LINE),
    Fault(
        "version-rows-overlap",
        {**LINE, "c": ("c", "b")},
        None,
        "has a and b",
        {**LINE, "c": ("c", "b")},
        "INSERT INTO alembic_version VALUES ('b')",
        "UPDATE alembic_version SET version_num = 'b'",
    ),
    Fault("version-rows-overlap", LINE, None, "2 times", LINE, "INSERT INTO alembic_version VALUES ('a')"),
    Fault(
        "revision-id-too-long",
        {"a": ("a", None), "b": (LONG, "a")},
        ("b", ID),
        "has 33 characters, and production's public.alembic_version takes 32",
        {"a": ("a", None), "b": (LONG, "a")},
        mended_sql="ALTER TABLE alembic_version ALTER version_num TYPE varchar(64)",
    ),
]


def write(folder: Path, files: dict[str, tuple[str, str | None]]) -> Path:
    write_project(folder, {})
    for name, (id_, down) in files.items():
        (folder / "migrations" / "versions" / f"{name}.py").write_text(revision(id_, down, ""))
    return folder


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.check)
def test_a_fault_is_one_error_at_its_line_and_its_good_twin_has_none(
    fault: Fault, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """The traceback of Alembic's is no second finding."""
    production.execute(STAMPED + fault.sql)
    bad = rehearse(write(tmp_path / "bad", fault.files), production.dump())
    production.execute("DROP TABLE users, alembic_version;" + STAMPED + fault.mended_sql)
    good = rehearse(write(tmp_path / "good", fault.mended), production.dump())

    assert (bad.status, good.status) == (1, 0), bad.stdout + good.stdout
    assert [each["check"] for each in bad.errors] == [fault.check]
    [found] = bad.errors
    place = found["location"]
    assert fault.says in found["message"]
    assert (place and (place["path"], place["line"])) == (
        fault.at and (f"migrations/versions/{fault.at[0]}.py", fault.at[1])
    )
    assert found["fix"]
    assert good.report["findings"] == []


def test_several_heads_are_fine_where_all_are_upgraded(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    production.execute(STAMPED)
    project = write(tmp_path / "p", {**LINE, "c": ("c", "a")})

    done = rehearse(project, production.dump(), "--target", "heads")

    assert (done.status, done.report["findings"]) == (0, [])


def test_a_target_that_is_no_revision_is_not_productions_fault(
    production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """The same words of Alembic's, about another thing."""
    production.execute(STAMPED)

    done = rehearse(write(tmp_path / "p", LINE), production.dump(), "--target", "nowhere")

    assert [each["check"] for each in done.errors] == ["command-failed"]


def test_a_graph_that_env_py_reads_first_is_blocked_too(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """Before any migration begins, an exception would only say that the project did not start."""
    production.execute(STAMPED)
    project = write(tmp_path / "p", {"a": ("a", None), "b": ("b", "gone")})
    env = project / "migrations" / "env.py"
    env.write_text(
        "from alembic import context as c\nfrom alembic.script import ScriptDirectory\n"
        "ScriptDirectory.from_config(c.config).get_current_head()\n" + env.read_text()
    )

    done = rehearse(project, production.dump())

    assert (done.status, [each["check"] for each in done.errors]) == (1, ["parent-missing"])


# --- what git knows -------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def committed(tmp_path: Path, production: Production) -> Path:
    """A project a - b - c whose production is at b, committed."""
    production.execute(STAMPED + "UPDATE alembic_version SET version_num = 'b'")
    project = write(tmp_path / "app", {**LINE, "c": ("c", "b")})
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "x")
    return project


def test_a_revision_that_was_slipped_under_an_applied_one_blocks(
    committed: Path, production: Production, rehearse: Tool
) -> None:
    versions = committed / "migrations" / "versions"
    (versions / "n.py").write_text(revision("n", "a", 'op.create_table("t")'))
    (versions / "b.py").write_text(revision("b", "n", ""))

    without, done = (rehearse(committed, production.dump(), *base) for base in ((), ("--base", "main")))

    assert (without.status, without.report["findings"]) == (0, [])
    assert done.status == 1, done.stdout + done.stderr
    [found] = done.report["findings"]
    assert (found["check"], found["revision"]) == ("revision-slipped-under", "n")
    assert found["location"] == {"path": "migrations/versions/n.py", "line": DOWN, "function": ""}
    assert "b builds on n now: migrations/versions/b.py:8" in found["evidence"]
    assert 'down_revision = "c"' in found["fix"]


def test_what_is_put_above_production_or_only_moved_is_nothing(
    committed: Path, production: Production, rehearse: Tool
) -> None:
    """A new head, a pending revision with another parent, a renamed file, a comment, another layout."""
    versions = committed / "migrations" / "versions"
    (versions / "n.py").write_text(revision("n", "b", ""))
    (versions / "c.py").write_text(revision("c", "n", 'op.create_table("t")'))
    (versions / "b.py").unlink()
    (versions / "renamed.py").write_text(
        '"""Other words."""\n'
        + revision("b", "a", "")
        .replace("import sqlalchemy as sa\n", "")
        .replace("'", '"')
        .replace("def upgrade():", "def upgrade() -> None:  # why")
    )

    done = rehearse(committed, production.dump(), "--base", "main")

    assert (done.status, done.report["findings"]) == (0, []), done.stdout


@pytest.mark.parametrize(("name", "severity"), [("upgrade", "warning"), ("downgrade", "note")])
def test_an_edited_revision_that_production_has_applied_is_told(
    name: str, severity: str, committed: Path, production: Production, rehearse: Tool
) -> None:
    file = committed / "migrations" / "versions" / "a.py"
    file.write_text(file.read_text().replace(f"def {name}():\n    pass", f"def {name}():\n    op.execute('SELECT 1')"))

    done = rehearse(committed, production.dump(), "--base", "main")

    assert done.status == 0, done.stdout
    [found] = done.report["findings"]
    assert (found["check"], found["severity"]) == ("applied-revision-edited", severity)
    assert f"Revision a, which production has applied, was changed in {name}()" in found["message"]
    assert found["location"] == {"path": "migrations/versions/a.py", "line": ID, "function": ""}


def test_revisions_that_were_joined_into_one_are_a_warning(
    committed: Path, production: Production, rehearse: Tool
) -> None:
    """Two became one below c: production has what they did, most likely."""
    production.execute("UPDATE alembic_version SET version_num = 'c'")
    versions = committed / "migrations" / "versions"
    for name in "ab":
        (versions / f"{name}.py").unlink()
    (versions / "s.py").write_text(revision("s", None, ""))
    (versions / "c.py").write_text(revision("c", "s", ""))

    done = rehearse(committed, production.dump(), "--base", "main")

    assert [(each["check"], each["severity"]) for each in done.report["findings"]] == [
        ("revision-slipped-under", "warning")
    ]


def test_the_branchs_own_changes_are_looked_at_not_those_of_the_base(
    committed: Path, production: Production, rehearse: Tool
) -> None:
    """The base went on without this branch."""
    git(committed, "checkout", "-q", "-b", "feature")
    git(committed, "checkout", "-q", "main")
    file = committed / "migrations" / "versions" / "a.py"
    file.write_text(file.read_text().replace("pass", "op.execute('SELECT 1')", 1))
    git(committed, "commit", "-q", "-a", "-m", "y")
    git(committed, "checkout", "-q", "feature")

    done = rehearse(committed, production.dump(), "--base", "main")

    assert done.report["findings"] == []


def test_a_base_that_is_not_there_is_wrong_usage(committed: Path, production: Production, tmp_path: Path) -> None:
    """A shallow checkout is the usual reason, so its remedy is said; nothing was started."""
    dump = production.dump()
    unknown = run_tool("run", "--dump", str(dump), "--base", "origin/nowhere", cwd=committed)
    outside = run_tool("run", "--dump", str(dump), "--base", "main", cwd=write(tmp_path / "elsewhere", LINE))
    option = run_tool("run", "--dump", str(dump), "--base=--output=/tmp/x", cwd=committed)

    assert [each.status for each in (unknown, outside, option)] == [2, 2, 2]
    assert "--base origin/nowhere: git has no such commit here" in unknown.stderr
    assert "fetch-depth: 0" in unknown.stderr
    assert "is in no git repository" in outside.stderr


def test_a_repository_of_another_account_is_said_to_be_one(committed: Path, production: Production) -> None:
    """Git calls it dubious and reads nothing; it is no lack of a repository, and git's own remedy is said."""
    # Of git's own tests: every repository counts as another account's.
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    trusted = {**env, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    argv = ("run", "--dump", str(production.dump()), "--base", "main")

    refused, done = (run_tool(*argv, cwd=committed, env=each) for each in (env, trusted))

    assert (refused.status, done.status) == (2, 0), refused.stderr + done.stderr
    assert "it belongs to another account" in refused.stderr
    assert f"git config --global --add safe.directory {committed}" in refused.stderr

"""`alembic-rehearsal fix`: the seed incident in its three forms, and what it does with the project's files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fix_projects import Production, Tool, run_tool, write_project

VERSION = """
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('z51');
CREATE TABLE users (id serial PRIMARY KEY, email varchar(255));
"""
Z51 = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.String(255)))'
Z52 = """
op.create_table(
    "sso_sessions",
    sa.Column("id", sa.Integer, nullable=False),
    sa.Column("user_id", sa.Integer, nullable=False),
    sa.Column("session_token", sa.String(length=512), nullable=False),  # opaque
    sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("id"),
    sa.UniqueConstraint("session_token"),
)
"""
Z53 = 'op.add_column("sso_sessions", sa.Column("ip_address", sa.String(45)))'
EQUAL = """
CREATE TABLE sso_sessions (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
                           session_token varchar(512) NOT NULL UNIQUE);
"""
DIFFERENT = "CREATE TABLE sso_sessions (id serial PRIMARY KEY, session_token text NOT NULL UNIQUE);"
# What the revision makes besides, and nobody made by hand.
MORE = 'op.add_column("users", sa.Column("sso", sa.Boolean))'
REVISIONS = {"z51": Z51, "z52": Z52 + MORE}


def fix(project: Path, dump: Path, *flags: str) -> tuple[int, str]:
    """Run the command and return its status and what it printed."""
    done = run_tool("fix", "--dump", str(dump), *flags, cwd=project)
    return done.status, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sql", "comparison", "kind"),
    [(EQUAL, "as the revision wants it", "guard"), (DIFFERENT, "is different", "reconcile")],
    ids=["made by hand, equal", "made by hand, a column missing and another type"],
)
def test_a_table_made_by_hand(
    sql: str, comparison: str, kind: str, production: Production, rehearse: Tool, tmp_path: Path
) -> None:
    """After the fix the rehearsal passes, on the same dump."""
    production.execute(VERSION + sql)
    project, dump = write_project(tmp_path / "p", {**REVISIONS, "z53": Z53}), production.dump()
    found = rehearse(project, dump, from_base=True).errors[0]

    status, said = fix(project, dump, "--yes")

    assert (found["cause"]["id"], found["remedies"][0]["kind"]) == ("made-outside", kind)
    assert comparison in found["cause"]["comparison"][0]
    assert status == 0, said
    assert found["remedies"][0]["diff"] in said
    assert "# opaque" in (project / "migrations" / "versions" / "z52.py").read_text()
    assert rehearse(project, dump).status == 0


def test_a_table_of_a_later_revision(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """There is nothing to write: after the stamp that is shown, on production, the rehearsal passes."""
    production.execute(
        VERSION + EQUAL + "ALTER TABLE sso_sessions ADD ip_address varchar(45); ALTER TABLE users ADD sso bool"
    )
    revisions = {**REVISIONS, "z53": Z53, "z54": 'op.create_table("more", sa.Column("id", sa.Integer))'}
    project = write_project(tmp_path / "p", revisions)
    before = {path: path.read_bytes() for path in project.rglob("*.py")}

    status, said = fix(project, production.dump(), "--yes")

    assert status == 1
    assert "The version row is behind" in said
    assert said.rstrip().endswith("alembic stamp z53")
    assert {path: path.read_bytes() for path in before} == before
    production.execute("UPDATE alembic_version SET version_num = 'z53'")
    assert rehearse(project, production.dump()).status == 0


def test_bytes_that_it_does_not_change_stay(production: Production, tmp_path: Path) -> None:
    """Newlines, the encoding and the file's mode are those of the file."""
    production.execute(VERSION + EQUAL)
    project = write_project(tmp_path / "p", REVISIONS)
    file = project / "migrations" / "versions" / "z52.py"
    text = file.read_text().replace("opaque", "für später").replace("\n", "\r\n")
    file.write_bytes(f"# -*- coding: latin-1 -*-\r\n{text}".encode("latin-1"))
    file.chmod(0o640)
    before = file.read_bytes()

    status, said = fix(project, production.dump(), "--yes")

    assert status == 0, said
    after = file.read_bytes()
    assert after.replace(b"        if_not_exists=True,\r\n", b"") == before
    assert after != before
    assert file.stat().st_mode & 0o777 == 0o640


def test_nothing_is_written_without_an_answer(production: Production, tmp_path: Path) -> None:
    production.execute(VERSION + EQUAL)
    project = write_project(tmp_path / "p", REVISIONS)
    before = (project / "migrations" / "versions" / "z52.py").read_bytes()

    status, said = fix(project, production.dump())

    assert status == 1
    assert "Nothing was written" in said
    assert (project / "migrations" / "versions" / "z52.py").read_bytes() == before


def test_it_asks_first(production: Production, tmp_path: Path) -> None:
    """At a terminal; the diff stands above the question."""
    production.execute(VERSION + EQUAL)
    project, dump = write_project(tmp_path / "p", REVISIONS), production.dump()
    terminal, theirs = os.openpty()
    os.write(terminal, b"y\n")

    done = subprocess.run(
        [sys.executable, "-m", "alembic_rehearsal", "fix", "--dump", str(dump)],
        cwd=project,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    os.close(terminal)
    os.close(theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "if_not_exists=True," in done.stdout.partition("Apply it?")[0]
    assert "if_not_exists=True," in (project / "migrations" / "versions" / "z52.py").read_text()


def test_a_file_with_uncommitted_changes_is_refused(production: Production, tmp_path: Path) -> None:
    """Once they are committed it is written."""
    production.execute(VERSION + EQUAL)
    project, dump = write_project(tmp_path / "p", REVISIONS), production.dump()

    def git(*arguments: str) -> None:
        names = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["git", *arguments], cwd=project, check=True, env={**os.environ, **names}, capture_output=True)

    git("init")
    git("add", ".")
    refused = fix(project, dump, "--yes")
    git("commit", "-m", "all")
    written = fix(project, dump, "--yes")

    assert refused[0] == 2
    assert re.search(r"z52\.py has changes that are not committed", refused[1])
    assert written[0] == 0, written[1]


def test_a_project_that_passes_needs_no_fix(production: Production, tmp_path: Path) -> None:
    production.execute(VERSION)
    project = write_project(tmp_path / "p", REVISIONS)

    status, said = fix(project, production.dump(), "--yes")

    assert status == 1
    assert "PASS" in said


def test_alembic_1_4_asks_before_it_acts(production: Production, tmp_path: Path) -> None:
    """It has no IF NOT EXISTS, and its SQLAlchemy's inspector no has_table()."""
    uv, python38 = shutil.which("uv"), _python38()
    if uv is None or python38 is None:
        pytest.skip("no uv or no Python 3.8")
    python = tmp_path / "venv" / "bin" / "python"
    packages = ("sqlalchemy==1.3.24", "alembic==1.4.3", "psycopg2-binary")
    subprocess.run([uv, "venv", "-q", "--no-project", "--python", python38, str(tmp_path / "venv")], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)
    production.execute(VERSION + DIFFERENT + "ALTER TABLE users ADD by_hand int, ADD phone text;")
    project = write_project(tmp_path / "p", {**REVISIONS, "z53": 'op.add_column("users", sa.Column("phone", sa.Text))'})

    status, said = fix(project, production.dump(), "--yes", "--python", str(python))

    assert status == 0, said
    shown = {line[1:].strip() for line in said.splitlines() if line.startswith("+")}
    assert 'if "sso_sessions" not in sa.inspect(op.get_bind()).get_table_names():' in shown
    columns = 'sa.inspect(op.get_bind()).get_columns("users")'
    assert f'if "phone" not in [each["name"] for each in {columns}]:' in shown
    assert run_tool("run", "--dump", str(production.dump()), "--python", str(python), cwd=project).status == 0


def test_several_heads_are_joined(production: Production, rehearse: Tool, tmp_path: Path) -> None:
    """The new revision passes its trial on production, at the branches' common ancestor, and from base."""
    production.execute(VERSION)
    project, dump = write_project(tmp_path / "p", REVISIONS), production.dump()
    versions = project / "migrations" / "versions"
    branch = (versions / "z52.py").read_text().replace("z52", "y52").replace("sso", "other")
    (versions / "y52.py").write_text(branch)
    found = rehearse(project, dump, from_base=True).errors[0]

    status, said = fix(project, dump, "--yes")

    assert [(each["kind"], each["trial"]["outcome"]) for each in found["remedies"]] == [("merge", "passed")], found
    assert status == 0, said
    assert len(list(versions.glob("*_merge.py"))) == 1
    assert rehearse(project, dump).status == 0


def _python38() -> str | None:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next((str(path) for path in root.glob("versions/3.8.*/bin/python")), None)

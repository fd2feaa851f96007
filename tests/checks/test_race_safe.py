"""What keeps upgrades apart, and where a project shows that its instances migrate when they start."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_again import STAMPED, TEAMS, of, rehearsed

from alembic_rehearsal.again import starting
from alembic_rehearsal.checks._lock import RECIPE
from fix_projects import Production, run_tool, write_project


def code(recipe: str) -> list[str]:
    """Return the indented blocks of the recipe."""
    blocks: list[list[str]] = [[]]
    for line in recipe.splitlines():
        if line.startswith("    "):
            blocks[-1].append(line[4:])
        elif line.strip() and blocks[-1]:
            blocks.append([])
        elif blocks[-1]:
            blocks[-1].append("")
    return ["\n".join(block) for block in blocks if block]


HEAD = """\
from alembic import context
from sqlalchemy import engine_from_config, pool
"""
TAIL = """
config = context.config
section = config.get_section(config.config_ini_section)
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection{configure})
"""


def locked(configure: str = "") -> str:
    helper, around = code(RECIPE)
    body = "".join(f"    {line}\n" for line in around.splitlines())
    return HEAD + helper + "\n" + TAIL.format(configure=configure) + body


CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_email")
    op.create_index("ix_email", "users", ["email"], postgresql_concurrently=True)
"""
SEVERAL = {
    "0002": TEAMS,
    "0003": CONCURRENTLY,
    "0004": "op.execute(\"CREATE TYPE mood AS ENUM ('sad')\")",
}


@pytest.mark.parametrize("configure", ["", ", transaction_per_migration=True"])
def test_the_recipe_lets_one_upgrade_run_at_a_time(configure: str, production: Production, tmp_path: Path) -> None:
    """Pasted into env.py as it stands, it holds over commits in between, and beside CREATE INDEX CONCURRENTLY."""
    project = write_project(tmp_path / "p", {"0001": "", **SEVERAL}, env=locked(configure))

    run = rehearsed(project, production, "--idempotence", "race-safe", "--severity", "not-repeatable=off")

    assert run.status == 0, run.stdout + run.stderr
    assert run.report["findings"] == []
    assert "several upgrades at once" not in " ".join(run.report["not_tested"])


def test_the_docs_show_the_recipe() -> None:
    """docs/usage.md has the code that the finding has, and so does the check's good example."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "usage.md").read_text()
    example = (root / "examples" / "checks" / "not-race-safe" / "good" / "env.py").read_text()

    assert all(f"```python\n{block.strip()}\n```" in page for block in code(RECIPE))
    assert code(RECIPE)[0].partition("@contextmanager\n")[2].strip() in example


WAITS = """\
        import sqlalchemy as sa
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7)"))
        context.run_migrations()
"""
LOCKS_THE_TABLE = """\
        import sqlalchemy as sa
        connection.execute(sa.text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        context.run_migrations()
"""


@pytest.mark.parametrize(
    ("inside", "configure", "safe"),
    [
        (WAITS, "", True),
        (LOCKS_THE_TABLE, "", True),
        # The lock goes with the first of several transactions.
        (WAITS, ", transaction_per_migration=True", False),
    ],
)
def test_a_lock_that_waits_is_no_failure_and_one_that_ends_early_is_seen(
    inside: str, configure: str, safe: bool, production: Production, tmp_path: Path
) -> None:
    around = "    with context.begin_transaction():\n"
    env = HEAD + TAIL.format(configure=configure) + around + inside
    revisions = {"0001": "", "0002": TEAMS, "0003": 'op.create_table("more", sa.Column("id", sa.Integer))'}
    project = write_project(tmp_path / "p", revisions, env=env)

    run = rehearsed(project, production, "--severity", "not-repeatable=off")

    assert run.status == 0, run.stdout + run.stderr
    assert bool(of(run, "not-race-safe")) is not safe, run.stdout


FILES = [
    ({"Dockerfile": "FROM x\nRUN alembic upgrade head\nCMD alembic upgrade head && uvicorn app:app\n"}, "Dockerfile:3"),
    ({"Dockerfile": 'FROM x\nCMD ["sh", "-c", "alembic upgrade head; exec gunicorn app"]\n'}, "Dockerfile:2"),
    (
        {
            "Dockerfile": 'FROM x\nCOPY docker /docker\nENTRYPOINT ["/docker/start.sh"]\nCMD ["uvicorn"]\n',
            "docker/start.sh": '#!/bin/sh\n# alembic upgrade head\nset -e\n\nalembic upgrade head\nexec "$@"\n',
        },
        "docker/start.sh:5",
    ),
    ({"Procfile": "web: flask db upgrade && gunicorn app\n"}, "Procfile:1"),
    (
        {
            "render.yaml": "services:\n  - type: web\n    name: a\n    startCommand: |\n"
            "      alembic upgrade head\n      uvicorn app:app\n"
        },
        "render.yaml:5",
    ),
    (
        {"compose.yml": "services:\n  web:\n    command:\n    - sh\n    - -c\n    - alembic upgrade head && x\n"},
        "compose.yml:6",
    ),
    # What runs once.
    ({"Procfile": "release: alembic upgrade head\nweb: gunicorn app\n"}, ""),
    ({"render.yaml": "services:\n  - name: a\n    preDeployCommand: alembic upgrade head\n    startCommand: x\n"}, ""),
    ({"docker-compose.yml": "services:\n  migrate:\n    command: alembic upgrade head\n  web:\n    command: x\n"}, ""),
    ({"Dockerfile": 'FROM x\nCMD ["alembic", "upgrade", "head"]\n'}, ""),
    ({"Dockerfile": "FROM x\n# CMD alembic upgrade head && x\nRUN alembic upgrade head && true\nCMD x\n"}, ""),
    ({"Dockerfile": "FROM x\nCMD alembic upgrade head && x\nCMD uvicorn app:app\n"}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("files", "place"), FILES)
def test_start_commands_that_migrate_are_found(files: dict[str, str], place: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    found = [f"{each.location.path}:{each.location.line}" for each in starting.found(tmp_path)]

    assert found == ([place] if place else [])


def test_a_command_of_the_projects_own_is_looked_for_too(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: python -m app.migrate && gunicorn app\n")

    assert not starting.found(tmp_path)
    assert [each.what for each in starting.found(tmp_path, "python -m app.migrate")] == ["web"]


def test_a_race_blocks_where_instances_migrate_when_they_start(production: Production, tmp_path: Path) -> None:
    project = write_project(tmp_path / "p", {"0001": "", "0002": TEAMS})
    (project / "Dockerfile").write_text("FROM x\nCMD alembic upgrade head && uvicorn app:app\n")

    run = rehearsed(project, production)

    [found] = of(run, "not-race-safe")
    assert (run.status, found["severity"]) == (1, "error")
    assert "Dockerfile:2 migrates when an instance starts: CMD " in " ".join(found["evidence"])


def test_roles_that_a_revision_makes_are_no_obstacle(production: Production, tmp_path: Path) -> None:
    """Roles belong to the server: each copy finds those, and only those, that the database it is a copy of had."""
    role = f"reporting_{tmp_path.name[-12:]}".lower()
    body = f"op.execute('CREATE ROLE {role}')\nop.execute('GRANT SELECT ON users TO {role}')"
    project = write_project(tmp_path / "p", {"0001": "", "0002": body}, env=locked())
    production.execute(STAMPED)
    dump = production.dump()
    with dump.open("a") as file:
        file.write("ALTER ROLE app_production CREATEROLE;\n")

    run = run_tool(
        "run", "--dump", str(dump), "--format", "json", "--severity", "not-repeatable=off", cwd=project, timeout_s=120
    )

    assert (run.status, run.report["findings"]) == (0, []), run.stdout + run.stderr


def test_a_database_that_was_never_migrated_is_raced_for_its_version_table(
    production: Production, tmp_path: Path
) -> None:
    """The first one makes the table, the others meet it; the recipe's lock comes before that."""
    production.execute("CREATE TABLE users (id int)")
    dump = production.folder / "bare.sql"
    dump.write_bytes(production.pg_dump("--schema-only"))
    flags = ("run", "--dump", str(dump), "--format", "json", "--at", "base", "--severity", "not-repeatable=off")

    bad = run_tool(*flags, cwd=write_project(tmp_path / "bad", {"0001": TEAMS}))
    good = run_tool(*flags, cwd=write_project(tmp_path / "good", {"0001": TEAMS}, env=locked()))

    assert of(bad, "not-race-safe"), bad.stdout
    assert (good.status, good.report["findings"]) == (0, []), good.stdout

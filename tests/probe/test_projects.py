"""Wherever env.py takes its URL from, and whatever a revision opens, it works on the throw-away database."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_rehearsal.connect import connected
from alembic_rehearsal.model import Endpoint
from harness import Production, Project, alembic, run

ENGINES = {
    "alembic.ini": ("", "__import__('sqlalchemy').engine_from_config(context.config.get_section('alembic'))"),
    "env.py": ("", "create_engine('{url}', poolclass=pool.NullPool)"),
    ".env": (
        "import pathlib; settings = dict(l.split('=', 1) for l in pathlib.Path('.env').read_text().splitlines())",
        "create_engine(settings['DB'], connect_args={'sslmode': 'verify-full', 'connect_timeout': 5})",
    ),
    "an -x argument": ("", "create_engine(context.get_x_argument(as_dictionary=True)['url'])"),
    "a creator": (
        "import psycopg2",
        "create_engine('postgresql+psycopg2://', creator=lambda: psycopg2.connect('{url}'))",
    ),
    "a pool made at import": (
        "import psycopg2.pool; made = psycopg2.pool.SimpleConnectionPool(1, 1, '{dsn}')",
        "create_engine('postgresql+psycopg2://', creator=made.getconn)",
    ),
    "a token for each connection": (
        "import sqlalchemy as sa",
        "sa.create_engine('{url}'); sa.event.listen(engine, 'do_connect', lambda *a: 1 / 0)",
    ),
}


@pytest.mark.parametrize("case", ENGINES)
def test_the_url_may_come_from_anywhere(
    case: str, project: Project, endpoint: Endpoint, exchange: Path, production: Production
) -> None:
    """The table is made in the rehearsal's database; production sees nothing."""
    top, engine = ENGINES[case]
    url = production.url.replace("postgresql:", "postgresql+psycopg2:")
    creates = "creator" in case or "pool" in case
    root = project(
        "op.create_table('made', sa.Column('id', sa.Integer))",
        url=production.url if creates else url,
        engine=engine,
        top=top.replace("{dsn}", production.url),
    )
    (root / ".env").write_text(f"DB={url}\n")

    done = run(alembic("-x", f"url={url}", "upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)

    assert done.status == 0, done.output
    connect = done.one("connect")
    assert (connect["outcome"], connect["wanted"]["port"]) == ("redirected", str(production.port))
    assert connect["wanted"]["user"] == "prod"
    assert Path(connect["path"]).name == "env.py"
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('made') IS NOT NULL")
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize(
    ("opens", "via"),
    [
        (
            "e = sa.create_engine('URL', poolclass=sa.pool.NullPool)\nwith e.begin() as c: c.execute(sa.text('SQL'))",
            "sqlalchemy",
        ),
        ("import psycopg2\nc = psycopg2.connect('URL'); c.cursor().execute('SQL'); c.commit()", "psycopg2"),
        ("import psycopg\nwith psycopg.connect('URL') as c: c.execute('SQL')", "psycopg"),
        ("import subprocess\nsubprocess.run(['psql', 'URL', '-c', 'SQL'], check=True)", None),
    ],
)
def test_a_revision_that_opens_its_own_connection(
    opens: str, via: str | None, project: Project, endpoint: Endpoint, exchange: Path, production: Production
) -> None:
    """It leads to the same database, and the connection is attributed to the revision's line."""
    url = production.url
    root = project("pass", opens.replace("URL", url).replace("SQL", "create table made ()"))

    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)

    assert done.status == 0, done.output
    if via:
        connect = done.of("connect")[1]
        assert (connect["via"], connect["outcome"], connect["revision"]) == (via, "redirected", "r2")
        assert (Path(connect["path"]).name, connect["line"]) == ("r2.py", 11)
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('made') IS NOT NULL")
        assert cursor.fetchone() == (True,)


def test_helpers_in_other_files_are_attributed_to_the_revision(
    project: Project, endpoint: Endpoint, exchange: Path
) -> None:
    """The line is that of the revision, not of the helper."""
    root = project("from helpers import make\nmake(\n    'a')", top="import sys; sys.path.insert(0, '.')")
    (root / "helpers.py").write_text(
        "from alembic import op\ndef make(name):\n    op.execute(f'create table {name} ()')\n"
    )

    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)

    [made] = [s for s in done.of("statement") if "create table a" in s["sql"]]
    assert (made["revision"], made["line"], made["function"]) == ("r1", 11, "upgrade")


def test_what_the_project_asks_of_a_connection_is_kept(
    project: Project, endpoint: Endpoint, exchange: Path, production: Production
) -> None:
    """Options, timeouts and the application name are the project's."""
    url = production.url.replace("postgresql:", "postgresql+psycopg2:")
    arguments = "{'options': '-csearch_path=app -cstatement_timeout=7777', 'application_name': 'theirs'}"
    body = (
        "row = op.get_bind().execute(sa.text(\"select current_setting('search_path'), "
        "current_setting('statement_timeout'), current_setting('application_name')\")).first()\n"
        "assert tuple(row) == ('app', '7777ms', 'theirs'), row"
    )
    root = project(body, engine=f"create_engine('{{url}}', connect_args={arguments})", url=url)
    with connected(endpoint) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA app")

    done = run(alembic("upgrade", "head"), cwd=root, endpoint=endpoint, directory=exchange)

    assert done.status == 0, done.output

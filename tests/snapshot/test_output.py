"""The file is what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_snapshots import ENCODED, PASSWORD, Live

from alembic_rehearsal import dump
from alembic_rehearsal.errors import UsageError
from alembic_rehearsal.snapshot import output
from fix_projects import run_tool

WRAPPINGS = {"sql": (), "sql.gz": ("gzip",), "sql.zst": ("zstd",), "sql.xz": ("xz",), "sql.bz2": ("bzip2",)}


@pytest.mark.parametrize("ending", list(WRAPPINGS))
def test_each_compression_can_be_read_again(live15: Live, tmp_path: Path, ending: str) -> None:
    """By the rehearsal's own eyes."""
    target = tmp_path / f"production.{ending}"
    live15.take(target)
    info = dump.inspect(target, workdir=tmp_path)

    assert (info.form, info.wrapping, info.dbname, info.need.major) == ("plain", WRAPPINGS[ending], "live", 15)


@pytest.mark.parametrize("name", ["production.zip", "production.sql.lz4", "missing/production.sql"])
def test_a_name_that_cant_be_kept_is_refused(tmp_path: Path, name: str) -> None:
    """Before production is asked for anything."""
    with pytest.raises(UsageError):
        output.check(tmp_path / name)


def test_the_command_writes_a_file_and_says_what_is_in_it(live15: Live, tmp_path: Path) -> None:
    """The URL may come from the environment, where no list of processes shows it."""
    done = run_tool("snapshot", "-o", "production.sql.gz", cwd=tmp_path, env={"DATABASE_URL": live15.url})

    assert (done.status, done.stdout) == (0, "")
    assert "at revision 0001" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["production.sql.gz"]
    assert PASSWORD not in done.stderr
    assert ENCODED not in done.stderr


def test_the_command_writes_to_standard_output(live15: Live, tmp_path: Path) -> None:
    """Nothing but the snapshot goes there, and only when it is whole."""
    done = run_tool("snapshot", "--url", live15.url, cwd=tmp_path)
    failed = run_tool("snapshot", "--url", live15.url.replace("/live", "/dead"), cwd=tmp_path)

    assert done.status == 0
    assert done.stdout.startswith("-- alembic-rehearsal: snapshot")
    assert done.stdout.endswith("-- alembic-rehearsal: end of snapshot\n")
    assert (failed.status, failed.stdout) == (3, "")
    assert PASSWORD not in failed.stderr


def test_the_command_without_a_url_is_wrong_usage(tmp_path: Path) -> None:
    """It says which two ways there are."""
    done = run_tool("snapshot", cwd=tmp_path)

    assert done.status == 2
    assert "DATABASE_URL" in done.stderr

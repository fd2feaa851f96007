"""`run --from-url` rehearses on what production is at this moment; an old dump is told by its own word."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fix_snapshots import ENCODED, PASSWORD, Live

from alembic_rehearsal import dump, intake, options
from alembic_rehearsal.errors import DumpError, UsageError
from alembic_rehearsal.listening import silent
from alembic_rehearsal.model import Options
from fix_projects import run_tool, write_project

BASE = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))'
DAY = 86_400


@pytest.mark.parametrize(("table", "status"), [("orders", 0), ("users", 1)])
def test_the_upgrade_is_rehearsed_on_live_production(live15: Live, tmp_path: Path, table: str, status: int) -> None:
    """It passes or is blocked as with a dump, and production doesn't notice."""
    again = f'op.create_table("{table}", sa.Column("id", sa.Integer, primary_key=True), schema="app")'
    project = write_project(tmp_path / "project", {"0001": BASE, "0002": again})
    before = live15.traces()

    done = run_tool("run", "--from-url", live15.url, "--format", "json", cwd=project)
    after = live15.traces()

    assert done.status == status, done.stdout + done.stderr
    assert done.report["from_revisions"] == ["0001"]
    assert done.report["dump"]["path"] == "--from-url"
    assert done.report["migrator"]["role"] == "app_owner"
    assert any("snapshot" in note or "at revision 0001" in note for note in done.report["notes"])
    assert [each["sqlstate"] for each in done.errors] == ["42P07"] * status
    assert after == before
    assert live15.sessions() == []
    for text in (done.stdout, done.stderr):
        assert PASSWORD not in text
        assert ENCODED not in text


def test_production_that_cant_be_read_is_no_verdict(live15: Live, tmp_path: Path) -> None:
    """Exit status 3: the deploy that stands behind && is not reached."""
    project = write_project(tmp_path / "project", {"0001": BASE})
    done = run_tool("run", "--from-url", live15.url.replace("/live", "/dead"), cwd=project)

    assert done.status == 3
    assert "production can't be reached" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def test_production_is_never_the_throw_away_server(live15: Live, tmp_path: Path) -> None:
    """--postgres with the same address is refused."""
    project = write_project(tmp_path / "project", {"0001": BASE})
    done = run_tool("run", "--from-url", live15.url, "--postgres", live15.url, cwd=project)

    assert done.status in (2, 3)
    assert live15.execute("SELECT version_num FROM alembic_version") == [("0001",)]


def flags(folder: Path, **given: object) -> dict[str, object]:
    return {"directory": str(folder), "dump": None, "x": (), "at": (), "format": (), "output": (), **given}


def test_one_of_dump_and_url(tmp_path: Path) -> None:
    """Both are wrong usage; a file's dump gives way to the flag; an empty variable is no leave to use the file's."""
    (tmp_path / "alembic-rehearsal.yml").write_text("dump: a.sql\n")
    with pytest.raises(UsageError, match="exclude each other"):
        options.merge(flags(tmp_path, dump="b.sql", from_url="postgresql://"))
    with pytest.raises(UsageError, match="empty"):
        options.merge(flags(tmp_path, from_url=""))
    asked, _ = options.merge(flags(tmp_path, from_url="postgresql://x/y"))

    assert (asked.dump, asked.from_url) == ("", "postgresql://x/y")
    assert "postgresql://" not in repr(asked)


def test_production_s_url_is_not_taken_from_a_file(tmp_path: Path) -> None:
    """A configuration file is committed."""
    (tmp_path / "alembic-rehearsal.yml").write_text("from-url: postgresql://x/y\n")
    with pytest.raises(UsageError, match="unknown option 'from-url'"):
        options.merge(flags(tmp_path))


def take_in(path: Path, folder: Path, limit: float, now: float) -> tuple[str, ...]:
    asked = replace(Options(dump=str(path)), max_dump_age=limit)
    return intake.dump_of(asked, workdir=folder, progress=silent, now=now)[1]


def test_the_age_is_the_snapshots_own_word(live15: Live, tmp_path: Path) -> None:
    """A checkout makes every file new, compressed or not."""
    path = tmp_path / "production.sql.gz"
    began = time.time()
    live15.take(path)
    os.utime(path, (began + 60 * DAY, began + 60 * DAY))
    info, notes = intake.dump_of(
        replace(Options(dump=str(path)), max_dump_age=7), workdir=tmp_path, progress=silent, now=began + 6 * DAY
    )

    assert notes == ()
    assert abs(info.modified_at - began) < 30
    assert info.dated
    with pytest.raises(DumpError, match=r"is 8\.0 days old, and --max-dump-age allows 7"):
        take_in(path, tmp_path, 7, began + 8 * DAY)
    assert take_in(path, tmp_path, 0, began + 8 * DAY) == ()
    assert take_in(path, tmp_path, 0, began + 40 * DAY) == (
        "the dump is 40 days old: production may have changed since",
    )


def test_a_dump_of_unknown_age(live15: Live, tmp_path: Path) -> None:
    """Any other dump has only its file's time: too old is sure, new enough isn't."""
    path = tmp_path / "production.sql"
    live15.take(path)
    plain = path.read_text().partition("CREATE ROLE")[2]
    path.write_text("CREATE ROLE" + plain)
    now = time.time()

    assert intake.taken_at_of(dump.inspect(path, workdir=tmp_path)) is None
    assert not dump.inspect(path, workdir=tmp_path).dated
    with pytest.raises(DumpError, match="doesn't say when it was taken"):
        take_in(path, tmp_path, 7, now)
    with pytest.raises(DumpError, match=r"9\.0 days old"):
        take_in(path, tmp_path, 7, now + 9 * DAY)
    assert take_in(path, tmp_path, 0, now) == ()
    assert len(take_in(path, tmp_path, 0, now + 31 * DAY)) == 1


def test_a_dump_that_is_too_old_is_no_verdict(live15: Live, tmp_path: Path) -> None:
    """The whole tool, with the flag."""
    path = tmp_path / "production.sql"
    live15.take(path)
    path.write_text(path.read_text().replace("taken at 20", "taken at 19"))
    project = write_project(tmp_path / "project", {"0001": BASE})
    done = run_tool("run", "--dump", str(path), "--max-dump-age", "3.5", cwd=project)

    assert done.status == 3
    assert "--max-dump-age allows 3.5" in done.stdout

"""Reading logs of both forms, whole or cut anywhere."""

from __future__ import annotations

import json

from alembic_rehearsal.postgres import serverlog

_CSV = (
    b'2026-01-01 00:00:00.000 UTC,"u","d",77,"[local]",6955.1,1,"SELECT",2026-01-01 00:00:00 UTC,3/2,0,'
    b'ERROR,22012,"division ""by"" zero",,,,,,"SELECT 1\n/ 0 -- ""x""",8,,"app","client backend",,0\n'
    b"2026-01-01 00:00:01.000 UTC,,,78,,6955.2,1,,2026-01-01 00:00:00 UTC,,0,"
    b'LOG,00000,"ready",,,,,,,,,"","postmaster",,0\n'
)
_JSON = b"".join(
    json.dumps(line).encode() + b"\n"
    for line in (
        {"user": "u", "dbname": "d", "pid": 77, "error_severity": "ERROR", "state_code": "22012", "message": "m",
         "statement": "SELECT 1\n/ 0", "application_name": "app"},
        {"pid": 78, "error_severity": "LOG", "message": "ready"},
    )
)  # fmt: skip


def test_csvlog_is_read_across_lines_and_quotes() -> None:
    """PostgreSQL 13 and 14 know no jsonlog."""
    records, size = serverlog.parse(_CSV, 14)

    assert size == len(_CSV)
    assert [(one.severity, one.sqlstate) for one in records] == [("ERROR", "22012"), ("LOG", "00000")]
    assert records[0].statement == 'SELECT 1\n/ 0 -- "x"'
    assert (records[0].user, records[0].dbname, records[0].backend_pid) == ("u", "d", 77)
    assert (records[0].message, records[0].application_name) == ('division "by" zero', "app")


def test_a_log_cut_anywhere_is_read_to_the_same_records() -> None:
    """What has no end yet is left for the next time."""
    for raw, major in ((_CSV, 14), (_JSON, 15)):
        whole, _ = serverlog.parse(raw, major)
        for cut in range(len(raw)):
            first, size = serverlog.parse(raw[:cut], major)
            rest, _ = serverlog.parse(raw[size:], major)
            assert first + rest == whole

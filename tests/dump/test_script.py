"""The scanner finds statements where psql would, in any piece size, and rows of any size in little memory."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import pytest
from fix_dumps import FORMS, Production
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_rehearsal.dump.script import Copy, Item, Meta, Scanner, Statement
from alembic_rehearsal.errors import DumpError


class Dribble:
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        return self._file.read(min(size, self._size))


def scan(data: bytes, size: int = 1 << 20) -> list[tuple[int, bytes]]:
    """Return line and text of every item, of a COPY block its rows too."""
    found = []
    for item in Scanner(Dribble(data, size)):
        found.append((item.line, item.text))
        if isinstance(item, Copy):
            found.append((item.line, b"".join(iter(lambda item=item: item.rows.read(3), b""))))  # type: ignore[misc]
    return found


TRICKY = [
    b"SELECT 'a;b''c;';",
    b"SELECT E'it\\'s; \\\\';",
    b"SELECT e'a''\\';', 'x';",
    b"SELECT name'a\\';",
    b'SELECT "a;""b";',
    b"SELECT $$ ; ' \" $a$ $$;",
    b"SELECT $a$ ; $$ ; $a$;",
    b"SELECT a$b$c, $1;",
    b"SELECT 1 -- ; '\n;",
    b"SELECT 1 /* ; /* ' ; */ ; */ ;",
    b"CREATE RULE r AS ON INSERT TO v DO INSTEAD (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2));",
    b"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;",
    b"CREATE OR REPLACE PROCEDURE p(beginner int) BEGIN\n ATOMIC SELECT 1; END;",
    b"CREATE FUNCTION public.f(a integer DEFAULT 2) RETURNS text AS 'begin atomic;' LANGUAGE sql;",
    b'CREATE FUNCTION "begin atomic"() RETURNS int RETURN CASE WHEN true THEN 1 END;',
    "SELECT 'ü;', \"Täble;\";".encode(),
    b"COMMENT ON TABLE t IS '\n\\! not a command\n\\.\n';",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_a_statement_ends_at_its_own_semicolon(size: int) -> None:
    """Whatever hides others, and wherever a read ends."""
    assert [text for _, text in scan(b"\n".join(TRICKY) + b"\n", size)] == TRICKY


@settings(deadline=None)
@given(st.lists(st.sampled_from(TRICKY), max_size=6), st.integers(1, 40))
def test_any_sequence_in_any_pieces(statements: list[bytes], size: int) -> None:
    """Nothing is carried over from one statement to the next."""
    assert [text for _, text in scan(b"\n-- ;'\n\n".join(statements), size)] == statements


def test_backslashes_escape_where_the_dump_says_so() -> None:
    """pg_dump writes this setting when the server has it."""
    off = b"SET standard_conforming_strings = off;"
    on = b"SET standard_conforming_strings = on;"

    assert [text for _, text in scan(off + b"SELECT 'a\\';';" + on + b"SELECT 'a\\';")] == [
        off,
        b"SELECT 'a\\';';",
        on,
        b"SELECT 'a\\';",
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 5, 1 << 20])
def test_rows_end_at_their_mark(end: bytes, size: int) -> None:
    """Rows may look like anything but the mark; line numbers go on behind them."""
    rows = [b"1\tit's; $$", b"\\\\.\t\\N", b"\\N\t-- x", b""]
    data = end.join([b"COPY a.t (x, y) FROM stdin;", *rows, b"\\.", b"", b"COPY b FROM stdin;", b"\\.", b"SELECT 1;"])

    assert scan(data + end, size) == [
        (1, b"COPY a.t (x, y) FROM stdin;"),
        (1, end.join(rows) + end),
        (8, b"COPY b FROM stdin;"),
        (8, b""),
        (10, b"SELECT 1;"),
    ]


@pytest.mark.parametrize("form", [name for name in FORMS if name.endswith(".sql")])
def test_real_dumps_split_the_same_in_all_pieces(production15: Production, form: str) -> None:
    """Windows line ends make no difference to where statements begin."""
    data = (production15.folder / form).read_bytes()
    whole = scan(data)

    assert scan(data, 13) == whole
    assert [line for line, _ in scan(data.replace(b"\n", b"\r\n"))] == [line for line, _ in whole]


def test_pg_dumps_comments_are_read() -> None:
    """The first header counts."""
    scanner = Scanner(
        io.BytesIO(
            b"--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version 15.14 (Debian)\n"
            b"-- Dumped by pg_dump version 19beta3\n\nSELECT 1;\n--\n-- PostgreSQL database dump complete\n--\n\n"
            b"\\unrestrict abc\n"
        )
    )
    kinds: list[type[Item]] = [type(item) for item in scanner]

    assert kinds == [Meta, Statement, Meta]
    assert (scanner.server_version, scanner.dumped_by, scanner.complete) == ("15.14 (Debian)", "19beta3", True)
    assert not scanner.cluster


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"SELECT 1; SELECT 'abc", "the statement that begins at line 1"),
        (b"SELECT 1;\nSELECT $x$ abc $$;", "line 2"),
        (b"SELECT 1;\nCREATE TABLE t (", "line 2"),
        (b'SELECT "abc;', "line 1"),
        (b"SELECT 1 /* ;", "line 1"),
        (b"COPY t FROM stdin;\n1\n2\n", "within the rows of the COPY at line 1"),
        (b"COPY t FROM stdin;\n1\n\\", "within the rows"),
        (b"COPY t FROM stdin;", "within the rows"),
        (b"-- PostgreSQL database dump\nSELECT 1;\n", "PostgreSQL database dump complete"),
    ],
)
def test_what_is_cut_off_is_said_to_be(data: bytes, said: str) -> None:
    """In a statement, in rows, or between two statements."""
    with pytest.raises(DumpError, match=said):
        scan(data)


def test_three_thousand_tables_take_no_time() -> None:
    """The scanner costs next to nothing beside the server's work."""
    table = (
        b"--\n-- Name: t; Type: TABLE; Schema: public; Owner: app\n--\n\n"
        b"CREATE TABLE public.t (\n    id integer NOT NULL,\n    name text DEFAULT 'x;y'::text NOT NULL\n);\n\n"
        b"ALTER TABLE public.t OWNER TO app;\n\nCREATE INDEX i ON public.t USING btree (name);\n\n"
        b"CREATE SEQUENCE public.s\n    AS integer\n    START WITH 1;\n\n"
        b"ALTER SEQUENCE public.s OWNED BY public.t.id;\n\n"
        b"ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n\n"
    )
    data = table * 3000
    start = time.process_time()

    assert sum(1 for _ in Scanner(io.BytesIO(data))) == 18000
    assert time.process_time() - start < 1.0


# In a process of its own: the high-water mark is a process's.
_LARGE = """
import resource, sys, time
from alembic_rehearsal.dump.script import Scanner

class Stream:
    def __init__(self, megabytes):
        self.parts = [b"COPY public.t (a, b) FROM stdin;\\n"]
        self.block = b"12345\\tsome text of a row, it's \\\\\\\\ long\\t\\\\N\\n" * 26000
        self.left = megabytes
    def read(self, size=-1, /):
        if self.parts:
            return self.parts.pop()
        self.left -= 1
        if self.left > 0:
            return self.block
        return b"\\\\.\\n\\nSELECT 1;\\n" if self.left == 0 else b""

scanner = Scanner(Stream(50))
list(scanner)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
scanner = Scanner(Stream(400))
items = list(scanner)
took = time.process_time() - start
assert [item.line for item in items] == [1, 400 * 26000 - 26000 + 4], [item.line for item in items]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, took)
"""


def test_rows_are_skipped_in_little_memory() -> None:
    """400 MB more of rows raise the high-water mark by less than 8 MB, at hundreds of MB a second."""
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    more_memory, took = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(more_memory) * unit < 8 << 20
    assert float(took) < 4.0


def test_inserts_are_skipped_together() -> None:
    """Only those that follow, into the same table, and are plainly INSERTs."""
    rows = [
        b"INSERT INTO public.t VALUES (1, 'it''s; x', -5, '--', NULL);\n",
        b"INSERT INTO public.t (\"a;b\", c) VALUES (1, 'x');\n",
        b"INSERT INTO public.t VALUES (E'a\\'; SELECT 1;');\n",
        b"INSERT INTO public.t2 VALUES (1);\n",
        b"SELECT 1;\n",
    ]
    scanner = Scanner(io.BytesIO(rows[0] * 50000 + b"".join(rows)))
    seen = []
    for item in scanner:
        seen.append((item.line, item.text + b"\n"))
        scanner.skip_alike(b"INSERT INTO public.t")

    assert seen == [(1, rows[0]), *((50002 + at, row) for at, row in enumerate(rows[1:]))]

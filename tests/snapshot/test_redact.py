"""Which pieces of a dump are statements, and what of them is a secret."""

from __future__ import annotations

import pytest

from alembic_rehearsal.snapshot import statements
from alembic_rehearsal.snapshot.redact import Redactor

PIECES = (
    b"--\n",
    b'-- Name: it\'s; a "name" $$; Type: TABLE\n',
    b"\\restrict abc\n",
    b"CREATE TABLE a (b text DEFAULT E'it\\'s;\n\\\\;\n'); -- more;\n",
    b"COMMENT ON TABLE a IS '--;\n''\n;\n/*';\n",
    b'CREATE TABLE "a;\n"" ;\n" (b int);\n',
    b"CREATE FUNCTION f() AS $body$ ';\n$$;\n$bod$;\n$body$ LANGUAGE sql;\n",
    b"CREATE FUNCTION g() AS '\n CREATE USER MAPPING FOR a SERVER b OPTIONS (password ''kept'');\n';\n",
    b"CREATE /* a ; /* nested\n;*/ '\n*/ VIEW v AS SELECT 1 AS e, 'x' AS e2;\n",
    b"SELECT a$b$c, $1 FROM t;\n",
)


def test_statements_are_taken_apart_where_they_end() -> None:
    """Semicolons in strings, names, comments and bodies end nothing, and no byte is lost."""
    text = b"".join(PIECES)

    assert tuple(statements.split(text.splitlines(keepends=True))) == PIECES


def test_functions_are_left_alone() -> None:
    """What looks like a user mapping in a body is the body's."""
    redactor = Redactor()
    text = b"".join(PIECES)

    assert b"".join(redactor.stream(text.splitlines(keepends=True))) == text
    assert not redactor.removed


# Before, and after a line of its own.
SECRETS = r"""
CREATE USER MAPPING FOR "o 'x' SERVER" SERVER "s 'y" OPTIONS (
    password 'a''b;
',
    "user" 'u'
);
=>
CREATE USER MAPPING FOR "o 'x' SERVER" SERVER "s 'y" OPTIONS (
    password 'removed',
    "user" 'removed'
);
----
CREATE USER MAPPING FOR a SERVER b OPTIONS (
    password E'a\\\'b',
    password_required 'false'
);
=>
CREATE USER MAPPING FOR a SERVER b OPTIONS (
    password 'removed',
    password_required 'false'
);
----
CREATE SERVER b FOREIGN DATA WRAPPER c OPTIONS (
    host 'h',
    keep_connections 'off',
    "API Key" 'k'
);
=>
CREATE SERVER b FOREIGN DATA WRAPPER c OPTIONS (
    host 'h',
    keep_connections 'off',
    "API Key" 'removed'
);
----
CREATE FOREIGN TABLE t (
    a text DEFAULT 'x',
    token text
)
SERVER s
OPTIONS (
    url 'https://me:pw@host/'
);
=>
CREATE FOREIGN TABLE t (
    a text DEFAULT 'x',
    token text
)
SERVER s
OPTIONS (
    url 'removed'
);
----
ALTER DATABASE "a SET b" SET "app.jwt_secret" TO E'x\\y';
=>
ALTER DATABASE "a SET b" SET "app.jwt_secret" TO 'removed';
----
ALTER ROLE a IN DATABASE b SET "app.dsn" TO 'host=h password=p';
=>
ALTER ROLE a IN DATABASE b SET "app.dsn" TO 'removed';
----
CREATE SUBSCRIPTION s CONNECTION 'host=h password=p' PUBLICATION p;
=>
"""


@pytest.mark.parametrize("case", SECRETS.removeprefix("\n").split("----\n"))
def test_secrets_are_removed_and_their_names_stay(case: str) -> None:
    """A migration that alters the option finds it."""
    redactor = Redactor()
    before, _, after = case.encode().partition(b"=>\n")

    assert redactor.statement(before) == after
    assert redactor.removed.total() >= 1


@pytest.mark.parametrize(
    "text",
    [
        b"ALTER DATABASE a SET search_path TO 'secret', 'public';\n",
        b"ALTER ROLE a SET password_encryption TO 'md5';\n",
        b"ALTER TABLE a ALTER COLUMN password SET DEFAULT 'x';\n",
        b"CREATE POLICY token ON a USING ((password = 'x'));\n",
    ],
)
def test_what_only_sounds_like_a_secret_stays(text: bytes) -> None:
    """Schemas, columns, and PostgreSQL's own settings."""
    assert Redactor().statement(text) == text

"""What takes a difference away, as code of a revision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One difference that is taken away.

    Attributes:
        code: Alembic operations or SQL, "op." and "sa." before them.
        unless: a query that finds something where there is nothing to do; "" for code that can be repeated.
        when: a query that finds something where there is something to do.
        note: what rows could have against it.
    """

    code: str
    unless: str = ""
    when: str = ""
    note: str = ""


def execute(sql: str) -> str:
    """Return the call that executes *sql*; SQL with quotes of both kinds is written as it is."""
    text = sql.replace("\\", "\\\\")
    quote = '"' if '"' not in text else "'" if "'" not in text else '"""'
    if "\n" in text or quote == '"""':
        return f'op.execute("""{text}""")'
    return f"op.execute({quote}{text}{quote})"


def last(identity: str) -> str:
    """Return the last name of a dotted identity, quoted as it stands there."""
    depth = False
    for number in range(len(identity) - 1, -1, -1):
        if identity[number] == '"':
            depth = not depth
        if identity[number] == "." and not depth:
            return identity[number + 1 :]
    return identity

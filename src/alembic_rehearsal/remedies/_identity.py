"""A revision file under another id, behind another revision: its two variables and its docstring, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import libcst as cst

from alembic_rehearsal.remedies._rewrite import Names, Statement, rewritten
from alembic_rehearsal.remedies._spot import NotGuardableError

# As Alembic's template writes them, https://alembic.sqlalchemy.org/en/latest/tutorial.html#create-a-migration-script
_SAID = re.compile(r"(?m)^([ \t]*(Revision ID|Revises):)[ \t]*\S.*?(?=\r?$)")


def renamed(text: str, revision: str, downs: Sequence[str]) -> str:
    """Return the revision file *text* as *revision*, building on *downs*.

    Raises:
        NotGuardableError: it can't be parsed, or its id is not written out.
    """
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise NotGuardableError(f"the file could not be parsed: {error.message}") from None
    found = _assignments(module)
    old = found["revision"].body[0] if "revision" in found else None
    value = old.value if isinstance(old, cst.Assign | cst.AnnAssign) else None
    if not isinstance(value, cst.SimpleString) or value.prefix or "down_revision" not in found:
        raise NotGuardableError("its revision or its down_revision is not written out")
    quoted = [f"{value.quote}{each}{value.quote}" for each in (revision, *downs)]
    replacements: dict[cst.CSTNode, list[Statement]] = {
        found["revision"]: [_with_value(found["revision"], quoted[0])],
        found["down_revision"]: [
            _with_value(found["down_revision"], quoted[1] if len(downs) == 1 else f"({', '.join(quoted[1:])})")
        ],
        **_documented(module.body[0], {"Revision ID": revision, "Revises": ", ".join(downs)}),
    }
    return rewritten(module, replacements, Names(module))


def _assignments(module: cst.Module) -> dict[str, cst.SimpleStatementLine]:
    """Return the statements at the top of *module* that assign to a name, by that name."""
    found = {}
    for statement in module.body:
        small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        target = small.targets[0].target if isinstance(small, cst.Assign) else None
        target = small.target if isinstance(small, cst.AnnAssign) else target
        if isinstance(statement, cst.SimpleStatementLine) and isinstance(target, cst.Name):
            found[target.value] = statement
    return found


def _with_value(statement: cst.SimpleStatementLine, code: str) -> cst.SimpleStatementLine:
    small, *rest = statement.body
    assert isinstance(small, cst.Assign | cst.AnnAssign)
    return statement.with_changes(body=[small.with_changes(value=cst.parse_expression(code)), *rest])


def _documented(
    statement: cst.SimpleStatementLine | cst.BaseCompoundStatement, says: Mapping[str, str]
) -> dict[cst.CSTNode, list[Statement]]:
    """Return what stands in the place of the docstring, if it says such a thing."""
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    if not isinstance(small, cst.Expr) or not isinstance(small.value, cst.SimpleString):
        return {}
    value = _SAID.sub(lambda found: f"{found[1]} {says[found[2]]}", small.value.value)
    changed = small.with_changes(value=small.value.with_changes(value=value))
    return {statement: [statement.with_changes(body=[changed])]}

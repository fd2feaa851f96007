"""Whether the pending revisions can have done otherwise on production than they do from base.

A build from base costs as much as the project's whole history. It can be spared, and the verdict is the same, when each
pending revision sends the same statements whatever it meets: nothing in its `upgrade()` is asked or decided, and the
server passed over nothing. What is decided is read in the file, since a test in Python leaves no trace; what is asked
of the database is in the trace, and so is what the server passed over (IF EXISTS, IF NOT EXISTS) or refused.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from alembic_rehearsal import lineage
from alembic_rehearsal.model import Project, Trace

_ACTS = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:CREATE|ALTER|DROP|COMMENT|INSERT|UPDATE|DELETE|TRUNCATE|GRANT|REVOKE|SET|RESET|REINDEX"
    r"|ANALYZE|REFRESH|SAVEPOINT|RELEASE|BEGIN|COMMIT)\b",
    re.IGNORECASE | re.DOTALL,
)
# A block of code that decides for itself, behind another statement in one string.
_DECIDES = re.compile(r";\s*(?:DO|CALL|SELECT|WITH|EXECUTE)\b", re.IGNORECASE)
_PACKAGES = ("sqlalchemy", "alembic", "sqlmodel", "geoalchemy2", "pgvector", "__future__", "typing", "collections")
_STATEMENTS = (ast.Expr, ast.Assign, ast.AnnAssign, ast.With, ast.Pass, ast.Import, ast.ImportFrom, ast.Return)
_BRANCHES = (ast.IfExp, ast.Lambda, ast.BoolOp, ast.Compare, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
_LOOKS = frozenset(
    {"get_bind", "run_async", "inspect", "environ", "getenv", "connection", "bind", "now", "utcnow", "today"}
)


def may_differ(trace: Trace, project: Project) -> bool:
    """Say whether a revision of *trace*, which went through, may have met production's state and acted upon it."""
    pending = {step.revision for step in trace.steps}
    if not pending:
        return False
    if any(record.severity == "NOTICE" and record.message.endswith("skipping") for record in trace.log):
        return True
    if any(record.severity == "ERROR" for record in trace.log):
        return True
    sent = [each for each in trace.statements if each.revision in pending]
    if any(each.error is not None or not _ACTS.match(each.sql) or _DECIDES.search(each.sql) for each in sent):
        return True
    known = lineage.graph(trace)
    return not all(revision in known and _plain(project, known[revision].path) for revision in pending)


def _plain(project: Project, path: str) -> bool:
    try:
        tree = ast.parse(Path(project.checkout, path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    upgrade = functions.get("upgrade")
    if upgrade is None or upgrade.decorator_list:
        return False
    rest = [each for each in tree.body if not isinstance(each, (ast.FunctionDef, ast.ClassDef))]
    roots = _roots([*rest, *upgrade.body])
    return all(_is_plain(each, roots) for each in (*rest, *upgrade.body))


def _roots(body: list[ast.stmt]) -> frozenset[str]:
    """Return the names whose calls decide nothing: of SQLAlchemy's and Alembic's, and what was made of those."""
    found: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _PACKAGES:
                found.update(alias.asname or alias.name for alias in node.names)
            elif isinstance(node, ast.Import):
                names = [alias for alias in node.names if alias.name.partition(".")[0] in _PACKAGES]
                found.update(alias.asname or alias.name.partition(".")[0] for alias in names)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return frozenset(found)


def _is_plain(statement: ast.stmt, roots: frozenset[str]) -> bool:
    nodes = list(ast.walk(statement))
    if any(isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS) for node in nodes):
        return False
    if any(isinstance(node, _BRANCHES) for node in nodes):
        return False
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    words = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    words |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return not words & _LOOKS and all(_root(each) in roots for each in called)


def _root(node: ast.expr) -> str:
    """Return the name that a chain of attributes and calls begins with, "" for anything else."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    if isinstance(node, ast.Constant):
        return "op"  # a method of a literal, "...".format(...)
    return node.id if isinstance(node, ast.Name) else ""

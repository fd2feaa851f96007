"""A revision file as text: what it says it is, at which lines, and what two versions of it do differently.

Read with Python's own parser and never run. What a literal doesn't say is not known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORT = "import "


@dataclass(frozen=True, slots=True)
class Described:
    """What a revision file says of itself, by Alembic's names.

    Attributes:
        parents: those of down_revision, then those of depends_on.
        lines: name of a module's variable -> line of its assignment, 1-based.
    """

    revision: str
    parents: tuple[str, ...]
    lines: Mapping[str, int] = field(default_factory=dict)


def described(text: str) -> Described | None:
    """Return what *text* says, None for what is no revision file or can't be parsed by this Python."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for name, value, line in _assigned(_parsed(text)):
        lines[name] = line
        try:
            values[name] = ast.literal_eval(value)
        except ValueError:
            values[name] = None
    if not isinstance(values.get("revision"), str):
        return None
    parents = (*_names(values.get("down_revision")), *_names(values.get("depends_on")))
    return Described(values["revision"], parents, lines)


def lines(root: Path, paths: Iterable[str]) -> dict[str, Mapping[str, int]]:
    """Return for each of *paths* that is a revision file below *root*, or absolute, the lines of its assignments."""
    found = {}
    for path in dict.fromkeys(paths):
        what = described(text_of(root / path))
        if what is not None:
            found[path] = what.lines
    return found


def text_of(path: Path) -> str:
    """Return the text of *path*, "" if it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def differences(before: str, after: str) -> tuple[str, ...]:
    """Return what *after* does otherwise than *before*: "upgrade()", "down_revision", "import sa".

    Comments, layout, docstrings, annotations and imports that nothing uses are no difference.
    """
    old, new = _parts(before), _parts(after)
    if old is None or new is None:
        return () if before.split() == after.split() else ("its text",)
    # A name that only one of them uses shows where it is used.
    unlike = [name for name in {**new, **old} if old.get(name) != new.get(name) and not name.startswith(_IMPORT)]
    both = [name for name in new if name.startswith(_IMPORT) and name in old and old[name] != new[name]]
    return (*unlike, *both)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _assigned(tree: ast.Module | None) -> Iterator[tuple[str, ast.expr, int]]:
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign):
            yield from ((each.id, node.value, node.lineno) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value, node.lineno


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, (tuple, list, set)) else ()


def _parts(text: str) -> dict[str, str] | None:
    """Return what stands at the top of a module, by name, each as a text that says what it does."""
    tree = _parsed(text)
    if tree is None:
        return None
    _strip(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    rest = []
    parts = {name: ast.dump(value) for name, value, _ in _assigned(tree)}
    for node in tree.body:
        if isinstance(node, _DEFINED):
            parts[node.name if isinstance(node, ast.ClassDef) else f"{node.name}()"] = ast.dump(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            origin = f"{'.' * node.level}{node.module}" if isinstance(node, ast.ImportFrom) else ""
            bound = ((each, (each.asname or each.name).partition(".")[0]) for each in node.names)
            parts |= {f"{_IMPORT}{name}": f"{origin} {ast.dump(each)}" for each, name in bound if name in used}
        elif not isinstance(node, (ast.Assign, ast.AnnAssign)):
            rest.append(ast.dump(node))
    return parts | {"its other statements": "\n".join(rest)}


def _strip(tree: ast.Module) -> None:
    """Take away what does nothing: texts that stand for themselves, and annotations of functions."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *_DEFINED)):
            node.body = [each for each in node.body if not _is_text(each)]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)

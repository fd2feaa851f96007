"""The edits that take every failing operation of the pending revisions along, in one go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import libcst as cst

from alembic_rehearsal.causes._case import Case
from alembic_rehearsal.model import Edit
from alembic_rehearsal.remedies import _enums, _guards, _literals, _shape, source
from alembic_rehearsal.remedies._part import Part
from alembic_rehearsal.remedies._problem import Failing, Problem
from alembic_rehearsal.remedies._rewrite import Names, Statement, laid_out, parsed, quoted, rewritten, under_condition
from alembic_rehearsal.remedies._spot import NotGuardableError, Spot, Tree

_COMMENT = "# Where it was there already, and different."
_CAUGHT = (
    "the revision catches the error with try/except, which can't help: PostgreSQL has aborted the transaction by then, "
    "and refuses all that follows (SQLSTATE 25P02)"
)


@dataclass
class Patch:
    """Edits, and what was done in them.

    Attributes:
        guarded: "op.create_table at migrations/versions/x.py:12".
        renamed: sentences, one for each constraint or index.
        reconciled: "table public.tokens": objects of another shape that are brought to the wanted one.
        notes: of the rows, of try/except.
    """

    edits: list[Edit] = field(default_factory=list)
    guarded: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    reconciled: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def made_for(problem: Problem) -> Patch:
    """Return the patch for everything that fails; of one problem always the same, which nobody changes.

    Raises:
        NotGuardableError: something fails that no edit of its own operation can mend; the text says what.
    """
    for finding in problem.elsewhere:
        raise NotGuardableError(f"not an operation of a revision: {finding.message}")
    patch = Patch()
    by_path: dict[str, list[Failing]] = {}
    for failing in problem.failing:
        by_path.setdefault(failing.path, []).append(failing)
    for path, places in by_path.items():
        patch.edits.append(_File(problem, path, patch).edited(places))
    return patch


class _File:
    """One revision file that is edited."""

    def __init__(self, problem: Problem, path: str, patch: Patch) -> None:
        self._problem = problem
        self._path = path
        self._patch = patch
        try:
            self._before = source.read(Path(problem.evidence.project.checkout, path)).text
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise NotGuardableError(f"{path} can't be read: {error}") from error
        self._tree = Tree(self._before)
        self._module = self._tree.module
        self._names = Names(self._module)
        self._replacements: dict[cst.CSTNode, list[Statement]] = {}

    def edited(self, places: Iterable[Failing]) -> Edit:
        for failing in places:
            try:
                self._edit(failing)
            except NotGuardableError as error:
                raise NotGuardableError(f"{failing.path}:{failing.line}: {error}") from None
        return Edit(self._path, self._before, rewritten(self._module, self._replacements, self._names))

    def _edit(self, failing: Failing) -> None:
        spots: dict[cst.CSTNode, tuple[Spot, list[Case]]] = {}
        for case in failing.cases:
            spot = self._spot(failing.line, case)
            spots.setdefault(spot.statement, (spot, []))[1].append(case)
        for spot, cases in spots.values():
            self._edit_spot(spot, cases, f"{failing.path}:{failing.line}")
            if spot.in_try and _CAUGHT not in self._patch.notes:
                self._patch.notes.append(_CAUGHT)

    def _spot(self, line: int, case: Case) -> Spot:
        try:
            return self._tree.spot(line, case.subject, _operations_of(case))
        except NotGuardableError:
            if case.kind == "undefined" and not _DROPS.search(case.finding.sql):
                raise NotGuardableError(f"the operation needs what is missing: {case.error.message}") from None
            raise

    def _edit_spot(self, spot: Spot, cases: list[Case], place: str) -> None:
        call, before, after = spot.call, list[Statement](), list[Statement]()
        guard: list[Case] = []
        for case in cases:
            other = _shape.other(self._problem, case)
            if case.finding.cause is not None and case.finding.cause.id == "other-name":
                before += self._renamed(spot, case)
            elif other is not None:
                before += self._noted(spot, case, (other,))
            elif _is_enum(case) and spot.operation != "execute":
                call, made = self._without_type(spot, call, case)
                before += [*made, *self._reconciled(spot, case)]
            elif case.kind == "duplicate" or (case.kind == "undefined" and not _shape.comes(self._problem, case)):
                _require_guardable(spot, case)
                guard.append(case)
                after += self._reconciled(spot, case)
            elif case.kind != "undefined":
                raise NotGuardableError(f"SQLSTATE {case.error.sqlstate} is about nothing that could be skipped")
        statement: Statement = _guards.replaced(spot, call)
        if guard:
            statement = self._guarded(spot, call, guard[0], ask=len(cases) > len(guard))
            self._patch.guarded.append(f"{spot.receiver}.{spot.operation} at {place}")
        self._place(spot, before, statement, after)

    def _guarded(self, spot: Spot, call: cst.Call, case: Case, *, ask: bool) -> Statement:
        if spot.operation == "execute":
            return _literals.guarded(spot, case.subject, case.kind, module=self._module, names=self._names)
        # What comes with a table, an index for instance, can't be made before the table has the column.
        ask = ask and spot.operation == "create_table" and call is spot.call
        return _guards.guarded(spot, call, module=self._module, flags=self._flags, names=self._names, ask=ask)

    @property
    def _flags(self) -> frozenset[str]:
        survey = self._problem.evidence.survey
        return survey.flags if survey else frozenset()

    def _place(self, spot: Spot, before: list[Statement], statement: Statement, after: list[Statement]) -> None:
        """Put the statements together; comments above the operation stay above all of it."""
        if before:
            first, *rest = before
            lines = spot.statement.leading_lines
            before = [first.with_changes(leading_lines=(*lines, *first.leading_lines)), *rest]
            statement = statement.with_changes(leading_lines=())
        if spot.batch and (before or after):
            raise NotGuardableError("in a batch nothing else can be carried out before or after the operation")
        self._replacements[spot.statement] = [*before, statement, *after]

    def _without_type(self, spot: Spot, call: cst.Call, case: Case) -> tuple[cst.Call, list[Statement]]:
        """Return *call* whose column doesn't make the enum, and what makes the enum where it isn't there."""
        for variable in _enums.variables(call):
            found = _enums.definition(self._module, variable, case.subject, self._names)
            if found is not None:
                self._replacements[found[0]] = [found[1]]
                self._patch.guarded.append(f"the enum {case.subject} at {self._path}")
                made = f"{variable}.create(" in self._before
                return call, [] if made else _enums.creation(variable, spot, self._module)
        changed, [code] = _enums.without_type(call, case.subject, module=self._module, names=self._names)
        self._patch.guarded.append(f"the enum {case.subject} at {self._path}")
        return changed, _enums.creation(code, spot, self._module)

    def _renamed(self, spot: Spot, case: Case) -> list[Statement]:
        found = _shape.rename(self._problem, case)
        self._patch.renamed.append(found.sentence)
        return list(self._statements(spot, found.parts))

    def _reconciled(self, spot: Spot, case: Case) -> list[Statement]:
        parts = _shape.reconciling(self._problem, case)
        return self._noted(spot, case, parts) if parts else []

    def _noted(self, spot: Spot, case: Case, parts: tuple[Part, ...]) -> list[Statement]:
        """Return *parts* as statements under a comment, and note what they do."""
        self._patch.reconciled.append(str(case.keys[0]))
        self._patch.notes += [part.note for part in parts if part.note and part.note not in self._patch.notes]
        first, *rest = self._statements(spot, parts)
        comment = cst.EmptyLine(comment=cst.Comment(_COMMENT))
        return [first.with_changes(leading_lines=(comment, *first.leading_lines)), *rest]

    def _statements(self, spot: Spot, parts: Iterable[Part]) -> Iterator[Statement]:
        """Yield *parts* as statements of this file, each made to do nothing where there is nothing to do."""
        op = "op" if spot.batch or spot.operation == "execute" else spot.receiver
        for part in parts:
            code = part.code
            for prefix, name in (("sa.", "sa"), ("postgresql.", "postgresql")):
                if prefix in code:
                    code = code.replace(prefix, f"{getattr(self._names, name)}.")
            code = op + code.removeprefix("op")
            for statement in parsed(self._module, f"{laid_out(code)}\n"):
                assert isinstance(statement, cst.SimpleStatementLine)
                yield self._conditional(statement, part, op)

    def _conditional(self, statement: cst.SimpleStatementLine, part: Part, op: str) -> Statement:
        query = part.unless or part.when
        if query:
            word = "not " if part.unless else ""
            asked = f"{op}.get_bind().scalar({self._names.sa}.text({quoted(query)}))"
            return under_condition(f"{word}{asked}", statement, self._module)
        small = cst.ensure_type(statement.body[0], cst.Expr)
        call = cst.ensure_type(small.value, cst.Call)
        if not self._module.code_for_node(call.func).endswith(".add_column"):
            return statement
        spot = Spot(statement, call, "add_column", op)
        return _guards.guarded(spot, call, module=self._module, flags=self._flags, names=self._names)


def _is_enum(case: Case) -> bool:
    return case.error.sqlstate == "42710" and case.finding.sql.lstrip().upper().startswith("CREATE TYPE")


def _operations_of(case: Case) -> tuple[str, ...]:
    """Return what the operation that fails may be called, or how that begins."""
    if case.kind == "duplicate":
        return ("add_column",) if case.error.sqlstate == "42701" else ("create_",)
    return ("drop_",)


_DROPS = re.compile(r"\bDROP\b", re.IGNORECASE)
_WANTED = {
    "create_table": ("table",),
    "create_index": ("index",),
    "add_column": ("column",),
    "create_unique_constraint": ("unique constraint",),
    "create_foreign_key": ("foreign key",),
    "create_check_constraint": ("check constraint",),
}


def _require_guardable(spot: Spot, case: Case) -> None:
    """Stop where skipping the operation would be wrong.

    Raises:
        NotGuardableError: what stands in the way is of another kind, or what is gone is needed.
    """
    wanted = _WANTED.get(spot.operation)
    if case.kind == "duplicate" and wanted and case.keys and case.keys[0].kind not in wanted:
        there = f"production has {case.keys[0]}"
        if not (case.finding.sql.lstrip().upper().startswith("CREATE") and spot.operation == "create_table"):
            raise NotGuardableError(f"{there} under the name of what {spot.receiver}.{spot.operation} makes")
    if case.kind == "undefined" and not spot.operation.startswith("drop_") and spot.operation != "execute":
        raise NotGuardableError(f"{spot.receiver}.{spot.operation} needs what is missing: {case.error.message}")

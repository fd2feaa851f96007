"""Finds the statement of a revision that fails, by its line, and the operation in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from alembic_rehearsal.remedies._nodes import nodes


class NotGuardableError(Exception):
    """There is no edit for this place; the text says why."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An operation of a revision.

    Attributes:
        call: `op.create_table(...)`, `batch_op.add_column(...)`, `conn.execute(...)`.
        operation: the method's name.
        receiver: what stands before it, as code: "op".
        batch: the table's name as code where the call stands in `with op.batch_alter_table(...)`, else "".
        in_try: it stands in the body of a try statement.
    """

    statement: cst.SimpleStatementLine
    call: cst.Call
    operation: str
    receiver: str
    batch: str = ""
    in_try: bool = False


class Tree:
    """A parsed revision file.

    Raises:
        NotGuardableError: it can't be parsed.
    """

    def __init__(self, text: str) -> None:
        try:
            self._wrapper = MetadataWrapper(cst.parse_module(text))
        except cst.ParserSyntaxError as error:
            raise NotGuardableError(f"the file could not be parsed: {error.message}") from None
        self._positions = self._wrapper.resolve(PositionProvider)
        self._parents = self._wrapper.resolve(ParentNodeProvider)

    @property
    def module(self) -> cst.Module:
        """Return the module whose nodes the spots are."""
        return self._wrapper.module

    def spot(self, line: int, name: str, operations: Sequence[str]) -> Spot:
        """Return the operation at *line* (1-based).

        A batch runs at its end: of its operations it is the one of *operations* that says *name*.

        Raises:
            NotGuardableError: there is none that stands alone in a statement.
        """
        statement = self._statement_at(line)
        if statement is None:
            batch = self._batch_at(line)
            if batch is None:
                raise NotGuardableError(f"no statement was found at line {line}")
            return self._in_batch(batch, name, operations)
        return self._spot_of(statement)

    def code(self, node: cst.CSTNode) -> str:
        """Return *node* as it is written."""
        return self.module.code_for_node(node)

    def _covers(self, node: cst.CSTNode, line: int) -> bool:
        found = self._positions.get(node)
        return isinstance(found, CodeRange) and found.start.line <= line <= found.end.line

    def _statement_at(self, line: int) -> cst.SimpleStatementLine | None:
        nodes = [node for node in self._positions if isinstance(node, cst.SimpleStatementLine)]
        return next((node for node in nodes if self._covers(node, line)), None)

    def _batch_at(self, line: int) -> cst.With | None:
        nodes = [node for node in self._positions if isinstance(node, cst.With)]
        return next((node for node in nodes if self._covers(node.items[0], line) or self._starts(node, line)), None)

    def _starts(self, node: cst.CSTNode, line: int) -> bool:
        found = self._positions.get(node)
        return isinstance(found, CodeRange) and found.start.line == line

    def _spot_of(self, statement: cst.SimpleStatementLine, batch: str = "") -> Spot:
        if len(statement.body) != 1:
            raise NotGuardableError("several statements share the line")
        small = statement.body[0]
        call = small.value if isinstance(small, (cst.Expr, cst.Assign)) else None
        if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
            raise NotGuardableError(f"{self.code(small).strip()[:60]!r} is no operation that could be guarded")
        return Spot(
            statement=statement,
            call=call,
            operation=call.func.attr.value,
            receiver=self.code(call.func.value),
            batch=batch or self._batch_around(statement),
            in_try=self._in_try(statement),
        )

    def _in_batch(self, node: cst.With, name: str, operations: Sequence[str]) -> Spot:
        found = [
            statement
            for statement in node.body.body
            if isinstance(statement, cst.SimpleStatementLine)
            and any(f".{operation}" in self.code(statement) for operation in operations)
        ]
        # Of one kind there is often one only: then its name may come from anywhere.
        named = [each for each in found if name and self._says(each, name)] or found
        if not named or len(named) > 1:
            raise NotGuardableError("the operation in the batch that fails was not found by its name")
        return self._spot_of(named[0], self._table_of(node))

    def _says(self, statement: cst.SimpleStatementLine, name: str) -> bool:
        """Say whether one of the strings in *statement* is *name*; what an f-string computes may be anything."""
        texts = nodes(statement, cst.SimpleString, cst.FormattedString)
        return any(re.fullmatch(_pattern(text), name, re.DOTALL) for text in texts)

    def _batch_around(self, statement: cst.CSTNode) -> str:
        node = self._parents.get(statement)
        while node is not None:
            if isinstance(node, cst.With) and (table := self._table_of(node)):
                return table
            node = self._parents.get(node)
        return ""

    def _table_of(self, node: cst.With) -> str:
        call = node.items[0].item
        if not isinstance(call, cst.Call) or not self.code(call.func).endswith("batch_alter_table") or not call.args:
            return ""
        schemas = [self.code(arg.value) for arg in call.args if arg.keyword and arg.keyword.value == "schema"]
        return self.code(call.args[0].value) + "".join(f", schema={each}" for each in schemas if each != "None")

    def _in_try(self, statement: cst.CSTNode) -> bool:
        child: cst.CSTNode = statement
        while (node := self._parents.get(child)) is not None:
            if isinstance(node, cst.Try) and child is node.body:
                return True
            child = node
        return False


def _pattern(text: cst.CSTNode) -> str:
    if isinstance(text, cst.FormattedString):
        parts = (re.escape(each.value) if isinstance(each, cst.FormattedStringText) else ".+" for each in text.parts)
        return "".join(parts)
    value = text.evaluated_value if isinstance(text, cst.SimpleString) else None
    return re.escape(value) if isinstance(value, str) else "(?!)"

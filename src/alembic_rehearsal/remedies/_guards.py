"""How an operation is made to skip what is there already, or what is gone.

IF [NOT] EXISTS where the project's Alembic has it; otherwise the operation asks before it acts. Never try/except:
PostgreSQL aborts the transaction at the first error, https://www.postgresql.org/docs/current/tutorial-transactions.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import libcst as cst

from alembic_rehearsal.remedies._rewrite import Names, Statement, under_condition, with_argument
from alembic_rehearsal.remedies._spot import NotGuardableError, Spot

_CREATING = ("create_", "add_")
_Condition = Callable[[Spot, "Arguments", str], str]


class Arguments:
    """The arguments of a call, by position or by name, as code."""

    def __init__(self, call: cst.Call, module: cst.Module) -> None:
        self._call = call
        self._module = module

    def node(self, index: int, *names: str) -> cst.BaseExpression | None:
        """Return the argument that stands at *index* or goes by one of *names*."""
        for arg in self._call.args:
            if arg.keyword is not None and arg.keyword.value in names:
                return arg.value
        plain = [arg.value for arg in self._call.args if arg.keyword is None and not arg.star]
        return plain[index] if 0 <= index < len(plain) else None

    def code(self, index: int, *names: str) -> str:
        """Return it as code.

        Raises:
            NotGuardableError: it isn't given.
        """
        found = self.node(index, *names)
        if found is None:
            raise NotGuardableError(f"the operation's argument {names[0] if names else index} was not found")
        return self._module.code_for_node(found)

    @property
    def schema(self) -> str:
        """Return `, schema=...` where the call has it, else ""."""
        found = self.node(-1, "schema", "source_schema")
        return f", schema={self._module.code_for_node(found)}" if found is not None else ""


def guarded(
    spot: Spot, call: cst.Call, *, module: cst.Module, flags: Collection[str], names: Names, ask: bool = False
) -> Statement:
    """Return the statement of *spot* with *call* in it, made to act only where that is needed.

    Args:
        call: that of the spot, maybe changed already.
        flags: what the operations of the project's Alembic take, as in `Trace.flags`.
        ask: before the operation, whatever flags there are: it does more than what would be skipped.

    Raises:
        NotGuardableError: no guard is known for this operation.
    """
    # drop_column takes it among its further keywords, from 1.16 on, and has it in its documentation only.
    flag = "if_not_exists" if spot.operation.startswith(_CREATING) else "if_exists"
    if f"{'batch.' if spot.batch else ''}{spot.operation}.{flag}" in flags and not ask:
        return replaced(spot, with_argument(call, flag, "True"))
    if spot.operation not in _CONDITIONS:
        raise NotGuardableError(f"no guard is known for {spot.receiver}.{spot.operation}()")
    # A batch is carried out at its end, so its connection is that of `op`.
    op = "op" if spot.batch else spot.receiver
    inspector = f"{names.sa}.inspect({op}.get_bind())"
    condition = _CONDITIONS[spot.operation](spot, Arguments(spot.call, module), inspector)
    return under_condition(condition, replaced(spot, call), module)


def replaced(spot: Spot, call: cst.Call) -> cst.SimpleStatementLine:
    """Return the statement of *spot* with *call* in the place of its own."""
    small = spot.statement.body[0]
    return spot.statement.with_changes(body=[small.with_changes(value=call)])


def _table_lacks(_spot: Spot, given: Arguments, inspector: str) -> str:
    return f"{given.code(0, 'table_name', 'name')} not in {inspector}.get_table_names({given.schema.lstrip(', ')})"


def _table_there(spot: Spot, given: Arguments, inspector: str) -> str:
    return _table_lacks(spot, given, inspector).replace(" not in ", " in ", 1)


def _column_lacks(spot: Spot, given: Arguments, inspector: str) -> str:
    column = given.node(0 if spot.batch else 1, "column")
    if not isinstance(column, cst.Call) or not column.args:
        raise NotGuardableError("the column is not written out where it is added")
    name = Arguments(column, cst.Module([])).code(0, "name")
    return f'{name} not in [each["name"] for each in {inspector}.get_columns({_table(spot, given, 0)})]'


def _column_there(spot: Spot, given: Arguments, inspector: str) -> str:
    name = given.code(0 if spot.batch else 1, "column_name")
    return f'{name} in [each["name"] for each in {inspector}.get_columns({_table(spot, given, 0)})]'


def _table(spot: Spot, given: Arguments, index: int) -> str:
    code = spot.batch or given.code(index, "table_name", "source_table")
    return f"{code}{given.schema}"


def _named(method: str, lacks: bool) -> _Condition:
    def condition(spot: Spot, given: Arguments, inspector: str) -> str:
        name = given.code(0, "constraint_name", "index_name")
        if name == "None":
            raise NotGuardableError("a constraint without a name can't be asked for")
        word = "not in" if lacks else "in"
        return f'{name} {word} [each["name"] for each in {inspector}.{method}({_table(spot, given, 1)})]'

    return condition


def _no_primary_key(spot: Spot, given: Arguments, inspector: str) -> str:
    return f'not {inspector}.get_pk_constraint({_table(spot, given, 1)})["constrained_columns"]'


def _constraint_there(spot: Spot, given: Arguments, inspector: str) -> str:
    kind = given.node(2, "type_")
    text = kind.evaluated_value if isinstance(kind, cst.SimpleString) else ""
    methods = {
        "unique": "get_unique_constraints",
        "foreignkey": "get_foreign_keys",
        "check": "get_check_constraints",
    }
    if text == "primary":
        return _no_primary_key(spot, given, inspector).removeprefix("not ")
    if text not in methods:
        return _any_constraint(spot, given, inspector)
    return _named(methods[str(text)], lacks=False)(spot, given, inspector)


def _any_constraint(spot: Spot, given: Arguments, inspector: str) -> str:
    """Return the condition where the call doesn't say which kind of constraint it drops."""
    table = _table(spot, given, 1)
    lists = " + ".join(
        f"{inspector}.{method}({table})"
        for method in ("get_unique_constraints", "get_foreign_keys", "get_check_constraints")
    )
    return f'{given.code(0, "constraint_name")} in [each["name"] for each in {lists}]'


_CONDITIONS: dict[str, _Condition] = {
    "create_table": _table_lacks,
    "drop_table": _table_there,
    "add_column": _column_lacks,
    "drop_column": _column_there,
    "create_index": _named("get_indexes", lacks=True),
    "drop_index": _named("get_indexes", lacks=False),
    "create_unique_constraint": _named("get_unique_constraints", lacks=True),
    "create_foreign_key": _named("get_foreign_keys", lacks=True),
    "create_check_constraint": _named("get_check_constraints", lacks=True),
    "create_primary_key": _no_primary_key,
    "drop_constraint": _constraint_there,
}

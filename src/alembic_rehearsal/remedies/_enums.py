"""An enum type that is there already: the column must not make it, and what makes it has to look first."""

from __future__ import annotations

import libcst as cst

from alembic_rehearsal.remedies._nodes import nodes
from alembic_rehearsal.remedies._rewrite import Names, Statement, parsed
from alembic_rehearsal.remedies._spot import NotGuardableError, Spot

# What sa.Enum takes and postgresql.ENUM, which is always native and never a CHECK, has no use for.
_GENERIC = frozenset({"native_enum", "create_constraint", "create_type", "length", "validate_strings"})


def without_type(call: cst.Call, type_name: str, *, module: cst.Module, names: Names) -> tuple[cst.Call, list[str]]:
    """Return *call* whose columns of the enum don't make it, and the code that makes it if it isn't there.

    Raises:
        NotGuardableError: the enum is not written out in the call.
    """
    found = [each for each in nodes(call, cst.Call) if _is_enum(each) and _name_of(each) == type_name]
    if not found:
        raise NotGuardableError(f"the enum {type_name} is not written out where its column is")
    changed = call
    for enum in found:
        changed = cst.ensure_type(changed.deep_replace(enum, _plain(enum, names, create_type=False)), cst.Call)
    code = module.code_for_node(_plain(found[0], names, create_type=None))
    return changed, [code]


def definition(module: cst.Module, variable: str, type_name: str, names: Names) -> tuple[cst.CSTNode, Statement] | None:
    """Return the statement `variable = sa.Enum(..., name=type_name)` and one whose enum no column makes."""
    for statement in nodes(module, cst.SimpleStatementLine):
        assign = statement.body[0]
        if len(statement.body) > 1 or not isinstance(assign, cst.Assign):
            continue
        target, enum = assign.targets[0].target, assign.value
        if not isinstance(enum, cst.Call) or not _is_enum(enum):
            continue
        if isinstance(target, cst.Name) and target.value == variable and _name_of(enum) == type_name:
            plain = assign.with_changes(value=_plain(enum, names, create_type=False))
            return statement, statement.with_changes(body=[plain])
    return None


def variables(call: cst.Call) -> list[str]:
    """Return the plain names in *call*, any of which may be an enum."""
    return sorted({each.value for each in nodes(call, cst.Name)})


def creation(code: str, spot: Spot, module: cst.Module) -> list[Statement]:
    """Return the statements that make an enum, *code*, where it isn't there."""
    op = "op" if spot.batch else spot.receiver
    return parsed(module, f"{code}.create({op}.get_bind(), checkfirst=True)\n")


def _is_enum(call: cst.Call) -> bool:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value in ("Enum", "ENUM")
    return isinstance(call.func, cst.Name) and call.func.value == "Enum"


def _name_of(enum: cst.Call) -> str:
    """Return the type's name: that of the keyword, else SQLAlchemy's own for a class, its name in small letters."""
    for arg in enum.args:
        if arg.keyword is not None and arg.keyword.value == "name" and isinstance(arg.value, cst.SimpleString):
            return str(arg.value.evaluated_value)
    first = enum.args[0].value if enum.args else None
    return first.value.lower() if isinstance(first, cst.Name) else ""


def _plain(enum: cst.Call, names: Names, *, create_type: bool | None) -> cst.Call:
    """Return *enum* as postgresql.ENUM with that `create_type`, None for no such argument."""
    kept = [arg for arg in enum.args if arg.keyword is None or arg.keyword.value not in _GENERIC]
    args = [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in kept]
    if create_type is not None:
        equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        args.append(cst.Arg(value=cst.Name(str(create_type)), keyword=cst.Name("create_type"), equal=equal))
    return cst.Call(func=cst.Attribute(cst.Name(names.postgresql), cst.Name("ENUM")), args=args)

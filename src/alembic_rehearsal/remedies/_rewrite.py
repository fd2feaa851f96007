"""Puts other statements in the place of some, adds the imports that they need, and leaves the rest as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from alembic_rehearsal.remedies._nodes import nodes

_LONG = 100
_INDENT = 4
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


class Names:
    """What SQLAlchemy's modules are called in one revision file; those that it lacks are asked for."""

    def __init__(self, module: cst.Module) -> None:
        self._sa, self._postgresql = _imported(module)
        self._wanted: set[str] = set()

    @property
    def sa(self) -> str:
        """Return the name of `sqlalchemy`."""
        self._wanted |= set() if self._sa else {"sa"}
        return self._sa or "sa"

    @property
    def postgresql(self) -> str:
        """Return the name of `sqlalchemy.dialects.postgresql`."""
        self._wanted |= set() if self._postgresql else {"postgresql"}
        return self._postgresql or "postgresql"

    def added_to(self, module: cst.Module) -> cst.Module:
        """Return *module* with the imports that were asked for and that it lacks."""
        if not self._wanted:
            return module
        # Slow to import, and most revisions have what they need.
        from libcst.codemod import CodemodContext
        from libcst.codemod.visitors import AddImportsVisitor

        context = CodemodContext()
        if "sa" in self._wanted:
            AddImportsVisitor.add_needed_import(context, "sqlalchemy", asname="sa")
        if "postgresql" in self._wanted:
            AddImportsVisitor.add_needed_import(context, "sqlalchemy.dialects", "postgresql")
        return AddImportsVisitor(context).transform_module(module)


def _imported(module: cst.Module) -> tuple[str, str]:
    sa = postgresql = ""
    for statement in module.body:
        for small in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            text = module.code_for_node(small).split()
            if text == ["import", "sqlalchemy"]:
                sa = sa or "sqlalchemy"
            elif text[:3] == ["import", "sqlalchemy", "as"]:
                sa = text[3].rstrip(",")
            elif text[:3] == ["from", "sqlalchemy.dialects", "import"]:
                names = " ".join(text[3:]).strip("()").split(",")
                for name in names:
                    words = name.split()
                    if words[:1] == ["postgresql"]:
                        postgresql = words[-1]
    return sa, postgresql


class _Replacer(cst.CSTTransformer):
    def __init__(self, replacements: Mapping[cst.CSTNode, Sequence[Statement]]) -> None:
        super().__init__()
        self._replacements = replacements

    def leave_SimpleStatementLine(  # noqa: N802  (the name is libcst's)
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        found = self._replacements.get(original_node)
        return updated_node if found is None else cst.FlattenSentinel(found)


def rewritten(module: cst.Module, replacements: Mapping[cst.CSTNode, Sequence[Statement]], names: Names) -> str:
    """Return the code of *module* with each statement of *replacements* replaced."""
    changed = module.visit(_Replacer(replacements))
    return names.added_to(changed).code


def parsed(module: cst.Module, code: str) -> list[Statement]:
    """Return the statements of *code*, which begins at the margin, in *module*'s style of indents and newlines."""
    config = module.config_for_parsing
    inner = cst.parse_module(code.replace("\n", module.default_newline), config)
    styled = inner.visit(_Quotes(module))
    statements = list(styled.body)
    if inner.header and statements:
        statements[0] = statements[0].with_changes(leading_lines=(*inner.header, *statements[0].leading_lines))
    return statements


def quoted(text: str) -> str:
    """Return *text* as a Python string between double quotes where it can be."""
    return f'"{text}"' if '"' not in text and "\\" not in text and "\n" not in text else repr(text)


def laid_out(code: str) -> str:
    """Return a call, *code*, with an argument a line if it is long."""
    if len(code) <= _LONG - _INDENT:
        return code
    call = cst.ensure_type(cst.parse_expression(code), cst.Call)
    module = cst.Module([])
    plain = (arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in call.args)
    lines = "".join(f"    {module.code_for_node(arg)},\n" for arg in plain)
    return f"{module.code_for_node(call.func)}(\n{lines})"


class _Quotes(cst.CSTTransformer):
    """Gives strings the quotes that a module uses for most of its own."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        quotes = [each.quote for each in nodes(module, cst.SimpleString)]
        self._quote = "'" if quotes.count("'") > quotes.count('"') else '"'

    def visit_FormattedString(self, _node: cst.FormattedString) -> bool:  # noqa: N802  (the name is libcst's)
        # Before Python 3.12 what stands in it can't have its quotes.
        return False

    def leave_SimpleString(  # noqa: N802  (the name is libcst's)
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        text = original_node.raw_value
        if original_node.prefix or len(original_node.quote) > 1 or any(each in text for each in "'\"\\"):
            return updated_node
        return updated_node.with_changes(value=f"{self._quote}{text}{self._quote}")


def _styled(condition: str, module: cst.Module) -> cst.BaseExpression:
    """Return *condition* in *module*'s quotes, a long one broken behind the bracket that holds most of it."""
    code = condition
    for bracket in (".scalar(", " in ["):
        head, found, rest = condition.partition(bracket)
        if found and len(condition) > _LONG:
            code = f"{head}{bracket}\n    {rest[:-1]}\n{rest[-1]}"
            break
    statement = cst.parse_statement(f"if {code}:\n    pass\n").visit(_Quotes(module))
    assert isinstance(statement, cst.If)
    return statement.test


def under_condition(condition: str, statement: cst.SimpleStatementLine, module: cst.Module) -> cst.If:
    """Return `if condition:` with *statement* in it; comments above it stay above."""
    inner = statement.with_changes(leading_lines=())
    return cst.If(
        test=_styled(condition, module),
        body=cst.IndentedBlock(body=[inner]),
        leading_lines=statement.leading_lines,
    )


def with_argument(call: cst.Call, name: str, value: str) -> cst.Call:
    """Return *call* with one more keyword argument, on a line of its own where the others have theirs."""
    if any(arg.keyword is not None and arg.keyword.value == name for arg in call.args):
        return call
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    new = cst.Arg(value=cst.parse_expression(value), keyword=cst.Name(name), equal=equal)
    if not call.args:
        return call.with_changes(args=[new])
    *before, last = call.args
    between = _between(call)
    if isinstance(last.comma, cst.Comma):
        # What stands behind the last comma is the way back to the bracket, and maybe a comment on its own argument.
        space = last.comma.whitespace_after
        new = new.with_changes(comma=last.comma.with_changes(whitespace_after=_bare(space)))
        inner = between
        if isinstance(space, cst.ParenthesizedWhitespace) and isinstance(between, cst.ParenthesizedWhitespace):
            inner = between.with_changes(first_line=space.first_line)
        last = last.with_changes(comma=last.comma.with_changes(whitespace_after=inner))
    else:
        new = new.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(
            comma=cst.Comma(whitespace_after=between), whitespace_after_arg=cst.SimpleWhitespace("")
        )
    return call.with_changes(args=[*before, last, new])


def _between(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """Return the space between two arguments; of a single one, that before it, if a line begins with it."""
    comma = call.args[-2].comma if len(call.args) > 1 else None
    if isinstance(comma, cst.Comma):
        return _bare(comma.whitespace_after)
    if isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        return call.whitespace_before_args
    return cst.SimpleWhitespace(" ")


def _bare(space: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """Return *space* without comments."""
    if not isinstance(space, cst.ParenthesizedWhitespace):
        return space
    line = space.first_line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))
    return space.with_changes(first_line=line, empty_lines=())

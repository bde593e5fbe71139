"""Breaks of a Python source: one comparison, operator, constant or condition turned round, everything else as it was."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(), ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(), ast.NotIn: ast.In(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(),
}  # fmt: skip
OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.Div(), ast.Div: ast.Mult(), ast.FloorDiv: ast.Mult(),
    ast.Mod: ast.Mult(),
}  # fmt: skip
SILENT_CALLS = frozenset({"Field", "Query", "getLogger", "TypeVar"})  # their arguments are help texts and names


@dataclass(frozen=True)
class Break:
    """One change of one expression.

    Attributes
    ----------
    line, column
        Where the expression starts, from 1 and from 0.
    before, after
        Its source, and what stands there instead.
    source
        The whole module with the change.
    """

    line: int
    column: int
    before: str
    after: str
    source: str


def breaks(source: str) -> list[Break]:
    """Return every break of a module, in the order of its lines.

    Examples
    --------
    >>> [one.after for one in breaks("fee = price * 2 if price > 3 else 0")]
    ['price / 2', '3', 'price >= 3', '4', '1']
    """
    tree = ast.parse(source)
    made = [_made(source, node, other) for node in _statements(tree) for other in _others(node)]
    return sorted((one for one in made if one.before != one.after), key=lambda one: (one.line, one.column))


def _made(source: str, node: ast.expr, other: ast.expr) -> Break:
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or node.lineno) - 1])) + (node.end_col_offset or 0)
    after = ast.unparse(other)
    broken = source.encode()[:start] + b"(" + after.encode() + b")" + source.encode()[end:]
    return Break(node.lineno, node.col_offset, ast.get_source_segment(source, node) or "", after, broken.decode())


def _statements(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that behaviour hangs on: no annotations, no texts, no arguments of declarations."""
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_silent(child):
                continue
            if isinstance(child, ast.expr) and not isinstance(tree, ast.JoinedStr | ast.FormattedValue):
                yield child
            yield from _statements(child)


def _is_silent(node: ast.AST) -> bool:
    """Tell whether a break there changes nothing: in a declaration, or the ``strict`` of a `zip`, which guards an invariant."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SILENT_CALLS


def _others(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left=left, ops=[only], comparators=comparators) if type(only) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(only)]], comparators)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS and not _is_text(
            left, right
        ):
            yield ast.BinOp(left, OPERATORS[type(operator)], right)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)


def _is_text(*sides: ast.expr) -> bool:
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )

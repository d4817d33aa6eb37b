"""Texts read into expressions; whatever is not listed here is refused."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping

import numpy as np

from hepexp.config.suggest import did_you_mean
from hepexp.data.expressions.expression import Apply, Expression, Name, Node, Number, Reduce
from hepexp.data.expressions.functions import FUNCTIONS, REDUCTIONS
from hepexp.errors import ConfigError

MOST_CHARACTERS = 1000
MOST_DEPTH = 60

_NOT_REDUCTIONS = {"max": "maximum", "min": "minimum"}  # with two arguments
_ARITHMETIC = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power}
_COMPARISONS = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_LOGIC = {ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or, ast.And: np.logical_and, ast.Or: np.logical_or}
_SYMBOLS = {np.logical_and: "&", np.logical_or: "|", np.logical_not: "~"}
_NUMERIC = {*_ARITHMETIC.values(), np.negative}
_KINDS = {
    ast.Constant: "a text; expected columns, numbers and functions",
    ast.JoinedStr: "a text; expected columns, numbers and functions",
    ast.Lambda: "a function; expected columns, numbers and functions from the list",
    ast.IfExp: "'if'; use where(condition, a, b)",
    ast.NamedExpr: "':='; expected columns, numbers and functions",
    ast.Call: "a call that is not of the form function(argument, ...)",
    ast.BinOp: "an operator other than + - * / ** & |",
    ast.Compare: "a comparison other than < <= > >= == !=",
}


def parse(text: object, key: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : an expression, or a number.
    key : of the configuration, for messages.

    Raises
    ------
    ConfigError : it is not an expression of columns, or longer or deeper than any that makes sense.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ConfigError(f"{key} must be an expression of columns or a number, got {text!r}")
    if not isinstance(text, str):
        text = repr(text)
    shown = " ".join(text.split())[:80]
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"{key}: an expression of {len(text)} characters; expected at most {MOST_CHARACTERS}")
    quoted, plain = _without_quotes(text)
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = f" near character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        hint = "names with other characters than letters, digits, _ and . stand in backquotes"
        if plain.count("(") != plain.count(")"):
            hint = "has it been cut at a comma? Inside [] and {}, YAML needs quotes, ['hypot(x, y)']"
        raise ConfigError(f"{key}: '{shown}' is not an expression of columns{at}; {hint}") from None
    reader = _Reader(key, shown, quoted)
    return Expression(text, key, reader.node(tree, 0), tuple(dict.fromkeys(reader.names)))


def in_quotes(name: str) -> str:
    """The name of a column as it stands in an expression: in backquotes if it would mean something else without."""
    try:
        parsed = parse(name, "")
    except ConfigError:
        return f"`{name}`"
    return name if parsed.tree == Name(name) else f"`{name}`"


def can_be_named(name: str) -> bool:
    """Whether an expression in a configuration can name a column: it has no backquote, no line break and the like."""
    try:
        is_itself = parse(in_quotes(name), "").tree == Name(name)
    except ConfigError:
        return False
    return is_itself and name.isprintable() and "${" not in name  # which begins an expression of OmegaConf


def _without_quotes(text: str) -> tuple[dict[str, str], str]:
    """The names in backquotes, and the text with an identifier in the place of each."""
    stem = "column"
    while stem in text:
        stem += "_"
    names: dict[str, str] = {}

    def replaced(match: re.Match) -> str:
        names[f"{stem}{len(names)}"] = match[1]
        return f" {stem}{len(names) - 1} "

    return names, re.sub(r"`([^`\n]+)`", replaced, text)


class _Reader:
    """Conversion of Python's syntax tree into ours; whatever is not listed is refused."""

    def __init__(self, key: str, text: str, quoted: Mapping[str, str]) -> None:
        self.key, self.text, self.quoted = key, text, quoted
        self.names: list[str] = []

    def node(self, node: ast.AST, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise self.refusal(f"is nested more than {MOST_DEPTH} deep")
        read = lambda child: self.node(child, depth + 1)  # noqa: E731
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return self.number(value)
            case ast.Name(id="pi") if node.id not in self.quoted:
                return Number(math.pi)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                self.names.append(self.name(node))
                return Name(self.names[-1])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Apply(np.negative, (read(operand),))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return read(operand)
            case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
                return self.logic(np.logical_not, read(operand))
            case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
                return Apply(_ARITHMETIC[type(op)], (read(left), read(right)))
            case ast.BinOp(left, op, right) if type(op) in _LOGIC:
                return self.logic(_LOGIC[type(op)], read(left), read(right))
            case ast.BoolOp(op, values):
                return self.logic(_LOGIC[type(op)], *map(read, values))
            case ast.Compare(left, operators, others) if all(type(op) in _COMPARISONS for op in operators):
                sides = [read(side) for side in (left, *others)]
                pairs = zip(operators, sides, sides[1:], strict=False)
                return self.logic(
                    np.logical_and, *(Apply(_COMPARISONS[type(op)], (a, b), exact=True) for op, a, b in pairs)
                )
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name not in self.quoted:
                return self.call(name, tuple(map(read, arguments)))
        raise self.refusal(f"contains {_KINDS.get(type(node), type(node).__name__.lower())}")

    def number(self, value: float) -> Number:
        try:
            finite = math.isfinite(float(value))
        except OverflowError:
            finite = False
        if not finite:
            raise self.refusal("has a number that is too large")
        return Number(float(value))

    def name(self, node: ast.AST) -> str:
        match node:
            case ast.Name(id=name):
                return self.quoted.get(name, name)
            case ast.Attribute(value=ast.Name() | ast.Attribute() | ast.Subscript() as value, attr=attribute):
                return f"{self.name(value)}.{attribute}"
            case ast.Subscript(value=ast.Name() | ast.Attribute() as value, slice=ast.Constant(value=int() as index)):
                if not isinstance(index, bool):
                    return f"{self.name(value)}[{index}]"
        what = "an index that is no whole number >= 0" if isinstance(node, ast.Subscript) else "an attribute"
        raise self.refusal(f"contains {what}")

    def logic(self, function: np.ufunc, *conditions: Node) -> Node:
        for condition in conditions:
            arithmetic = isinstance(condition, Apply) and condition.function in _NUMERIC
            if isinstance(condition, Number) or arithmetic:
                raise self.refusal(
                    f"has a number beside '{_SYMBOLS[function]}'; expected conditions, each comparison in parentheses"
                )
        result = conditions[0] if function is not np.logical_not else Apply(function, conditions, exact=True)
        for condition in conditions[1:]:
            result = Apply(function, (result, condition), exact=True)
        return result

    def call(self, name: str, arguments: tuple[Node, ...]) -> Node:
        if name in REDUCTIONS:
            if len(arguments) != 1:
                hint = f"; of two columns: {_NOT_REDUCTIONS[name]}()" if name in _NOT_REDUCTIONS else ""
                raise self.refusal(f"calls {name}() with {len(arguments)} arguments, expected 1{hint}")
            return Reduce(name, arguments[0])
        if name not in FUNCTIONS:
            close = did_you_mean(name, [*FUNCTIONS, *REDUCTIONS])
            known = "" if close else f" (functions: {', '.join([*FUNCTIONS, *REDUCTIONS])})"
            raise self.refusal(f"calls {name}(), which is no function of expressions{close}{known}")
        function, expected = FUNCTIONS[name]
        if len(arguments) != expected:
            raise self.refusal(f"calls {name}() with {len(arguments)} arguments, expected {expected}")
        return Apply(function, arguments)

    def refusal(self, what: str) -> ConfigError:
        return ConfigError(f"{self.key}: '{self.text}' {what}")

"""A figure in a text as a reference to a recorded measurement, never a typed number.

``{{unet_skips.mean(iou, skips=true)|percent}}`` is the mean of a column over the rows of an
experiment that have the given values, and how it is written. What may stand in it:

- ``experiment.mean(column, key=value, …)``, and ``min``, ``max``, ``median``, ``values`` (a list),
  ``count``, ``spread`` (largest minus smallest), ``best`` and ``worst`` (the largest and smallest
  mean over the groups of ``by=column``), ``rows`` (how many).
  Without ``table`` it reads the experiment's rows, with ``table=effects`` another table of it.
- ``experiment.raw("time_to_99.seconds")``: one value of the file.
- ``record.value(carvana, "metrics.test.iou")``: one value of a model's record.
- Numbers in between, with + - * / and parentheses, and lists of all that in brackets. Bare names
  are texts; ``true``, ``false`` and ``null`` are themselves.

A calculation is parsed, never run as Python.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zoo
from pages.common import number_format

REFERENCE = re.compile(r"\{\{(.+?)\}\}")
_WORDS = {"true": True, "false": False, "null": None}
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_MARGIN = 12  # digits of a float in a column that has to equal a typed one


class NotRecordedError(LookupError):
    """An experiment that a reference names is not recorded yet; the text of the error names it."""


class BrokenReferenceError(ValueError):
    """A reference that makes no sense, whatever is recorded."""


def value(expression: str) -> Any:
    """Return what a reference says: a number, a list of numbers, or for a comparison a bool.

    Args:
        expression: What stands between the braces, without a format.

    Raises:
        NotRecordedError: an experiment in it is not recorded.
        BrokenReferenceError: it is no such expression, or no row has these values.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise BrokenReferenceError(f"{expression!r} is no expression ({error.msg}).") from None
    return _evaluate(tree.body, expression)


def text(template: str) -> str:
    """Return a text with each reference replaced by its figure.

    Raises:
        NotRecordedError, BrokenReferenceError: see :func:`value`.
    """
    return REFERENCE.sub(lambda match: _written(match.group(1)), template)


def references(template: str) -> list[str]:
    """Return the expressions of a text, without their formats."""
    return [match.rpartition("|")[0] or match for match in REFERENCE.findall(template)]


def experiments(expression: str) -> set[str]:
    """Return the names of the experiments that an expression reads."""
    return {
        node.func.value.id
        for node in ast.walk(ast.parse(expression.strip(), mode="eval"))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    } - {"record"}


def is_recorded(name: str) -> bool:
    """Return whether an experiment has been measured."""
    return name in zoo.list_experiments()


def written(number: float, form: str) -> str:
    """Write a number in one of the forms that a reference may end with.

    >>> [written(0.946, f).replace("\xa0", " ") for f in ("percent", "percent:0", "fixed:2")]
    ['94.6 %', '95 %', '0.95']
    >>> [written(number, "power").replace("\xa0", " ") for number in (9.1e-11, 1e-6)]
    ['9 × 10⁻¹¹', '10⁻⁶']
    >>> written(22.4, "times").replace("\xa0", " ")
    '22.4 times'
    """
    name, _, digits = form.partition(":")
    if name not in _FORMS:
        raise BrokenReferenceError(f"There is no form {name!r}; there are {', '.join(_FORMS)}.")
    write, usual = _FORMS[name]
    return write(number, int(digits) if digits else usual)


def _written(inside: str) -> str:
    expression, _, form = inside.rpartition("|")
    if not expression:
        raise BrokenReferenceError(f"{inside!r} does not say how it is written.")
    found = value(expression)
    if not isinstance(found, int | float):
        raise BrokenReferenceError(f"{expression!r} is no number.")
    return written(found, form.strip())


_FORMS: dict[str, tuple[Callable[[float, int], str], int]] = {
    "percent": (number_format.percent, 1),
    "points": (lambda x, d: f"{100 * x:.{d}f}{number_format.NBSP}points", 1),
    "fixed": (lambda x, d: f"{x:,.{d}f}", 2),
    "whole": (lambda x, d: f"{x:,.0f}", 0),
    "times": (lambda x, d: f"{x:,.{d}f}{number_format.NBSP}times", 1),
    "count": (lambda x, d: number_format.count(round(x)), 0),
    "duration": (lambda x, d: number_format.duration(x), 0),
    "ms": (lambda x, d: f"{x:,.{d}f}{number_format.NBSP}ms", 0),
    "power": (number_format.power, 0),
}


def _evaluate(node: ast.AST, whole: str) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, whole)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, whole), _evaluate(right, whole))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, whole), _evaluate(right, whole))
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, whole) for part in parts)
        case ast.List(elts=parts):
            return [_evaluate(part, whole) for part in parts]
        case ast.Call(func=ast.Attribute(value=ast.Name(id=source), attr=function)):
            arguments = [_argument(one, whole) for one in node.args]
            where = {str(one.arg): _argument(one.value, whole) for one in node.keywords}
            if source == "record":
                return _of_record(arguments, whole)
            return _of_experiment(source, function, arguments, where, whole)
    raise BrokenReferenceError(f"{whole!r} holds something that no reference may hold.")


def _argument(node: ast.AST, whole: str) -> Any:
    match node:
        case ast.Name(id=name):
            return _WORDS.get(name, name)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    raise BrokenReferenceError(f"{whole!r}: an argument is a name, a text or a number.")


def _of_record(arguments: Sequence[Any], whole: str) -> Any:
    if len(arguments) != 2:
        raise BrokenReferenceError(f"{whole!r}: record.value has a model and a path.")
    return _inside(zoo.record(arguments[0], source="bundle"), str(arguments[1]), whole)


def _inside(tree: Any, path: str, whole: str) -> Any:
    for part in path.split("."):
        try:
            tree = tree[int(part)] if isinstance(tree, Sequence) else tree[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise BrokenReferenceError(f"{whole!r}: nothing has the path {path!r}.") from None
    return tree


@functools.lru_cache(maxsize=64)
def _read(name: str) -> zoo.experiments.Experiment:
    return zoo.experiment(name)


def _of_experiment(
    name: str, function: str, arguments: Sequence[Any], where: dict[str, Any], whole: str
) -> Any:
    if not is_recorded(name):
        raise NotRecordedError(name)
    found = _read(name)
    if function == "raw":
        return _inside(found.raw, str(arguments[0]), whole)
    table = where.pop("table", None)
    rows: Sequence[Mapping[str, Any]] = found.raw.get(table, ()) if table else found.rows
    by = where.pop("by", None)
    rows = [row for row in rows if all(_same(row.get(k), v) for k, v in where.items())]
    if function == "rows":
        return len(rows)
    column = str(arguments[0]) if arguments else ""
    numbers = [row[column] for row in rows if row.get(column) is not None]
    if not numbers:
        raise BrokenReferenceError(f"{whole!r}: no row has these values and {column!r}.")
    if function in ("best", "worst"):
        groups: dict[Any, list[float]] = {}
        for row in rows:
            if row.get(column) is not None:
                groups.setdefault(row.get(str(by)), []).append(row[column])
        return (max if function == "best" else min)(map(statistics.fmean, groups.values()))
    if function not in _SUMMARIES:
        raise BrokenReferenceError(f"{whole!r}: there is no function {function!r}.")
    return _SUMMARIES[function](numbers)


_SUMMARIES: dict[str, Callable[[list[Any]], Any]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "count": lambda numbers: len(set(numbers)),
    "spread": lambda numbers: max(numbers) - min(numbers),
    "values": list,
}


def _same(found: Any, wanted: Any) -> bool:
    """Compare a cell with a typed value; 1 is no ``true``, and 0.1 + 0.2 is 0.3."""
    if isinstance(found, float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=10.0**-_MARGIN)
    return type(found) is type(wanted) and bool(found == wanted)

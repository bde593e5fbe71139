"""Every public function with three or more parameters documents them, and names none that it does not have."""

import ast
import re

import pytest

from tests.conftest import ROOT

MODULES = [
    path
    for part in ("include", "gateway", "observability", "plugins", "demo", "benchmarks")
    for path in sorted((ROOT / part).rglob("*.py"))
]


def public_functions(tree):
    """Yield the functions and methods whose own names, and whose classes' names, are public."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)


def parameters_of(function):
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument.arg for argument in given if argument.arg not in ("self", "cls")]


def documented(docstring):
    """Return the names in the section *Parameters* of a NumPy docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", docstring, flags=re.DOTALL | re.MULTILINE)
    names = re.findall(r"^(\S.*)$", section.group(1), flags=re.MULTILINE) if section else []
    return [name.lstrip("*") for line in names for name in line.split(":")[0].strip().split(", ")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_parameters_are_documented(path):
    for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
        parameters, names = parameters_of(function), documented(ast.get_docstring(function) or "")
        if len(parameters) >= 3 or names:
            allowed = {*parameters, *(arg.arg for arg in (function.args.vararg, function.args.kwarg) if arg)}
            assert set(parameters) <= set(names) <= allowed, f"{function.name}: {names}"

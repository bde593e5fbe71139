"""Every key of a loop file has an effect: the code reads it, and a test shows what it does."""

import ast
import os
import subprocess
import sys
from functools import cache
from typing import Literal, get_args, get_origin

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.conftest import ROOT
from tests.frozen_key import keys

CONFIG = ROOT / "include" / "foundation" / "config"
EVERY = {path: (model, name) for path, model, name in keys()}
ONE_VALUE = {key for key, (model, name) in EVERY.items() if len(get_args(model.model_fields[name].annotation)) == 1
             and get_origin(model.model_fields[name].annotation) is Literal}  # fmt: skip
KEYS = {key: name for key, (_, name) in EVERY.items() if key not in ONE_VALUE}


@cache
def names_read() -> frozenset[str]:
    """Return every attribute that code reads outside the configuration, or in a property of the configuration."""
    files = (path for folder in ("include", "plugins", "dags") for path in (ROOT / folder).rglob("*.py"))
    trees: list[ast.AST] = [ast.parse(path.read_text()) for path in files if CONFIG not in path.parents]
    for path in CONFIG.glob("*.py"):
        trees += [node for node in ast.walk(ast.parse(path.read_text())) if _is_property(node)]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load))


def _is_property(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(ast.unparse(each) == "property" for each in node.decorator_list)


@cache
def names_tested() -> frozenset[str]:
    """Return every name that a test says, as a key, an argument or an attribute, other than the tests of reading loop files."""
    files = [
        path for path in (ROOT / "tests").rglob("*.py") if "config" not in path.parts and path.stem != "frozen_key"
    ]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    arguments = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    return frozenset(texts | arguments | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


@pytest.mark.parametrize("key", KEYS)
def test_key_is_read_where_something_is_done_with_it(key):
    assert KEYS[key] in names_read(), f"nobody reads {key}: take it out of the loop file"


@pytest.mark.parametrize("key", KEYS)
def test_key_is_set_or_looked_at_by_a_test_of_what_it_does(key):
    assert KEYS[key] in names_tested(), f"no test shows what {key} does"


def test_key_of_one_value_says_what_the_product_does_and_refuses_the_rest():
    assert {"task.kind", "deploy.strategy"} == ONE_VALUE
    for model, name in (EVERY[key] for key in ONE_VALUE):
        with pytest.raises(ValidationError):
            TypeAdapter[str](model.model_fields[name].annotation or str).validate_python("another")


def test_key_that_nobody_reads_or_tests_would_be_noticed():
    unread = "a key that nobody" + " reads"
    assert unread not in names_read()
    assert unread not in names_tested()


@pytest.mark.parametrize(
    ("key", "test"),
    [
        ("deploy.max_drop", "promise_is_held"),
        ("tasks.timeout_minutes", "tasks_are_stopped"),
        ("inputs.minimum", "number_outside"),
    ],
)
def test_test_of_an_effect_fails_while_its_key_is_frozen(key, test, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}"]
    command += ["-p", "tests.frozen_key", "tests/contracts/test_effects_of_keys.py", "-k", test]
    frozen = subprocess.run(command, capture_output=True, cwd=ROOT, env={**os.environ, "FROZEN_KEY": key}, check=False)
    assert frozen.returncode == 1, frozen.stdout.decode()

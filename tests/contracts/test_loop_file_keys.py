"""Every key of a loop file has an effect: the code reads it, and a test shows what it does."""

import ast
import json
import os
from functools import cache
from typing import Literal, get_args, get_origin

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.conftest import ROOT
from tests.contracts.shown_by import SHOWN_BY
from tests.forks import Forked
from tests.frozen_key import command_line, keys

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


@pytest.mark.parametrize("key", KEYS)
def test_key_is_read_where_something_is_done_with_it(key):
    assert KEYS[key] in names_read(), f"nobody reads {key}: take it out of the loop file"


def test_key_of_one_value_says_what_the_product_does_and_refuses_the_rest():
    assert {"task.kind"} == ONE_VALUE
    for model, name in (EVERY[key] for key in ONE_VALUE):
        with pytest.raises(ValidationError):
            TypeAdapter[str](model.model_fields[name].annotation or str).validate_python("another")


def test_key_that_nobody_reads_would_be_noticed():
    assert "a key that nobody reads" not in names_read()


def run_frozen(tmp_path, **chosen):
    """Run tests of keys, each while its key is frozen; pytest fails if a test does not notice, or is not there."""
    environment = os.environ | ({"FROZEN": json.dumps(chosen)} if chosen else {})
    arguments = command_line(chosen or SHOWN_BY, f"--basetemp={tmp_path / 'inner'}")
    told = tmp_path / "told"
    told.unlink(missing_ok=True)
    status = Forked(pytest.main, arguments, environment=environment, output=told).wait()
    return status, told.read_text()


def test_every_key_has_a_test_that_fails_while_the_key_is_frozen(tmp_path):
    assert SHOWN_BY.keys() == KEYS.keys()
    status, told = run_frozen(tmp_path)
    assert f"{len(KEYS)} xfailed" in told, told
    assert status == 0


def test_test_that_does_not_look_at_its_key_is_noticed_and_so_is_one_that_is_not_there(tmp_path):
    status, told = run_frozen(tmp_path, **{"gate.margin": SHOWN_BY["deploy.max_drop"]})
    assert (status, "[XPASS(strict)] gate.margin is frozen" in told) == (1, True), told
    status, told = run_frozen(tmp_path, **{"gate.margin": f"{SHOWN_BY['logs.uri']}[no such case]"})
    assert (status, "there is no" in told) == (4, True), told

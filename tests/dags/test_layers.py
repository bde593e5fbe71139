"""Three layers, one arrow: dags → plugins/feedback_loop → include."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

INCLUDE = sorted((ROOT / "include").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
OPERATORS = sorted((ROOT / "plugins" / "feedback_loop" / "operators").glob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", INCLUDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_include_imports_neither_airflow_nor_the_layers_above(path):
    assert not imported(path) & {"airflow", "feedback_loop", "plugins", "dags"}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_are_imported_by_one_name_and_touch_no_database_session(path):
    assert not imported(path) & {"plugins", "dags", "sqlalchemy"}
    assert "create_session" not in path.read_text()
    assert "airflow.settings" not in path.read_text()


def test_plugin_manager_ignores_the_package_that_operators_live_in():
    assert (ROOT / "plugins" / ".airflowignore").read_text().split() == ["feedback_loop/"]


def test_no_module_shadows_a_library():
    own = {path.stem for path in PLUGINS if path.stem != "__init__"} - {"feedback_loop_plugin"}
    others = {stem for stem in own if stem in sys.stdlib_module_names}
    assert others == set()
    assert importlib.util.find_spec("feedback_loop").origin == str(ROOT / "plugins" / "feedback_loop" / "__init__.py")


def test_module_names_are_unique_within_plugins():
    stems = [path.stem for path in PLUGINS if path.stem != "__init__"]
    assert len(stems) == len(set(stems))


@pytest.mark.parametrize("path", OPERATORS, ids=lambda path: path.stem)
def test_templated_fields_are_only_assigned_in_init(path):
    """A templated field is rendered after ``__init__``; one that is computed with there is not rendered yet."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        fields = {
            element.value
            for item in node.body
            if isinstance(item, ast.Assign | ast.AnnAssign) and "template_fields" in ast.dump(item)
            for element in ast.walk(item)
            if isinstance(element, ast.Constant) and isinstance(element.value, str)
        }
        init = next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None)
        if init is None:
            continue
        for statement in init.body:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if isinstance(target, ast.Attribute) and target.attr in fields:
                assert isinstance(statement.value, ast.Name), f"{node.name}.{target.attr}"


@pytest.mark.parametrize("path", OPERATORS, ids=lambda path: path.stem)
def test_perform_and_execute_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name in {"perform", "execute", "execute_complete"}:
            assert node.end_lineno - node.lineno <= 20, f"{path.stem}.{node.name}"

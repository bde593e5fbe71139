"""Three layers, one arrow: dags → plugins/feedback_loop → include; in include two floors, stages on a foundation.

The gateway stands beside the first two: it imports the foundation, and nothing imports it.
"""

import ast
import graphlib
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

INCLUDE = sorted((ROOT / "include").rglob("*.py"))
GATEWAY = sorted((ROOT / "gateway").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
OPERATORS = sorted((ROOT / "plugins" / "feedback_loop" / "operators").glob("*.py"))


# The stages in the order of the loop: each imports the foundation and stages before it, never a later one.
STAGES = (
    "logs", "drift", "selection", "labeling", "labels", "training", "evaluation", "gate", "deployment", "reports",
)  # fmt: skip
FOUNDATION = (
    "errors", "intervals", "digests", "uris", "config", "taxonomy", "store", "decisions", "statistics", "lines", "quality",
    "models", "pages",
)  # fmt: skip


def modules_imported(path: Path) -> set[str]:
    """Return the full names of what a file imports, also within functions and for type checking."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in modules_imported(path)}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def back_arrows(own: str, names: set[str]) -> set[str]:
    """Return which of the imported names a module of include must not import."""
    place = own.split(".")
    banned = ["demo"]
    if not within(own, "include.checks", "include.__main__"):
        banned += ["include.checks"]
    if within(own, "include.factories"):
        banned += ["include.stages"]
    elif within(own, "include.foundation"):
        banned += ["include.stages", "include.factories"]
    elif within(own, *(f"include.stages.{stage}" for stage in STAGES)):
        later = STAGES[STAGES.index(place[2]) + 1 :]
        banned += ["include.factories", *(f"include.stages.{stage}" for stage in later)]
    return {name for name in names if within(name, *banned)}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_folders_are_the_floors_and_the_stages():
    def packages(folder: Path) -> set[str]:
        return {path.parent.name for path in folder.glob("*/__init__.py")} | {
            path.stem for path in folder.glob("[a-z]*.py")
        }

    assert packages(ROOT / "include") == {"checks", "stages", "foundation", "factories"}
    assert packages(ROOT / "include" / "stages") == set(STAGES)
    assert packages(ROOT / "include" / "foundation") == set(FOUNDATION)


@pytest.mark.parametrize("path", INCLUDE, ids=module_name)
def test_no_arrow_leads_back_up(path):
    assert back_arrows(module_name(path), modules_imported(path)) == set()


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("include.stages.drift.detection", "include.stages.selection.frame"),
        ("include.foundation.store.tables", "include.stages.logs.pulling"),
        ("include.foundation.models.building", "include.factories"),
        ("include.factories.linear", "include.stages.logs"),
        ("include.stages.logs.pulling", "demo.story"),
        ("include.stages.reports.overview", "include.checks.loop_check"),
    ],
)
def test_an_arrow_that_is_added_is_seen(own, name):
    assert back_arrows(own, {name, "json", "include.foundation.errors"}) == {name}


def test_no_circle_of_files():
    names = {module_name(path): path for path in [*INCLUDE, *GATEWAY, *(ROOT / "demo").rglob("*.py"), *PLUGINS]}
    own = {name.removeprefix("plugins."): path for name, path in names.items()}
    arrows = {name: {one for one in modules_imported(path) if one in own and one != name} for name, path in own.items()}
    order = list(graphlib.TopologicalSorter(arrows).static_order())  # raises CycleError with the circle
    assert len(order) == len(own)


def test_stems_say_what_is_in_them():
    stems = [path.stem for path in INCLUDE if not path.stem.startswith("__")]
    assert sorted({stem for stem in stems if stems.count(stem) > 1}) == []
    assert not {"utils", "helpers", "manager", "types", "common", "base"} & set(stems)


@pytest.mark.parametrize("path", INCLUDE, ids=lambda path: str(path.relative_to(ROOT)))
def test_include_imports_neither_airflow_nor_the_layers_above(path):
    assert not imported(path) & {"airflow", "feedback_loop", "plugins", "dags", "gateway"}


@pytest.mark.parametrize("path", GATEWAY, ids=lambda path: path.stem)
def test_gateway_imports_the_foundation_only(path):
    assert not imported(path) & {"airflow", "feedback_loop", "plugins", "dags", "demo"}
    of_include = {name for name in modules_imported(path) if within(name, "include")}
    assert {name for name in of_include if not within(name, "include.foundation")} == set()


@pytest.mark.parametrize("path", PLUGINS + sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.stem)
def test_nothing_of_airflow_imports_the_gateway(path):
    assert "gateway" not in imported(path)


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_are_imported_by_one_name_and_touch_no_database_session(path):
    in_api_server = path.name == "loop_runs.py"  # which has a session for each request; see ADR 22
    assert not imported(path) & ({"plugins", "dags"} if in_api_server else {"plugins", "dags", "sqlalchemy"})
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
            if not isinstance(statement, ast.Assign):
                continue
            target = statement.targets[0]
            if isinstance(target, ast.Attribute) and target.attr in fields:
                assert isinstance(statement.value, ast.Name), f"{node.name}.{target.attr}"


@pytest.mark.parametrize("path", OPERATORS, ids=lambda path: path.stem)
def test_perform_and_execute_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name in {"perform", "execute", "execute_complete"}:
            assert node.end_lineno - node.lineno <= 20, f"{path.stem}.{node.name}"


@pytest.mark.parametrize("kind", ["operators", "triggers", "notifiers"])
def test_every_operator_trigger_and_notifier_has_tests_where_the_tree_says(kind):
    bases = {"loop_operator", "interval_operator", "registry_operator", "decision_operator", "challenger_operator"}
    own = {path.stem for path in PLUGINS if path.parent.name == kind} - {"__init__"} - bases
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "plugins" / kind).glob("test_*.py")}
    assert own == tested


def test_every_folder_of_tests_is_a_package():
    """Or two modules of one name would be one to pytest, which then runs neither."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert {str(folder) for folder in folders if not (folder / "__init__.py").exists()} == set()

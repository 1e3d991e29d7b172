"""The direction of imports, the one home of every heavy library, and no cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "twin": {"twin"},
    "sensors": {"sensors", "twin"},
    "hil": {"hil", "twin"},
    "reports": {"reports", "twin"},
    "scenarios": {"scenarios", "sensors", "hil", "reports", "twin"},
}
HOMES = {
    "ray": {"scenarios.cluster"},
    "hydra": {"scenarios.settings"},
    "omegaconf": {"scenarios.settings"},
    "typer": {"scenarios.cli"},
    "matplotlib": {"reports.plots"},
    "carla": {"twin.road.parse"},
    "mcap": {"twin.record"},
    "lark": {"twin.expression"},
    "ruamel": {"twin.authored"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def statements(tree: ast.AST, *, at_import: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports of a module; `at_import`: only those that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif at_import and (is_type_checking(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        else:
            yield from statements(node, at_import=at_import)


def imports(name: str, *, at_import: bool) -> set[str]:
    """Return the modules that module `name` imports, submodules by their full names."""
    path = MODULES[name]
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")), at_import=at_import):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        parents = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
        module = ".".join(filter(None, [base, node.module or ""]))
        for alias in node.names:
            full = f"{module}.{alias.name}"
            found.add(full if full in MODULES else module)
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_towards_the_hub(package: str) -> None:
    wrong = [
        f"{name} imports {target}"
        for name in MODULES
        if name.split(".")[0] == package
        for target in imports(name, at_import=False)
        if target.split(".")[0] in MAY_IMPORT.keys() - MAY_IMPORT[package]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_has_one_home(library: str) -> None:
    strangers = [
        name
        for name in MODULES
        if name not in HOMES[library]
        and any(target.split(".")[0] == library for target in imports(name, at_import=False))
    ]
    assert not strangers, f"{library} belongs to {', '.join(HOMES[library])}, not to {', '.join(strangers)}"


def test_no_module_imports_itself_through_others() -> None:
    graph = {name: imports(name, at_import=True) & MODULES.keys() for name in MODULES}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for target in sorted(graph[name]):
                walk(target, (*way, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def test_the_walk_sees_relative_and_nested_imports() -> None:
    tree = ast.parse("def f():\n    import ray\nif TYPE_CHECKING:\n    import hydra\nimport numpy\n")
    assert len(list(statements(tree, at_import=False))) == 3
    assert len(list(statements(tree, at_import=True))) == 1

"""No module of hepexp needs itself through what it imports, not even by an import inside a function."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import hepexp

PACKAGE = Path(hepexp.__file__).parent


def name(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Module and name of each import below a node, except those for annotations alone."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.ImportFrom(module=str(module), names=names):
                yield from ((module, alias.name) for alias in names)
            case ast.Import(names=names):
                yield from ((alias.name, "") for alias in names)
            case _:
                yield from imported(child)


def test_the_graph_of_imports_has_no_cycle():
    modules = {name(file): file for file in PACKAGE.rglob("*.py")}
    graph = {}
    for module, file in modules.items():
        pairs = imported(ast.parse(file.read_text(encoding="utf-8")))
        graph[module] = {f"{source}.{item}" if f"{source}.{item}" in modules else source for source, item in pairs}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(reversed(error.args[1]))) from None

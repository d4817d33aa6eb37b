"""Find the definition of a class or function in source files, without importing them."""

import ast
from functools import cache

from hepexp.config import targets
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

Definition = ast.ClassDef | ast.FunctionDef
_MAX_HOPS = 8  # re-exports that are followed before a circle is assumed


def find(target: str) -> tuple[Definition, dict[str, ast.expr]]:
    """The definition of a target, and the names that its module gives to types (`Metric = Literal[...]`).

    Raises
    ------
    ConfigError : there is no such module, or nothing of that name in it.
    """
    module, _, name = target.rpartition(".")
    for _ in range(_MAX_HOPS):
        statements = _statements(module)
        if statements is None:
            raise ConfigError(f"_target_ {target} does not exist: there is no module {module}")
        for statement in statements:
            if isinstance(statement, Definition) and statement.name == name:
                return statement, _aliases(statements)
        source = _imported_from(module, statements, name)
        if source is None:
            defined = [statement.name for statement in statements if isinstance(statement, Definition)]
            raise ConfigError(f"_target_ {target} does not exist: {module} has no {name}{did_you_mean(name, defined)}")
        module, name = source
    raise ConfigError(f"_target_ {target} does not exist: its imports go round in a circle")


def is_known(module: str, name: str) -> bool:
    """Whether a name in a module is a class or function whose source `find` may read."""
    try:
        return isinstance(find(f"{module}.{name}")[0], Definition)
    except ConfigError:
        return False


def origin(target: str) -> str | None:
    """The dotted path under which a class is defined, where it may be read; None elsewhere."""
    module, _, name = target.rpartition(".")
    for _ in range(_MAX_HOPS):
        statements = _statements(module) or []
        if any(isinstance(statement, Definition) and statement.name == name for statement in statements):
            return f"{module}.{name}"
        imported = _imported_from(module, statements, name)
        if imported is None:
            return None
        module, name = imported
    return None


def line(target: str) -> list[str]:
    """The dotted paths of a class and of its bases whose source is known, nearest first."""
    found, following = [], [origin(target)]
    for path in following:
        if path and path not in found and isinstance(definition := find(path)[0], ast.ClassDef):
            found.append(path)
            module = path.rpartition(".")[0]
            following += [origin(f"{module}.{base.id}") for base in definition.bases if isinstance(base, ast.Name)]
    return found


def assigned(statement: ast.stmt) -> tuple[str, ast.expr | None] | None:
    """The name that a statement assigns to or annotates, and the value; None for other statements."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return None


def expand(annotation: ast.expr | None, aliases: dict[str, ast.expr]) -> ast.expr | None:
    """An annotation in which names of types are replaced by what they stand for."""

    class Expand(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:  # the name is given by ast
            return aliases.get(node.id, node)

    return Expand().visit(annotation) if annotation else None


@cache
def _statements(module: str) -> list[ast.stmt] | None:
    """The statements of a module; those under `if` and `try` too."""
    path = targets.module_file(module)
    if path is None:
        return None
    try:
        body = ast.parse(path.read_text(encoding="utf-8-sig")).body
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno} is not valid Python: {error.msg}") from error
    inner = [s for statement in body if isinstance(statement, ast.If | ast.Try) for s in statement.body]
    return body + inner


def _aliases(statements: list[ast.stmt]) -> dict[str, ast.expr]:
    """Module-level assignments that look like a type: a subscript or a union."""
    return {
        statement.targets[0].id: statement.value
        for statement in statements
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Subscript | ast.BinOp)
    }


def _imported_from(module: str, statements: list[ast.stmt], name: str) -> tuple[str, str] | None:
    """The module, and the name in it, that a `from ... import` brings a name from."""
    for statement in statements:
        if not isinstance(statement, ast.ImportFrom):
            continue
        for item in statement.names:
            if (item.asname or item.name) == name:
                return _absolute(module, statement), item.name
    return None


def _absolute(module: str, statement: ast.ImportFrom) -> str:
    """The module that an import statement names, relative imports resolved."""
    if not statement.level:
        return statement.module or ""
    path = targets.module_file(module)
    package = module.split(".") if path and path.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - statement.level + 1]
    return ".".join([*base, statement.module] if statement.module else base)

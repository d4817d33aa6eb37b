"""Find the definition of a class or function in source files, without importing them."""

import ast
import builtins
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hepexp.config import former, plugins
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

Definition = ast.ClassDef | ast.FunctionDef
_MAX_HOPS = 8  # re-exports that are followed before a cycle is assumed


class Found(NamedTuple):
    """A definition, the module that contains it, and the module's own names for types (`M = Literal[...]`)."""

    definition: Definition
    module: str
    aliases: dict[str, ast.expr]

    @property
    def path(self) -> str:
        """Dotted path of the definition itself, not of a re-export."""
        return f"{self.module}.{self.definition.name}"


def find(target: str) -> Found:
    """The definition of a target in hepexp or a plug-in.

    Raises
    ------
    ConfigError : there is no such module, it has nothing of that name, or the name is imported from another library.
    """
    if (present := former.present(target)) != target:
        raise ConfigError(f"_target_ {target} is a former name; it is now {present}")
    module, _, name = target.rpartition(".")
    for _ in range(_MAX_HOPS):
        statements = _statements(module)
        if statements is None:
            raise ConfigError(f"_target_ {target} does not exist: there is no module {module}")
        for statement in statements:
            if isinstance(statement, Definition) and statement.name == name:
                return Found(statement, module, _aliases(statements))
        source = _imported_from(module, statements, name)
        if source is None:
            defined = [statement.name for statement in statements if isinstance(statement, Definition)]
            raise ConfigError(f"_target_ {target} does not exist: {module} has no {name}{did_you_mean(name, defined)}")
        module, name = source
        if not plugins.is_own(f"{module}.{name}"):
            raise ConfigError(f"_target_ {target} is not allowed: it is {module}.{name} from another library")
    raise ConfigError(f"_target_ {target} does not exist: its imports are circular")


def is_known(target: str) -> bool:
    """Whether a dotted path is that of a class or function whose source `find` reads."""
    if not plugins.is_own(target):
        return False
    try:
        return isinstance(find(target).definition, Definition)
    except ConfigError:
        return False


def resolve(module: str, name: ast.expr) -> str | None:
    """The dotted path to which a name refers in a module (`nn.Module` is torch.nn.Module); None if it is not a name.

    For what hepexp and plug-ins define, re-exports are followed to the definition.
    """
    first, *attributes = _dotted(name).split(".")
    if not first:
        return None
    statements = _statements(module) or []
    source = _imported_from(module, statements, first) or _imported_module(statements, first)
    path = ".".join([*(source or (module, first)), *attributes]).strip(".")
    return find(path).path if is_known(path) else path


def value_of(module: str, name: ast.expr) -> tuple[str, ast.expr] | None:
    """What a name in a module is assigned at the top of this module, or of the one that it is imported from.

    Returns
    -------
    The module of the assignment, and the assigned expression; None if it is in no module of hepexp or of a plug-in.
    """
    for _ in range(_MAX_HOPS):
        path = resolve(module, name)
        if path is None or not plugins.is_own(path):
            return None
        module, _, last = path.rpartition(".")
        for statement in _statements(module) or []:
            target = assigned(statement)
            if target and target[0] == last and target[1] is not None:
                return module, target[1]
        name = ast.Name(last)
    return None


def ancestors(found: Found) -> list[Found | str]:
    """A class and all its bases, in the order in which Python looks attributes up.

    Each is its definition if the source is ours, otherwise its dotted path. Built-in classes are left out.

    Raises
    ------
    ConfigError : a base is given by a former name.
    """
    line: list[Found | str] = [found]
    for base in found.definition.bases if isinstance(found.definition, ast.ClassDef) else ():
        base = base.value if isinstance(base, ast.Subscript) else base
        path = resolve(found.module, base) or ast.unparse(base)
        if path == found.path or hasattr(builtins, path.rpartition(".")[2]):
            continue
        if path.startswith("hepexp.") and former.present(path) != path:
            raise ConfigError(f"{found.path}: its base {path} is {former.present(path)} now")
        line += ancestors(find(path)) if is_known(path) else [path]
    paths = [ancestor.path if isinstance(ancestor, Found) else ancestor for ancestor in line]
    return [ancestor for i, ancestor in enumerate(line) if paths[i] not in paths[i + 1 :]]  # shared bases come last


def line(target: str) -> list[str]:
    """The dotted paths of a class and of its bases whose source is known, nearest first."""
    known = ancestors(find(target)) if is_known(target) else []
    return [found.path for found in known if isinstance(found, Found)]


def assigned(statement: ast.stmt) -> tuple[str, ast.expr | None] | None:
    """The name that a statement assigns to or annotates, and the value; None for other statements."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return None


def expand(annotation: ast.expr | None, aliases: dict[str, ast.expr]) -> ast.expr | None:
    """An annotation in which names of types are replaced by their definitions."""

    class Expand(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:  # the name is given by ast
            return aliases.get(node.id, node)

    return Expand().visit(annotation) if annotation else None


def module_file(module: str) -> Path | None:
    """The source file of a module, found without importing it."""
    folder = plugins.package_dir(module.split(".")[0])
    if folder is None:
        return None
    path = folder.joinpath(*module.split(".")[1:])
    return next((file for file in (path.parent / f"{path.name}.py", path / "__init__.py") if file.is_file()), None)


@cache
def _statements(module: str) -> list[ast.stmt] | None:
    """The statements of a module; those under `if` and `try` too."""
    path = module_file(module)
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


def _dotted(name: ast.expr) -> str:
    """`a.b.c` as text; empty for any other expression."""
    match name:
        case ast.Name(id=first):
            return first
        case ast.Attribute(value=value, attr=last):
            before = _dotted(value)
            return f"{before}.{last}" if before else ""
        case _:
            return ""


def _imported_from(module: str, statements: list[ast.stmt], name: str) -> tuple[str, str] | None:
    """The module and the name in it from which a `from ... import` imports a name."""
    for statement in statements:
        if not isinstance(statement, ast.ImportFrom):
            continue
        for item in statement.names:
            if (item.asname or item.name) == name:
                return _absolute(module, statement), item.name
    return None


def _imported_module(statements: list[ast.stmt], name: str) -> tuple[str, ...] | None:
    """The module to which `import module as name` or `import name.inner` binds this name."""
    for statement in statements:
        if isinstance(statement, ast.Import):
            for item in statement.names:
                if item.asname == name:
                    return (item.name,)
                if item.asname is None and item.name.split(".")[0] == name:
                    return (name,)
    return None


def _absolute(module: str, statement: ast.ImportFrom) -> str:
    """The module that an import statement names, relative imports resolved."""
    if not statement.level:
        return statement.module or ""
    path = module_file(module)
    package = module.split(".") if path and path.name == "__init__.py" else module.split(".")[:-1]
    base = package[: len(package) - statement.level + 1]
    return ".".join([*base, statement.module] if statement.module else base)

"""`hepexp show GROUP=NAME`: what an option is, and the meaning of each of its keys; `show metric=NAME`.

A circuit is also drawn, with the keys that are typed: `show circuit=brick circuit.n_qubits=4 --save brick.png`.
"""

import ast
import shlex
from pathlib import Path
from typing import Any

from hepexp.cli import circuits, metrics
from hepexp.cli.console import console, table
from hepexp.cli.output_files import add_overwrite, check_target
from hepexp.cli.parser import Parser
from hepexp.config import catalog, expected, own_names, schema, yaml_file
from hepexp.config.nested import flatten
from hepexp.config.quoting import as_typed
from hepexp.config.recipe import RECIPE
from hepexp.errors import ConfigError
from hepexp.evaluation.published_figures import shown
from hepexp.evaluation.rounding import number

LONGEST = 60  # characters of a mapping that is shown in one cell
HELP = "show the keys of an option with types and meanings, what a metric is, or a drawing of a circuit"
CIRCUIT = "circuit"
NOT_OF_A_RUN = ("metric", "study", "sweep")  # groups that hepexp train does not take


def main(args: list[str]) -> int:
    """Print an option: the comments that open its file, then its keys."""
    parser = Parser(prog="hepexp show", description=HELP)
    parser.add_argument(
        "option", metavar="GROUP=NAME", help="e.g. model=lorentznet, metric=test/auc; `train`: keys of a run"
    )
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="of a circuit alone, e.g. circuit.n_qubits=4")
    parser.add_argument("--save", type=Path, metavar="FILE", help="draw the circuit to this PNG file")
    add_overwrite(parser)
    parser.add_argument("--config-dir", type=Path, action="append", help="a folder of your own configurations")
    given = parser.parse_args(args)
    group, found, name = given.option.partition("=")
    if group != CIRCUIT and given.save:
        raise ConfigError("--save is for circuits: hepexp show circuit=NAME --save FILE")
    if given.save:
        if given.save.suffix != ".png":
            raise ConfigError(f"--save must end in .png, got {given.save}")
        check_target(given.save, "--save", given.overwrite)
    if group != CIRCUIT and given.changes:
        raise ConfigError(_alone(given.option, given.changes))
    if group == "metric" and name:
        return metrics.print_one(name)
    searched = catalog.folders(given.config_dir)
    if given.option == "train":
        group, files = "", [catalog.root_file(searched)]
    elif not found:
        catalog.check_group(group, searched)
        raise ConfigError(f"name an option, e.g. hepexp show {group}=...; hepexp list {group} lists them")
    else:
        group = catalog.check_group(group, searched)
        files = catalog.files(group, name, searched)
    content: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    choices: dict[str, str | None] = {}
    for path in files:
        values = expected.as_written(yaml_file.load(path), yaml_file.text_of(path))
        set_here = flatten(values)
        reasons = {key: why for key, why in reasons.items() if key not in set_here} | yaml_file.reasons(path)
        content = own_names.merged(content, values)
        choices |= yaml_file.defaults(path)
    if group == CIRCUIT:
        content = circuits.changed(content, given.changes) if given.changes else content
        schema.check(content, group, name)
    circuit = circuits.built(content) if group == CIRCUIT and schema.TARGET in content else None
    out = console()
    for line in yaml_file.header(files[-1]):  # a command stays on one line, to be copied
        out.print(line, markup=False, soft_wrap=line.startswith("hepexp "))
    print()
    if schema.TARGET in content:
        _show_keys(group, content, reasons)
        _show_recipe(content.get(RECIPE) or {}, reasons)
        if circuit is not None:
            circuits.show(circuit, name, given.save)
    else:
        _show_values(choices, content, reasons)
    return 0


def _alone(option: str, words: list[str]) -> str:
    """Why `show` cannot take these words after an option that is no circuit, and which command does."""
    typed = shlex.join(words)
    if option.partition("=")[0] in NOT_OF_A_RUN:
        return f"hepexp show {option} takes no {typed}: only circuits are shown with other keys, circuit.KEY=VALUE"
    run = shlex.join([*([] if option == "train" else [option]), *words])
    return (
        f"hepexp show takes one option, here {option}, without {typed}; only circuits are shown with other keys, "
        f"circuit.KEY=VALUE. The config of such a run: hepexp train {run} --cfg job"
    )


def _show_keys(group: str, content: dict[str, Any], reasons: dict[str, str]) -> None:
    """The keys of a constructor, and those of its nested objects."""
    header = ["key", "value", "default", "type", "meaning"]
    out = console()
    out.print(f"{content[schema.TARGET]}: {schema.signature(content[schema.TARGET]).doc}", markup=False, style="dim")
    out.print(table(_rows(group, content, reasons), header, styles=["bold", "cyan", "dim", "", ""]))


def _show_recipe(recipe: dict[str, Any], reasons: dict[str, str]) -> None:
    """What a model's file sets for its training where nothing else is asked for."""
    rows = [[f"  {key}", _text(value), reasons.get(f"{RECIPE}.{key}", "")] for key, value in flatten(recipe).items()]
    if rows:
        out = console()
        out.print("its recipe, without a task or another optimizer=, trainer=", style="bold cyan")
        out.print(table(rows))


def _rows(key: str, content: dict[str, Any], reasons: dict[str, str]) -> list[list[str]]:
    """Key, value (the file's, else the default), default, type and meaning of each key of a constructor.

    A value that is an object itself is shown by the name of its class, and its keys follow it.
    """
    rows = []
    for parameter in schema.signature(content[schema.TARGET]).parameters.values():
        name, default = f"{key}.{parameter.name}", _source_text(parameter.default)
        value = content.get(parameter.name)
        is_object = isinstance(value, dict) and schema.TARGET in value
        meanings = dict.fromkeys([parameter.doc.rstrip("."), reasons.get(parameter.name, "")])
        shown = default if parameter.name not in content else _text(value)
        if is_object:
            shown = value[schema.TARGET].rpartition(".")[2]
        listed = isinstance(value, dict) and not is_object and len(shown) > LONGEST  # a row for each of its names
        rows.append([name, "" if listed else shown, default, parameter.type, "; ".join(filter(None, meanings))])
        if listed:
            rows += [[f"  {key}", _text(item), "", "", ""] for key, item in value.items()]
        if is_object:
            inner = f"{parameter.name}."
            whys = {path.removeprefix(inner): why for path, why in reasons.items() if path.startswith(inner)}
            rows += _rows(name, value, whys)
    return rows


def _show_values(choices: dict[str, str | None], content: dict[str, Any], reasons: dict[str, str]) -> None:
    """What builds no object (a task, the root): its choices of options, its values, published figures."""
    chosen = [[f"{key}=", option or "(none)"] for key, option in choices.items() if not key.startswith("hydra/")]
    own = {key: value for key, value in content.items() if key not in ("defaults", "expected", "hydra")}
    values = [[key, _text(value), reasons.get(key, "")] for key, value in flatten(own).items()]
    out = console()
    known = expected.read(content.get("expected") or {})
    exact = [[key, number(value)] for key, value in known.exact.items()]
    for title, rows in (("chooses", chosen), ("sets", values), ("exact figures", exact)):
        if rows:
            out.print(title, style="bold cyan")
            out.print(table([[f"  {row[0]}", *row[1:]] for row in rows]))
    for i, one in enumerate(known.published):
        out.print(f"published figures [{i + 1}]", style="bold cyan", markup=False)
        for line in (one.document, one.conditions, one.note, one.differs, one.link or "no public link known"):
            if line:
                out.print(f"  {line}", markup=False, style="dim")
        out.print(table([[f"  {key}", shown(figure)] for key, figure in one.figures.items()]))


def _source_text(default: str | None) -> str:
    """A default in a signature, as it would be written in YAML."""
    if default is None:
        return "(required)"
    try:
        return _text(ast.literal_eval(default))
    except ValueError:
        return default  # an expression, in another library's signature


def _text(value: Any) -> str:
    """A value as it is written in YAML and on the command line."""
    return as_typed(value, ", ")

"""`hepexp show GROUP=NAME`: what an option is, and the meaning of each of its keys; `show metric=NAME`.

A circuit is also drawn, with the keys that are typed: `show circuit=brick circuit.n_qubits=4 --save brick.png`.
"""

import shlex
from dataclasses import replace
from pathlib import Path

from hepexp.cli import circuits, metrics
from hepexp.cli.console import console, table
from hepexp.cli.output_files import add_overwrite, check_target
from hepexp.cli.parser import Parser
from hepexp.config import catalog, option, schema
from hepexp.config.option import Option
from hepexp.errors import ConfigError
from hepexp.evaluation.published_figures import shown as as_published
from hepexp.evaluation.rounding import number

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
    if given.option == option.ROOT:
        shown = option.read("", option.ROOT, searched)
    elif not found:
        if group in metrics.names():
            raise ConfigError(f"{group} is a metric: hepexp show metric={group}")
        catalog.check_group(group, searched)
        raise ConfigError(f"name an option, e.g. hepexp show {group}=...; hepexp list {group} lists them")
    else:
        group = catalog.check_group(group, searched)
        shown = option.read(group, name, searched)
    circuit = None
    if group == CIRCUIT:
        if given.changes:
            shown = replace(shown, content=circuits.changed(shown.content, given.changes))
        schema.check(shown.content, group, name)
        circuit = circuits.built(shown.content) if shown.target else None
    out = console()
    for line in shown.header:  # a command stays on one line, to be copied
        out.print(line, markup=False, soft_wrap=line.startswith("hepexp "))
    print()
    if shown.target:
        _show_keys(shown)
        if circuit is not None:
            circuits.show(circuit, name, given.save)
    else:
        _show_values(shown)
    return 0


def _alone(given: str, words: list[str]) -> str:
    """Why `show` cannot take these words after an option that is no circuit, and which command does."""
    typed = shlex.join(words)
    if given.partition("=")[0] in NOT_OF_A_RUN:
        return f"hepexp show {given} takes no {typed}: only circuits are shown with other keys, circuit.KEY=VALUE"
    run = shlex.join([*([] if given == "train" else [given]), *words])
    return (
        f"hepexp show takes one option, here {given}, without {typed}; only circuits are shown with other keys, "
        f"circuit.KEY=VALUE. The config of such a run: hepexp train {run} --cfg job"
    )


def _show_keys(shown: Option) -> None:
    """The keys of a constructor, those of its nested objects, and a model's recipe."""
    header = ["key", "value", "default", "type", "meaning"]
    out = console()
    out.print(f"{shown.target}: {shown.doc}", markup=False, style="dim")
    out.print(table(shown.key_rows(), header, styles=["bold", "cyan", "dim", "", ""]))
    if recipe := shown.recipe_rows():
        out.print("its recipe, without a task or another optimizer=, trainer=", style="bold cyan")
        out.print(table(_indented(recipe)))


def _show_values(shown: Option) -> None:
    """What builds no object (a task, the root): its choices of options, its values, published figures."""
    out = console()
    known = shown.expected()
    chosen = [[f"{group}=", name] for group, name in shown.choice_rows()]
    exact = [[key, number(value)] for key, value in known.exact.items()]
    for title, rows in (("chooses", chosen), ("sets", shown.value_rows()), ("exact figures", exact)):
        if rows:
            out.print(title, style="bold cyan")
            out.print(table(_indented(rows)))
    for i, one in enumerate(known.published):
        out.print(f"published figures [{i + 1}]", style="bold cyan", markup=False)
        for line in (one.document, one.conditions, one.note, one.differs, one.link or "no public link known"):
            if line:
                out.print(f"  {line}", markup=False, style="dim")
        out.print(table([[f"  {key}", as_published(figure)] for key, figure in one.figures.items()]))


def _indented(rows: list[list[str]]) -> list[list[str]]:
    return [[f"  {row[0]}", *row[1:]] for row in rows]

"""The page on every verb of the shell, from its parser."""

import contextlib
import io
from argparse import Action
from collections.abc import Sequence
from inspect import cleandoc

import as_markdown as md

from hepexp.cli import data, main
from hepexp.cli.parser import Parser


def text() -> str:
    """The page."""
    parts = [
        "# Verbs",
        "RUN is a run's folder, an MLflow run id, `latest`, or a registered model, `models:/NAME@ALIAS`.",
    ]
    for name, verb in main.VERBS.items():
        parts += [f"## hepexp {name}", md.text(f"{verb.help[0].upper()}{verb.help[1:]}."), *_verb([name])]
        if name == "data":
            for inner, function in data.VERBS.items():
                parts += [f"### hepexp data {inner}", md.text(f"{function.__doc__[0].upper()}{function.__doc__[1:]}.")]
                parts += _verb(["data", inner, *(["qg"] if inner not in ("list", "inspect") else [])])
    return "\n\n".join(filter(None, parts))


def _verb(words: Sequence[str]) -> list[str]:
    """What `--help` says: the arguments of a parser as a table, or its text where a verb has a help of its own."""
    seen: list[Parser] = []
    printed = io.StringIO()
    original, Parser.print_help = Parser.print_help, lambda self, file=None: seen.append(self)
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main.main([*words, "--help"])
    finally:
        Parser.print_help = original
    if not seen:
        return [md.block(printed.getvalue().strip().splitlines())]
    (parser,) = seen
    described = cleandoc(parser.description or "").split("\n\n")
    parts = [md.mixed(part.splitlines()) for part in described if len(described) > 1]
    rows = [
        [", ".join(map(md.code, _names(action))), md.text((action.help or "").replace("%%", "%"))]
        for action in parser._actions
        if action.dest != "help"
    ]
    return [*parts, md.table(["argument", "meaning"], rows) if rows else ""]


def _names(action: Action) -> list[str]:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    if not action.option_strings:
        return [str(value)]
    last = "" if action.nargs == 0 else f" {value}"
    return [f"{flag}{last}" for flag in action.option_strings]

"""`hepexp __complete LINE`: what can come next on a command line, one candidate per line.

It runs at each press of the tab key, so it reads YAML and source files and imports neither Hydra nor torch.
"""

import ast
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from hepexp.cli.completion import SCRIPTS
from hepexp.config import catalog, figures_of_merit, kind, metrics, named_objects, paths, schema, source, yaml_file
from hepexp.config.annotations import literals, members
from hepexp.config.command_line import ALIASES, FLAGS, translate

TRAIN_FLAGS = [*FLAGS, "-m", "--resume", "--rerun-failed"]
SWEEP_FLAGS = ["--resume", "--config-dir", "--help"]
FORMS = ["log(", "uniform(", "int(", "log-int(", "choice("]  # of a dimension of a sweep
QUOTES = "'\""
MAX_RUNS = 50
CLI = "hepexp.cli"


def main(args: list[str]) -> int:
    """Print the candidates that begin like the last word of the line; nothing where the line makes no sense."""
    line = args[0] if args else ""
    *words, last = line.split(" ") if line else [""]
    words = [word.strip(QUOTES) for word in words if word][1:]  # without `hepexp`
    last = last.lstrip(QUOTES)
    try:
        found = candidates(words, last)
    except Exception:  # a message must not interrupt the user's typing
        found = []
    for candidate in found:
        if candidate.startswith(last):
            print(candidate)
    return 0


def candidates(words: list[str], last: str) -> list[str]:
    """What can follow some words; may hold more than what begins like the last, unfinished word."""
    from hepexp.cli.main import VERBS

    if not words:
        return [*VERBS, "--help", "--version"]
    verb, *before = words
    if verb == "sweep":
        return _sweep(before, last)
    if before and before[-1] in ("--resume", "--rerun-failed"):
        return _runs()
    if verb == "train":
        if last.startswith("-"):
            return TRAIN_FLAGS
        return _of_runs(before, last)
    if verb == "study":
        return _study(before, last)
    if verb not in VERBS:
        return []
    flags, choices = _arguments(VERBS[verb].module)
    if last.startswith("-"):
        return flags
    if verb == "list":
        return [*catalog.groups(catalog.folders()), "metric"]
    if verb == "show":
        return _shown(last)
    if verb == "completion":
        return list(SCRIPTS)
    if verb in ("evaluate", "predict", "sample", "check", "explain", "export", "compare", "report", "register", "sync"):
        # After a flag comes its value, often a file, which the shell completes better.
        return [] if before and before[-1].startswith("-") else _runs()
    if verb == "data" and before[:1] == ["inspect"]:
        return []  # files, which the shell completes
    if verb == "data" and len(before) > 1 and translate([last])[0].startswith("dataset."):
        return _overrides([f"dataset={before[1]}"], last)
    if verb == "data" and before:
        given = [Path(folder) for flag, folder in pairwise(before) if flag == "--config-dir"]
        return list(catalog.options("dataset", catalog.folders([folder for folder in given if folder.is_dir()])))
    return [] if before else choices


def _of_runs(before: list[str], last: str) -> list[str]:
    """Overrides without the groups of `hepexp sweep` and `hepexp study`."""
    groups = tuple(f"{group}=" for group in kind.OF_MANY_RUNS)
    return [found for found in _overrides(before, last) if not found.startswith(groups)]


def _study(before: list[str], last: str) -> list[str]:
    """The names of studies, then what is completed for `train`."""
    if last.startswith("-"):
        return _arguments(f"{CLI}.study")[0]
    named = [word for word in before if word in catalog.options("study", catalog.folders())]
    if named or "=" in last:
        return ["seeds=", *_of_runs([word for word in before if word not in named], last)]
    return list(catalog.options("study", catalog.folders()))


def _sweep(before: list[str], last: str) -> list[str]:
    """What is completed for `train`, the keys of the group `sweep`, and for each key of the space its forms."""
    if before and before[-1] == "--resume":
        return [path.name for path in sorted((paths.runs_dir() / "sweeps").glob("*"))]
    if last.startswith("-"):
        return SWEEP_FLAGS
    if last.startswith("sweep.space."):
        key, sign, _ = last.removeprefix("sweep.space.").partition("=")
        found = [f"{key}={form}" for form in FORMS] if sign else _overrides(before, key)
        return [f"sweep.space.{item}" for item in found if not item.startswith("sweep")]
    found = _overrides(["sweep=default", *before], last)
    return [item.replace("sweep.space=", "sweep.space.") for item in found]


def _shown(last: str) -> list[str]:
    """What `show` can be asked for: the keys of a run, options, metrics."""
    if "=" not in last:
        return ["train", "metric=", *_options("")]
    group = last.split("=")[0]
    return [f"metric={key}" for key in metrics.all_keys()] if group == "metric" else _options(group)


def _overrides(before: list[str], last: str) -> list[str]:
    """Groups, their options, their keys, and the values of keys that have a list of them."""
    prefix = last[: len(last) - len(last.lstrip("+~"))]
    word = last[len(prefix) :]
    searched = catalog.folders()
    groups = [name for name in catalog.groups(searched) if name not in named_objects.GROUPS.values()]
    group = ALIASES.get(word.split(".")[0].split("=")[0], word.split(".")[0].split("=")[0])
    if "=" in word:
        key = word.split("=")[0]
        found = _options(key) if "." not in key else _values(key, before)
        # In a sweep, `model=lorentznet,p`, the last value is the one to complete.
        done = word[: word.rfind(",") + 1] if "," in word else f"{key}="
        return [f"{prefix}{done}{item.partition('=')[2]}" for item in found]
    if "." in word and group in groups:
        return [f"{prefix}{word.split('.')[0]}.{name}=" for name in _schema(group, before).parameters]
    known = yaml_file.load(catalog.root_file(searched))
    keys = [f"{key}{'.' if isinstance(value, dict) else '='}" for key, value in known.items() if key != "defaults"]
    dots = [f"{group}." for group in groups if any(group == chosen for chosen in _chosen(before))]
    return [prefix + item for item in [f"{group}=" for group in [*groups, *ALIASES]] + keys + dots]


def _options(group: str) -> list[str]:
    """`group=option` for a group or its alias, for all groups where none is given."""
    searched = catalog.folders()
    groups = [group] if group else catalog.groups(searched)
    found = {name: catalog.options(ALIASES.get(name, name), searched) for name in groups}
    return [f"{name}={option}" for name, options in found.items() for option in options]


def _chosen(before: list[str]) -> dict[str, str]:
    """The option of each group: the root's own, changed by a task and by the words before."""
    searched = catalog.folders()
    typed = dict(word.lstrip("+~").split("=", 1) for word in translate(before) if "=" in word)
    chosen = yaml_file.defaults(catalog.root_file(searched))
    if task := typed.get("task"):
        for path in catalog.files("task", task, searched):
            chosen |= yaml_file.defaults(path)
    chosen |= {key: value.split(",")[0] for key, value in typed.items() if key in catalog.groups(searched)}
    return {group: option for group, option in chosen.items() if option and group != "task"}


def _schema(group: str, before: list[str]) -> schema.Schema:
    path = catalog.find(group, _chosen(before).get(group, ""), catalog.folders())
    return schema.signature(yaml_file.load(path).get(schema.TARGET, ""))


def _values(key: str, before: list[str]) -> list[str]:
    """`key=value` for each value that the type of a key lists."""
    group, _, name = translate([key])[0].partition(".")
    if (group, name) == ("evaluation", "metrics"):
        return [f"{key}=[{figure}]" for figure in figures_of_merit.classes()]
    parameter = _schema(group, before).parameters.get(name)
    if parameter and (named := named_objects.group_of(members(parameter.annotation), parameter.module)):
        return [f"{key}={option}" for option in ("null", *catalog.options(named, catalog.folders()))]
    texts: dict[object, object] = {None: "null", True: "true", False: "false"}
    return [f"{key}={texts.get(item, item)}" for item in literals(parameter.annotation if parameter else None)]


def _runs() -> list[str]:
    """`latest` and the newest run folders."""
    runs = paths.runs_dir()
    found = sorted((path for path in runs.glob("*/*") if os.path.isfile(path / "config.yaml")), reverse=True)
    return ["latest", *map(str, found[:MAX_RUNS])]


def _texts(expressions: Iterable[ast.expr | None]) -> list[str]:
    """Those of them that are text."""
    constants = [one.value for one in expressions if isinstance(one, ast.Constant)]
    return [value for value in constants if isinstance(value, str)]


def _arguments(module: str) -> tuple[list[str], list[str]]:
    """Flags and sub-commands of a verb, as its source declares them: calls of add_argument, a table of names.

    The flags of modules of the command line that it imports are its own too.
    """
    flags, modules = ["--help"], [module]
    choices: list[str] = []
    for name in modules:  # grows in the loop
        path = source.module_file(name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8-sig") if path else "")):
            match node:
                case ast.Call(func=ast.Attribute(attr="add_argument"), args=names):
                    flags += _texts(names)
                case ast.Assign(targets=[ast.Name(id="VERBS" | "CASES")], value=ast.Dict(keys=keys)) if name == module:
                    choices += _texts(keys)
                case ast.ImportFrom(module=str(package), names=names) if package.startswith(CLI):
                    found = [f"{CLI}.{one.name}" for one in names] if package == CLI else [package]
                    modules += [one for one in found if one not in modules]
    return list(dict.fromkeys(flag for flag in flags if flag.startswith("-"))), choices

"""The command `hepexp`: find the verb, run it, and turn its errors into one line and an exit code."""

import os
import sys
from importlib import import_module
from typing import NamedTuple

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError, Interrupted
from hepexp.interrupts import INTERRUPTED, Interrupts, leave
from hepexp.outputs import enduring, failure
from hepexp.spelling import visible


class Verb(NamedTuple):
    """One verb: the module whose `main(args) -> int` does it, and what it does in a line.

    Parameters
    ----------
    recorded : whether its result is on disk, so that what it prints may be lost.
    """

    module: str
    help: str
    recorded: bool = False


VERBS = {
    "train": Verb("hepexp.cli.train", "train a model: compose groups, run, and keep a complete record", True),
    "evaluate": Verb("hepexp.cli.evaluate", "evaluate the best checkpoint of a run again"),
    "predict": Verb("hepexp.cli.predict", "score the jets in a file with a run's model"),
    "sample": Verb("hepexp.cli.sample", "generate examples with a run's model, in a file of its data set"),
    "check": Verb("hepexp.cli.check", "audit a run: symmetries, infrared and collinear safety, detector effects"),
    "explain": Verb("hepexp.cli.explain", "explain what a run's classifier decides by, and judge that by deletion"),
    "export": Verb("hepexp.cli.export", "write a run's network as an ONNX, TorchScript or pt2 file for other programs"),
    "sweep": Verb("hepexp.cli.sweep", "tune keys with Optuna: resumable, on one machine or several", True),
    "study": Verb("hepexp.cli.study", "run a study: many runs by one file, resumable, one table and one figure", True),
    "compare": Verb("hepexp.cli.compare", "compare runs: means over seeds, significance, tables, a figure"),
    "report": Verb("hepexp.cli.report", "write one HTML page about a run or an experiment"),
    "register": Verb("hepexp.cli.register", "register a run's model under a name, for mlflow.pyfunc"),
    "sync": Verb("hepexp.cli.sync", "send runs to an MLflow server that was out of reach"),
    "data": Verb("hepexp.cli.data", "list, show, download, generate, convert, export and verify data sets"),
    "list": Verb("hepexp.cli.list", "list the groups, the options of a group, or all metrics"),
    "show": Verb(
        "hepexp.cli.show", "show the keys of an option with types and meanings, a circuit, or what a metric is"
    ),
    "ui": Verb("hepexp.cli.ui", "look at all runs in a browser (MLflow)"),
    "doctor": Verb("hepexp.cli.doctor", "check this machine and this installation"),
    "bench": Verb("hepexp.cli.bench", "measure speed against reference implementations"),
    "completion": Verb("hepexp.cli.completion", "print the completion script of a shell: bash, zsh or fish"),
}
ELSEWHERE = {  # what other programs call it, or a word of ours that is no verb: what to type
    "datasets": "hepexp data list",
    "fit": "hepexp train",
    "infer": "hepexp predict RUN",
    "info": "hepexp doctor",
    "metrics": "hepexp list metric",
    "models": "hepexp list model",
    "plot": "hepexp compare --plot FILE",
    "resume": "hepexp train --resume RUN",
    "run": "hepexp train",
    "runs": "hepexp compare, or hepexp ui",
    "serve": "hepexp register RUN",
    "tasks": "hepexp list task",
    "test": "hepexp evaluate RUN",
    "tune": "hepexp sweep",
    "version": "hepexp --version",
}
HIDDEN = {
    "__complete": Verb("hepexp.cli.complete", "candidates for the shell's completion"),
    "__work": Verb("hepexp.cli.sweep_worker", "one worker of a sweep", True),
}

FRONT = """\
hepexp: config-driven experiments for machine learning in high-energy physics

usage: hepexp VERB [...]

{verbs}

examples:
  hepexp train model=lorentznet data=qg      train with early stopping, evaluate, keep the record in runs/
  hepexp list model                          the options of the group model
  hepexp show model=lorentznet               its keys: model.n_hidden=..., ...
  hepexp VERB --help                         more about a verb

RUN is a run's folder, an MLflow run id, `latest`, or a registered model, models:/NAME@ALIAS.
"""


def main(args: list[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    args : the words after `hepexp`; those of this process by default.

    Returns
    -------
    The exit code: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted.
    """
    args = sys.argv[1:] if args is None else args
    with enduring() as outputs:
        code = _attempt(args)
        sys.stdout.flush()
        if (reason := failure(outputs.get("stdout"))) and not code:
            code = _unwritten(reason, args)
    return code


def _attempt(args: list[str]) -> int:
    try:
        with Interrupts(importing=leave):
            return _run(args)
    except HepexpError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, Interrupted):
        return _fail("interrupted", INTERRUPTED)
    except Exception as error:
        if os.environ.get("HEPEXP_DEBUG"):
            raise
        if isinstance(error, OSError) and error.filename:  # of another user, read-only, or no longer there
            return _fail(f"{error.filename}: {error.strerror}", 1)
        from hepexp.config import plugins
        from hepexp.memory import ran_out

        if ran_out(error):
            return _fail("there is not enough memory: choose a smaller dataset.batch_size, or a smaller model", 1)
        where = "; ".join(getattr(error, "__notes__", [])) or "set HEPEXP_DEBUG=1 for the traceback"
        return _fail(f"{plugins.describe(error)}; {where}", 1)


def _unwritten(reason: str, args: list[str]) -> int:
    """Say that standard output is incomplete; return the exit code, 0 where the result is on disk."""
    message = f"standard output could not be written: {reason}"
    if args and args[0] == "__complete":
        return 0  # never a message amidst the user's typing
    if args and args[0] in VERBS | HIDDEN and (VERBS | HIDDEN)[args[0]].recorded:
        print(f"hepexp: warning: {message}; the record is complete", file=sys.stderr)
        return 0
    return _fail(message, 1)


def _run(args: list[str]) -> int:
    if args[:1] == ["help"] and args[1:2] and args[1] in VERBS:
        args = [args[1], "--help"]
    if not args or args[0] in ("-h", "--help", "help"):
        width = max(map(len, VERBS))
        print(FRONT.format(verbs="\n".join(f"  {name:<{width}}  {verb.help}" for name, verb in VERBS.items())), end="")
        return 0
    if args[0] == "--version":
        from hepexp.tracking import provenance

        print(f"hepexp {provenance.version()}")
        return 0
    name, *rest = args
    if name not in VERBS | HIDDEN:
        hint = f"; type {ELSEWHERE[name]}" if name in ELSEWHERE else did_you_mean(name, VERBS)
        raise ConfigError(f"unknown verb '{name}'{hint} (verbs: {', '.join(VERBS)})")
    if name in VERBS:
        if "" in rest:
            raise ConfigError(f"hepexp {name} was given an empty word ('' in the shell): is a variable unset?")
        from hepexp.tracking.log import log_to_terminal

        log_to_terminal()
    return import_module((VERBS | HIDDEN)[name].module).main(rest) or 0


def _fail(message: str, code: int) -> int:
    print(f"hepexp: error: {visible(' '.join(message.split()))}", file=sys.stderr)
    return code

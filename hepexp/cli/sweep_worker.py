"""hepexp __work: one worker of a sweep, a process that `hepexp sweep` starts; the storage is in its environment."""

from __future__ import annotations

from hepexp.cli.parser import Parser


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp __work")
    parser.add_argument("name", help="of the sweep")
    parser.add_argument("run", help="MLflow run whose children the trials are")
    parser.add_argument("--parent", type=int, help="process whose end keeps further trials from starting")
    options = parser.parse_args(args)

    from hepexp.sweep import worker

    worker.start(options.name, options.run, options.parent)
    return 0

"""hepexp __work: one worker of a sweep, started by `hepexp sweep` here or on a cluster."""

from __future__ import annotations

from hepexp.cli.help import Parser


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp __work")
    parser.add_argument("name", help="of the sweep")
    parser.add_argument("storage", help="its address")
    parser.add_argument("number", type=int, help="of the worker")
    parser.add_argument("--parent", type=int, help="process without which no further trial is begun")
    options = parser.parse_args(args)

    from hepexp.sweep.study import load_study, open_storage
    from hepexp.sweep.worker import work

    work(load_study(open_storage(options.storage), options.name), options.number, options.parent)
    return 0

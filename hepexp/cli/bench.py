"""hepexp bench: each part and its reference timed in turn, in one process, as medians."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from hepexp.cli.parser import Parser
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

# case -> what it compares; each is hepexp.bench.<case>.rows()
CASES = {
    "lorentznet": "training steps of LorentzNet, jets/s, against an edge-list implementation",
    "taggers": "training steps and inference of taggers, jets/s, against their authors' modules or their equations",
    "reconstruction": "graphs of hits, tracks, vertices and jet assignment, events/s, against their plain forms",
    "equivariant": "training steps of steerable networks, images/s, against escnn's layers and the convolutions alone",
    "overhead": "an epoch of `hepexp train`, jets/s, against a bare PyTorch loop",
    "tracking": "a two-minute training, epochs/s, and the share of its time spent waiting for MLflow",
    "showers": "generated calorimeter showers, showers/s, against Geant4",
    "generate": "simulated quark/gluon jets, jets/s, against a plain Python loop",
    "read_images": "random batches of jet images, images/s, against gzip HDF5 and a cache of one Parquet partition",
    "convert": "conversion of a user's ROOT file, jets/s, against uproot.iterate over the same columns alone",
    "loader": "training steps, batches/s, with the loader against batches in memory, and the share of waiting time",
    "quantum": "circuits, fidelities, swap tests and noise, forward and backward, circuits/s or pairs/s, vs PennyLane",
    "theory": "squared matrix elements of gluons, events/s, against a loop over orderings and helicities",
    "start": "`hepexp --help` and the time to the first training step, starts/s",
    "export": "each model as an ONNX file, examples/s, how far its scores differ, or why there is none; if named only",
    "gpu": "taggers and circuits on one GPU in float32, bfloat16 and compiled, against their references; if named only",
}
IF_NAMED = ("gpu", "export")
OURS = ("hepexp", "statevector", "torch")  # as implementations are called
OPTIONS = ("device", "budget", "quick")  # of `gpu`

HELP = """\
hepexp bench [NAME ...] [--json]      time hepexp and its references in turn: medians after a warm-up

""" + "\n".join(f"  {name:<15}{text}" for name, text in CASES.items())
HELP += """

  hepexp bench gpu [--device cpu|cuda] [--budget 7m30s] [--quick]
      --device    by default the GPU if there is one; on a CPU batches are tiny, and the figures say nothing about GPUs
      --budget    time after which what is not yet measured is left out
      --quick     models of a few thousand parameters, to try the command
"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp bench", add_help=False, allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--device", choices=("cpu", "cuda"))
    parser.add_argument("--budget")
    parser.add_argument("--quick", action="store_true", default=None)
    if {"--help", "-h"} & set(args):
        print(HELP)
        return 0
    asked = parser.parse_args(args)
    for name in asked.names:
        if name not in CASES:
            raise ConfigError(f"unknown benchmark {name!r}{did_you_mean(name, CASES)}; see: hepexp bench --help")
    options = {name: value for name in OPTIONS if (value := getattr(asked, name)) is not None}
    if options and asked.names != ["gpu"]:
        raise ConfigError(f"--{next(iter(options))} is an option of: hepexp bench gpu")
    rows: list[dict] = []
    for name in asked.names or [name for name in CASES if name not in IF_NAMED]:
        print(f"measuring {name}: {CASES[name]}", file=sys.stderr, flush=True)
        rows += import_module(f"hepexp.bench.{name}").rows(**options)
    if asked.json:
        print(json.dumps(rows, indent=2))
    else:
        _show(rows)
    return 0


def _mebibytes(value: int) -> str:
    return f"{value / 2**20:,.0f}"


# what a row may have besides its rate: heading, how it is written
BESIDES: dict[str, tuple[str, Any]] = {
    "parameters": ("parameters", "{:,}".format),
    "difference": ("they differ by", "{:.1e}".format),
    "latency_1": ("ms alone", "{:.3g}".format),
    "latency_512": ("ms in batches of 512", "{:.3g}".format),
    "waiting": ("waiting (max)", "{:.1%}".format),
    "synchronisations": ("waits a step", str),
    "memory": ("peak MiB", _mebibytes),
    "operations": ("floor, operations", "{:,.0f}".format),
    "bytes": ("floor, bytes", "{:,.0f}".format),
    "compile_seconds": ("compiled in s", "{:.0f}".format),
}


def _show(rows: list[dict]) -> None:
    from hepexp.console import console
    from hepexp.text_table import Column, TextTable

    besides = [key for key in BESIDES if any(key in row for row in rows)]
    notes = any("note" in row for row in rows)
    cells = []
    ours: dict[str, float | None] = {}  # a case names ours first
    for row in rows:
        is_reference, rate = row["case"] in ours, row["per_second"]
        own = ours.setdefault(row["case"], rate if row["implementation"] in OURS else None)
        ratio = f"{own / rate:.2f} x" if is_reference and own and rate else ""
        more = [BESIDES[key][1](row[key]) if key in row else "" for key in besides]
        shown = f"{rate:,.3g}" if rate else ""
        note = [row.get("note", "")] if notes else []
        cells.append([row["case"], row["implementation"], shown, ratio, *more, *note])
    headings = ["per second", "our speed-up", *(BESIDES[key][0] for key in besides)]
    columns = [Column("case", "name"), Column("implementation"), *(Column(text, "figure") for text in headings)]
    columns += [Column("note")] if notes else []
    console().print(TextTable(columns, cells, more="--json has them"))

"""hepexp bench: each part and its reference timed in turn, in one process, as medians."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

# case -> what it compares; each is hepexp.bench.<case>.rows()
CASES = {
    "lorentznet": "training steps of LorentzNet, jets/s, against an edge-list implementation",
    "taggers": "training steps and inference of taggers, jets/s, against their authors' modules or their equations",
    "overhead": "an epoch of `hepexp train`, jets/s, against a bare PyTorch loop",
    "tracking": "a two-minute training, epochs/s, and the share of its time spent waiting for MLflow",
    "generate": "simulated quark/gluon jets, jets/s, against a plain Python loop",
    "read_images": "random batches of jet images, images/s, against gzip HDF5 and a cache of one Parquet partition",
    "convert": "conversion of a user's ROOT file, jets/s, against uproot.iterate over the same columns alone",
    "loader": "training steps, batches/s, with the loader against batches in memory, and the share of waiting time",
    "quantum": "circuits forward and backward, circuits/s, against PennyLane and DeepQuantum where installed",
    "start": "`hepexp --help` and the time to the first training step, starts/s",
}

HELP = """\
hepexp bench [NAME ...] [--json]      time hepexp and its references in turn: medians after a warm-up

""" + "\n".join(f"  {name:<12}{text}" for name, text in CASES.items())


def main(args: list[str]) -> int:
    if {"--help", "-h"} & set(args):
        print(HELP)
        return 0
    names = [arg for arg in args if arg != "--json"]
    for name in names:
        if name not in CASES:
            raise ConfigError(f"unknown benchmark {name!r}{did_you_mean(name, CASES)}; see: hepexp bench --help")
    rows: list[dict] = []
    for name in names or CASES:
        print(f"measuring {name}: {CASES[name]}", file=sys.stderr, flush=True)
        measure: Callable[[], list[dict]] = import_module(f"hepexp.bench.{name}").rows
        rows += measure()
    if "--json" in args:
        print(json.dumps(rows, indent=2))
    else:
        _show(rows)
    return 0


def _show(rows: list[dict]) -> None:
    from hepexp.console import console
    from hepexp.text_table import Column, TextTable

    waits = any("waiting" in row for row in rows)
    headings = ["per second", "our speed-up", *(["waiting (max)"] if waits else [])]
    cells = []
    ours: dict[str, float] = {}  # a case names ours first
    for row in rows:
        is_reference = row["case"] in ours
        rate = ours.setdefault(row["case"], row["per_second"])
        ratio = f"{rate / row['per_second']:.2f} x" if is_reference else ""
        waiting = [f"{row['waiting']:.1%}" if "waiting" in row else ""] if waits else []
        cells.append([row["case"], row["implementation"], f"{row['per_second']:,.3g}", ratio, *waiting])
    columns = [Column("case", "name"), Column("implementation"), *(Column(text, "figure") for text in headings)]
    console().print(TextTable(columns, cells, more="--json has them"))

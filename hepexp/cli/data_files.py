"""`hepexp data VERB NAME` for those verbs that make, fetch, write or check files."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.console import console, table
from hepexp.cli.data_options import (
    add_number_and_seed,
    add_source,
    check_files,
    described,
    number_and_seed,
    open_examples,
)
from hepexp.cli.output_files import add_overwrite, check_target, writing
from hepexp.cli.parser import Parser, at_least
from hepexp.errors import ConfigError, DataError
from hepexp.spelling import visible
from hepexp.splits import SPLITS

if TYPE_CHECKING:
    from hepexp.simulation.cluster import Cluster

_CLUSTER_JOBS, _MOST_JOBS = 10, 10_000
_CITE = {
    "pythia8mc": "Pythia 8 (arXiv:2203.11601)",
    "fastjet": "FastJet 3 (arXiv:1111.6097, hep-ph/0512210)",
    "pyacts": "ACTS (arXiv:2106.13593)",
    "geant4-pybind": "Geant4 (Nucl. Instrum. Meth. A 506 (2003) 250, IEEE Trans. Nucl. Sci. 53 (2006) 270)",
}


def download(parser: Parser, args: list[str]) -> None:
    """download the published files; resumes where it was interrupted"""
    parser.add_argument(
        "--files", type=at_least(1), metavar="N", help="only the first N files of each split; all by default"
    )
    given = parser.parse_args(args)
    from hepexp.data.download.download import download as download_file
    from hepexp.data.download.progress import download_progress

    info = described(given)
    if not info.releases:
        raise ConfigError(f"{given.name} has no published files; to make them: {info.how_to_fetch}")
    check_files(info, given)
    for part in info.parts(given.files):
        for file in part.files:
            print(visible(str(download_file(info, file, download_progress))))


def generate(parser: Parser, args: list[str]) -> None:
    """simulate examples on this machine; resumes where it was interrupted"""
    add_number_and_seed(parser, "examples, equally many of each class", "the same seed gives the same examples")
    _add_jobs(parser, "one per core")
    parser.add_argument(
        "--out", type=Path, help="file to write, .parquet or .arrow; default: where source=generate looks for it"
    )
    parser.add_argument(
        "--classes", default="", metavar="A,B", help="classes to simulate; default: all, but those that need more data"
    )
    given = parser.parse_args(args)
    if given.out is not None and given.out.suffix not in (".parquet", ".arrow"):
        raise ConfigError(f"--out must end in .parquet or .arrow, got {given.out}")
    if given.out is not None:  # where the same sample is there already, nothing is made; another one is not replaced
        check_target(given.out, "--out", overwrite=True)
    info = described(given)
    from hepexp.simulation.process_pool import make_blocks
    from hepexp.simulation.simulate import check_simulation, generator, simulate

    make = _cluster(given) or make_blocks
    jobs = given.jobs or (os.cpu_count() or 1 if make is make_blocks else _CLUSTER_JOBS)
    classes = tuple(filter(None, given.classes.split(",")))
    n, seed = number_and_seed(given)
    check_simulation(info, n, seed, jobs, classes)
    from hepexp.data.download.progress import examples_progress

    for package, cite in _CITE.items():
        if package in generator(info).PACKAGES:
            print(cite, file=sys.stderr)
    with examples_progress("simulating", n, info.noun) as report:
        out = simulate(info, n, seed, jobs, report, given.out, classes, make)
    print(visible(str(out)))


def _add_jobs(parser: Parser, processes: str) -> None:
    """Who does the work: processes of this machine, or jobs of a cluster."""
    parser.add_argument(
        "--jobs", type=at_least(1), help=f"processes (default: {processes}), or jobs (default: {_CLUSTER_JOBS})"
    )
    parser.add_argument(
        "--launcher", default="joblib", help="joblib: processes here; submitit_slurm: jobs of a cluster; submitit_local"
    )
    parser.add_argument(
        "--cluster", action="append", default=[], metavar="KEY=VALUE", help="of submitit's executor: partition=short"
    )


def _cluster(given: Namespace) -> Cluster | None:
    """Where jobs are submitted, with parameters KEY=VALUE; None for processes of this machine."""
    if given.launcher == "joblib":
        if given.cluster:
            raise ConfigError("--cluster has no effect with --launcher joblib; take submitit_slurm")
        return None
    from hepexp.simulation.cluster import Cluster

    found = {}
    for text in given.cluster:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals and value) or "\n" in value:
            raise ConfigError(f"--cluster must be KEY=VALUE, such as partition=short, got {text!r}")
        found[name] = int(value) if value.isdecimal() else value
    return Cluster(given.launcher, found)


def convert(parser: Parser, args: list[str]) -> None:
    """convert published files to the memory-mapped store; `train` does this automatically"""
    parser.add_argument("--input", type=Path, help="a single file; default: every published file on this machine")
    parser.add_argument("--out", type=Path, help="with --input: file to write, .arrow, .parquet or .npz")
    _add_jobs(parser, "1")
    add_overwrite(parser)
    given = parser.parse_args(args)
    cluster = _cluster(given)
    if (given.input is None) != (given.out is None):
        raise ConfigError("--input and --out go together: give both, or neither")
    if given.input is not None and (given.jobs or cluster):
        raise ConfigError("--jobs and --launcher are for all published files; --input is a single one")
    if (given.jobs or 0) > _MOST_JOBS:
        raise ConfigError(f"--jobs must be <= {_MOST_JOBS:,}, got {given.jobs}")
    info = described(given)
    if given.input is not None:
        from hepexp.data.download.convert import convert_file

        check_target(given.out, "--out", given.overwrite, [given.input])
        with writing(given.out):
            print(visible(str(convert_file(info, given.input, given.out))))
        return
    from hepexp.data.download.convert import convert_all

    parts = [part for part in info.release_here() if info.is_available(part)]
    if not parts:
        raise DataError(f"{info.folder}: no published files here; to get them: {info.how_to_fetch}")
    if cluster or (given.jobs or 1) > 1:
        from hepexp.data.download.convert_jobs import convert_by_jobs

        made = convert_by_jobs(info, parts, given.jobs or _CLUSTER_JOBS, cluster)
    else:
        made = convert_all(info, parts)
    for path in made:
        print(visible(str(path)))


def export(parser: Parser, args: list[str]) -> None:
    """write a split to a file that other programs can read"""
    parser.add_argument("--split", default="test", choices=[*SPLITS, "all"], help="default: test")
    parser.add_argument(
        "--format", choices=["energyflow", "parquet", "arrow"], help="default: that of the suffix of --out"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write: .npz for energyflow, else .parquet or .arrow"
    )
    add_source(parser)
    add_overwrite(parser)
    given = parser.parse_args(args)
    suffix = {"energyflow": ".npz"}.get(given.format, f".{given.format}")
    if given.format and given.out.suffix != suffix:
        raise ConfigError(f"--out must end in {suffix} for --format {given.format}, got {given.out}")
    check_target(given.out, "--out", given.overwrite)
    from hepexp.data.download.export import export_rows
    from hepexp.data.formats.open_file import is_store, open_file

    info = described(given)
    split_store = open_examples(info, given)
    check_target(given.out, "--out", given.overwrite, split_store.store.paths)
    for path in split_store.store.paths:
        if is_store(info, path):
            open_file(info, path)  # damage must not become a file that looks whole
    rows = range(len(split_store.store)) if given.split == "all" else split_store.splits[given.split]
    with writing(given.out):
        export_rows(info, split_store.store, rows, given.out)
    said = f"{given.out}: {len(rows):,} {info.noun}s of the {given.split} split of source={split_store.source}"
    print(visible(said))


def verify(parser: Parser, args: list[str]) -> int:
    """check the checksums of all files on this machine, and every example in them"""
    parser.add_argument("--input", type=Path, help="a single file, in any format; default: every file on this machine")
    given = parser.parse_args(args)
    from hepexp.data.download.verify import verify as findings

    rows, good = [], True
    for path, problem, note in findings(described(given), given.input):
        good = good and problem is None
        rows.append([str(path), problem or (f"ok ({note})" if note else "ok")])
    console().print(table(rows, ["file", "state"]))
    return 0 if good else 1

"""`hepexp data VERB NAME`: what data sets there are, and how their files come to this machine and leave it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from hepexp.cli.console import console, table
from hepexp.cli.help import Parser
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, DataError

HELP = "list, show, download, generate, convert, export and verify data sets"

# name: the module that knows the files of the data set
FILES_OF = {"qg": "hepexp.data.qg_files"}

USAGE = """\
usage: hepexp data VERB [NAME] [...]

{verbs}

Files are kept in $HEPEXP_DATA_DIR (default ~/.cache/hepexp). `hepexp data VERB --help` says more about a verb.
"""


def main(args: list[str]) -> int:
    """Run one of the verbs in VERBS."""
    if not args or args[0] in ("-h", "--help"):
        width = max(map(len, VERBS))
        print(
            USAGE.format(verbs="\n".join(f"  {name:<{width}}  {verb.__doc__}" for name, verb in VERBS.items())), end=""
        )
        return 0
    name, *rest = args
    if name not in VERBS:
        raise ConfigError(f"unknown verb 'data {name}'{did_you_mean(name, VERBS)} (verbs: {', '.join(VERBS)})")
    parser = Parser(prog=f"hepexp data {name}", description=VERBS[name].__doc__)
    if name != "list":
        parser.add_argument("name", metavar="NAME", choices=list(FILES_OF), help=f"data set: {', '.join(FILES_OF)}")
    return VERBS[name](parser, rest) or 0


def show_all(parser: Parser, args: list[str]) -> None:
    """the data sets, and which of their files are here"""
    parser.parse_args(args)
    rows = [[name, *_state(_files_of(name))] for name in FILES_OF]
    console().print(table(rows, ["name", "what", "published files", "used by source=auto"], ["bold", "", "", ""]))


def show(parser: Parser, args: list[str]) -> None:
    """size, classes, units, origin, checksums; multiplicity and mass of each class"""
    _add_source(parser)
    given = parser.parse_args(args)
    from hepexp.data.read import describe_file
    from hepexp.data.splits import split_rows
    from hepexp.data.summary import class_means

    files, out = _files_of(given.name), console()
    source, store = _open(files, given)
    splits = ", ".join(f"{split} {len(rows):,}" for split, rows in split_rows(len(store)).items())
    facts = [
        ["what", files.ABOUT],
        ["source", f"{source}: {store.metadata[0].get('command', files.ORIGIN)}"],
        ["jets", f"{len(store):,} ({splits}), {int(store.counts.sum()):,} particles"],
        ["particles", "pt [GeV], rapidity, phi [rad], pdgid; read as (E, px, py, pz) in GeV"],
        ["versions", ", ".join(f"{k} {v}" for k, v in store.metadata[0].get("versions", {}).items()) or "-"],
    ]
    for path, metadata in zip(store.paths, store.metadata, strict=True):
        record = metadata.get("original") or describe_file(path)
        facts.append(["file", f"{record['name']}  {record['bytes']:,} bytes  sha256 {record['sha256']}"])
    out.print(table(facts, styles=["bold", ""]))
    rows = [
        [f"{label} = {files.CLASSES[label]}", f"{n:,}", *(f"{value:.2f} ± {error:.2f}" for value, error in values)]
        for label, n, values in class_means(store)
    ]
    header = ["label", "jets", "particles", "mass [GeV]", "mass of massless particles [GeV]"]
    out.print()
    out.print(table(rows, header))


def download(parser: Parser, args: list[str]) -> None:
    """fetch the published files; goes on where it was interrupted"""
    parser.add_argument("--files", type=int, metavar="N", help="only the first N files; all by default")
    given = parser.parse_args(args)
    from hepexp.data.download import fetch
    from hepexp.data.progress import download_progress

    files = _files_of(given.name)
    for file in files.published()[: _n_files(files, given)]:
        path = files.found(file)
        if path is None:
            with download_progress(file.name) as report:
                path = fetch(file, files.folder(), report)
        print(path)


def generate(parser: Parser, args: list[str]) -> None:
    """simulate jets on this machine (Pythia 8 + FastJet); goes on where it was interrupted"""
    parser.add_argument("--n", type=int, default=20_000, help="jets, half of each class (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same jets (default 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument(
        "--out", type=Path, help="file to write, .parquet or .arrow; default: where source=generate looks"
    )
    given = parser.parse_args(args)
    files = _files_of(given.name)
    if given.out is not None and given.out.suffix not in (".parquet", ".arrow"):
        raise ConfigError(f"--out must end in .parquet or .arrow, got {given.out}")
    files.check_simulation(given.n, given.seed, given.jobs)
    from hepexp.data.progress import jets_progress

    print("Pythia 8 (arXiv:2203.11601), FastJet 3 (arXiv:1111.6097, hep-ph/0512210)", file=sys.stderr)
    with jets_progress(given.n) as report:
        out = files.generate(given.n, given.seed, given.jobs, report, given.out)
    print(out)


def convert(parser: Parser, args: list[str]) -> None:
    """turn published files into the memory-mapped store; `train` does so by itself"""
    parser.add_argument("--input", type=Path, help="one file of jets; default: every published file that is here")
    parser.add_argument("--out", type=Path, help="with --input: file to write, .arrow, .parquet or .npz")
    given = parser.parse_args(args)
    if (given.input is None) != (given.out is None):
        raise ConfigError("--input and --out are given together, or not at all")
    if given.input is not None:
        from hepexp.data.read import read_jets
        from hepexp.data.write import write_rows

        store = read_jets(given.input)
        write_rows(store, range(len(store)), given.out)
        print(given.out)
        return
    files = _files_of(given.name)
    here = [file for file in files.published() if files.found(file)]
    if not here:
        raise DataError(f"{files.folder()}: no published file here; fetch them: hepexp data download {given.name}")
    for file in here:
        print(files.convert(file))


def export(parser: Parser, args: list[str]) -> None:
    """write a split to a file that other programs read"""
    parser.add_argument("--split", default="test", choices=["train", "val", "test", "all"], help="default: test")
    parser.add_argument(
        "--format", default="energyflow", choices=["energyflow", "parquet", "arrow"], help="default: energyflow"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write: .npz for energyflow, else .parquet or .arrow"
    )
    _add_source(parser)
    given = parser.parse_args(args)
    suffix = {"energyflow": ".npz"}.get(given.format, f".{given.format}")
    if given.out.suffix != suffix:
        raise ConfigError(f"--out must end in {suffix} for --format {given.format}, got {given.out}")
    from hepexp.data.splits import split_rows
    from hepexp.data.write import write_rows

    source, store = _open(_files_of(given.name), given)
    rows = range(len(store)) if given.split == "all" else split_rows(len(store))[given.split]
    write_rows(store, rows, given.out)
    print(f"{given.out}: {len(rows):,} jets of the {given.split} split of source={source}")


def verify(parser: Parser, args: list[str]) -> int:
    """compare checksums of all files that are here, and look at every jet"""
    given = parser.parse_args(args)
    from hepexp.data.verify import verify as findings

    rows, good = [], True
    for path, problem in findings(_files_of(given.name)):
        good = good and problem is None
        rows.append([str(path), problem or "ok"])
    console().print(table(rows, ["file", "state"]))
    return 0 if good else 1


VERBS = {
    "list": show_all,
    "show": show,
    "download": download,
    "generate": generate,
    "convert": convert,
    "export": export,
    "verify": verify,
}


def _files_of(name: str) -> ModuleType:
    return import_module(FILES_OF[name])


def _state(files: ModuleType) -> tuple[str, str, str]:
    published = files.published()
    here = sum(files.available(file) for file in published)
    return files.ABOUT, f"{here} of {len(published)}", files.choose("auto", len(published))


def _add_source(parser: Parser) -> None:
    parser.add_argument("--source", default="auto", choices=["auto", "full", "mini", "generate"], help="default: auto")
    parser.add_argument("--files", type=int, metavar="N", help="with full: only the first N files")
    parser.add_argument("--n", type=int, default=20_000, help="with generate: jets of the simulated sample")
    parser.add_argument("--seed", type=int, default=1, help="with generate: its seed")


def _n_files(files: ModuleType, given: Namespace) -> int:
    there_are = len(files.published())
    if given.files is None:
        return there_are
    if not 1 <= given.files <= there_are:
        raise ConfigError(f"--files must be between 1 and {there_are}, got {given.files}")
    return given.files


def _open(files: ModuleType, given: Namespace):
    """The store that the options of `_add_source` name."""
    n_files = _n_files(files, given)
    source = files.choose(given.source, n_files)
    return source, files.open_source(source, n_files, given.n, given.seed)

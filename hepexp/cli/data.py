"""`hepexp data VERB NAME`: describe data sets, and move their files to and from this machine."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.console import console, figures, table
from hepexp.cli.output_files import add_overwrite, check_folder, check_target, writing
from hepexp.cli.parser import Parser, at_least
from hepexp.config.paths import data_dir, is_writable, runs_dir, store_dir
from hepexp.config.suggest import did_you_mean
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.find import find_info, refuse_unnamed, survey
from hepexp.errors import ConfigError, DataError
from hepexp.spelling import visible

if TYPE_CHECKING:  # it imports pyarrow
    from hepexp.data.loading.split_store import SplitStore

log = logging.getLogger("hepexp")
USAGE = """\
usage: hepexp data VERB [NAME] [...]
       hepexp data inspect FILE... [...]

{verbs}

Published files are kept in $HEPEXP_DATA_DIR (default ~/.cache/hepexp), converted and simulated ones in
$HEPEXP_STORE_DIR (default: the same folder, if it can be written). `hepexp data VERB --help` says more about a verb.
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
    if name != "inspect":
        parser.add_argument(
            "--config-dir", type=Path, action="append", default=[], help="a folder of your own configurations"
        )
    if name not in ("list", "inspect"):
        known, faults = survey(_config_dirs(rest))
        if not {*known} & {*rest}:
            if fault := next((faults[word] for word in rest if word in faults), None):
                raise fault
            refuse_unnamed(rest, f"hepexp data {name}", _config_dirs(rest))
        _warn_of(faults)
        parser.add_argument("name", metavar="NAME", choices=known, help=f"data set: {', '.join(known)}")
    return VERBS[name](parser, rest) or 0


def show_all(parser: Parser, args: list[str]) -> None:
    """all data sets: what is on this machine, what can be downloaded, licences, how to cite"""
    given = parser.parse_args(args)
    from hepexp.data.download.inventory import description, take_inventory

    out = console()
    names, faults = survey(given.config_dir)
    _warn_of(faults)
    for name in names:
        info = find_info(name, given.config_dir)
        out.print(name, style="bold")
        try:
            facts = description(info, take_inventory(info))
        except ConfigError as error:  # the user's files may be elsewhere; the other data sets are listed all the same
            facts = [["what", info.about], ["files", str(error)]]
        out.print(table(facts, styles=["dim", ""]))
        out.print()
    shared = "" if is_writable(data_dir()) else " (cannot be written)"
    out.print(f"published files: {data_dir()}{shared}   converted and simulated ones: {store_dir()}", style="dim")


def inspect(parser: Parser, args: list[str]) -> None:
    """the columns of any ROOT, HDF5, Parquet, Arrow or NumPy files; writes a configuration for data=files"""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="files that belong together, or patterns such as 'data/*.root'"
    )
    parser.add_argument("--tree", help="ROOT tree, or HDF5 group or array; needed where there are several trees")
    parser.add_argument(
        "--rows", type=at_least(1), default=1000, help="rows of each file to take ranges from (default 1000)"
    )
    parser.add_argument("--write", type=Path, metavar="FOLDER/dataset/NAME.yaml", help="configuration to write")
    add_overwrite(parser)
    given = parser.parse_args(args)
    from hepexp.data.datasets.files.inputs import files_of, literally

    files: list[Path] = []
    for name in given.files:
        if not (matching := files_of(name)):
            found = "a folder" if Path(name).is_dir() else "not there, and no pattern that matches a file"
            raise ConfigError(f"FILE {name} is {found}; expected a file of columns")
        files += [path for path in matching if path not in files]
    if given.write is not None:
        if given.write.suffix != ".yaml" or given.write.parent.name != "dataset":
            raise ConfigError(f"--write must be FOLDER/dataset/NAME.yaml, where data=NAME finds it, got {given.write}")
        check_target(given.write, "--write", given.overwrite, files)
    from hepexp.cli.inspect_files import inspect_files

    inspect_files(files, given.tree, given.rows, given.write, list(map(literally, given.files)))


def show(parser: Parser, args: list[str]) -> None:
    """size, classes, units, origin, checksums, and the means of each class, with plots"""
    _add_source(parser)
    parser.add_argument("--no-pictures", action="store_true", help="draw no plots")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder for the plots; default: runs/data/NAME_SOURCE"
    )
    add_overwrite(parser)
    given = parser.parse_args(args)
    if given.out is not None and not given.no_pictures:
        check_folder(given.out, "--out", given.overwrite, ("index.html",))
    from hepexp.data.pictures.drawing import find_drawing
    from hepexp.data.pictures.quantities import class_means
    from hepexp.data.store.integrity import describe_file

    info, out = find_info(given.name, given.config_dir), console()
    drawing = find_drawing(given.name, info, given.config_dir)
    split_store = _open(info, given)
    store, about = split_store.store, split_store.store.metadata[0]
    splits = ", ".join(f"{split} {len(rows):,}" for split, rows in split_store.splits.items())
    elements = "particles" if info.layout.shape is None else "non-zero pixels"
    n_elements = int(store.counts.sum())
    beside = f", {n_elements:,} {elements}" if n_elements != len(store) else ""  # one each is the example itself
    facts = [
        ["what", info.about],
        ["source", f"{split_store.source}: {split_store.origin}"],
        [f"{info.noun}s", f"{len(store):,} ({splits}){beside}"],
        ["columns", info.units],
        ["cite", info.cite],
        ["versions", ", ".join(f"{k} {v}" for k, v in about.get("versions", {}).items()) or "-"],
    ]
    if split_store.excerpt:
        facts.append(["excerpt", split_store.excerpt])
    for path, metadata in zip(store.paths, store.metadata, strict=False):
        for record in metadata.get("originals") or [describe_file(path)]:
            facts.append(["file", f"{record['name']}  {record['bytes']:,} bytes  sha256 {record['sha256']}"])
    out.print(table(facts, styles=["bold", ""]))
    out.print()
    means = list(class_means(store, drawing.quantities))
    header = ["", *(f"{label} = {info.classes[label]}" for label, _, _ in means)]
    rows = [[f"{info.noun}s", *(f"{n:,}" for _, n, _ in means)]]
    for name in means[0][2]:
        rows.append([name, *(f"{found[name][0]:.4g} ± {found[name][1]:.2g}" for _, _, found in means)])
    out.print(figures(rows, header))
    if given.no_pictures:
        return
    from hepexp.data.pictures.page import write_page

    folder = given.out or runs_dir() / "data" / f"{given.name}_{split_store.source}"
    out.print(f"\npictures: {write_page(folder, info, drawing, split_store, facts, [header, *rows])}")


def download(parser: Parser, args: list[str]) -> None:
    """download the published files; resumes where it was interrupted"""
    parser.add_argument(
        "--files", type=at_least(1), metavar="N", help="only the first N files of each split; all by default"
    )
    given = parser.parse_args(args)
    from hepexp.data.download.download import download as download_file
    from hepexp.data.download.progress import download_progress

    info = find_info(given.name, given.config_dir)
    if not info.releases:
        raise ConfigError(f"{given.name} has no published files; to make them: {info.how_to_fetch}")
    _check_files(info, given)
    for part in info.parts(given.files):
        for file in part.files:
            print(visible(str(download_file(info, file, download_progress))))


def generate(parser: Parser, args: list[str]) -> None:
    """simulate examples on this machine; resumes where it was interrupted"""
    parser.add_argument(
        "--n", type=at_least(2), default=20_000, help="examples, equally many of each class (default 20000)"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, help="the same seed gives the same examples (default 1)")
    parser.add_argument(
        "--jobs", type=at_least(1), default=os.cpu_count() or 1, help="processes (default: one per core)"
    )
    parser.add_argument(
        "--out", type=Path, help="file to write, .parquet or .arrow; default: where source=generate looks for it"
    )
    given = parser.parse_args(args)
    if given.out is not None and given.out.suffix not in (".parquet", ".arrow"):
        raise ConfigError(f"--out must end in .parquet or .arrow, got {given.out}")
    if given.out is not None:  # where the same sample is there already, nothing is made; another one is not replaced
        check_target(given.out, "--out", overwrite=True)
    info = find_info(given.name, given.config_dir)
    from hepexp.simulation.simulate import check_simulation, generator, simulate

    check_simulation(info, given.n, given.seed, given.jobs)
    from hepexp.data.download.progress import examples_progress

    if "pythia8mc" in generator(info).PACKAGES:
        print("Pythia 8 (arXiv:2203.11601), FastJet 3 (arXiv:1111.6097, hep-ph/0512210)", file=sys.stderr)
    with examples_progress("simulating", given.n, info.noun) as report:
        out = simulate(info, given.n, given.seed, given.jobs, report, given.out)
    print(visible(str(out)))


def convert(parser: Parser, args: list[str]) -> None:
    """convert published files to the memory-mapped store; `train` does this automatically"""
    parser.add_argument("--input", type=Path, help="a single file; default: every published file on this machine")
    parser.add_argument("--out", type=Path, help="with --input: file to write, .arrow, .parquet or .npz")
    add_overwrite(parser)
    given = parser.parse_args(args)
    if (given.input is None) != (given.out is None):
        raise ConfigError("--input and --out go together: give both, or neither")
    info = find_info(given.name, given.config_dir)
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
    for path in convert_all(info, parts):
        print(visible(str(path)))


def export(parser: Parser, args: list[str]) -> None:
    """write a split to a file that other programs can read"""
    parser.add_argument("--split", default="test", choices=["train", "val", "test", "all"], help="default: test")
    parser.add_argument(
        "--format", choices=["energyflow", "parquet", "arrow"], help="default: that of the suffix of --out"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write: .npz for energyflow, else .parquet or .arrow"
    )
    _add_source(parser)
    add_overwrite(parser)
    given = parser.parse_args(args)
    suffix = {"energyflow": ".npz"}.get(given.format, f".{given.format}")
    if given.format and given.out.suffix != suffix:
        raise ConfigError(f"--out must end in {suffix} for --format {given.format}, got {given.out}")
    check_target(given.out, "--out", given.overwrite)
    from hepexp.data.download.export import export_rows
    from hepexp.data.formats.open_file import is_store, open_file

    info = find_info(given.name, given.config_dir)
    split_store = _open(info, given)
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
    for path, problem, note in findings(find_info(given.name, given.config_dir), given.input):
        good = good and problem is None
        rows.append([str(path), problem or (f"ok ({note})" if note else "ok")])
    console().print(table(rows, ["file", "state"]))
    return 0 if good else 1


VERBS = {
    "list": show_all,
    "inspect": inspect,
    "show": show,
    "download": download,
    "generate": generate,
    "convert": convert,
    "export": export,
    "verify": verify,
}


def _warn_of(faults: Mapping[str, ConfigError]) -> None:
    """One line for each data set that is left out."""
    for name, fault in faults.items():
        log.warning("data: %s is left out: %s", name, fault)


def _config_dirs(args: list[str]) -> list[Path]:
    """The folders that name further data sets, which have to be known before the arguments can be parsed."""
    early = Parser(add_help=False)
    early.add_argument("--config-dir", type=Path, action="append", default=[])
    return early.parse_known_args(args)[0].config_dir


def _add_source(parser: Parser) -> None:
    parser.add_argument("--source", default="auto", choices=["auto", "full", "mini", "generate"], help="default: auto")
    parser.add_argument(
        "--files", type=at_least(1), metavar="N", help="with full: only the first N files of each split"
    )
    parser.add_argument("--n", type=at_least(2), default=20_000, help="with generate: number of simulated examples")
    parser.add_argument("--seed", type=at_least(0), default=1, help="with generate: seed of the simulation")


def _check_files(info: DatasetInfo, given: Namespace) -> None:
    try:
        info.choose_source("auto", given.files)
    except ConfigError as error:
        raise ConfigError(str(error).replace("dataset.n_files", "--files")) from None


def _open(info: DatasetInfo, given: Namespace) -> SplitStore:
    """The examples that the options of `_add_source` name."""
    from hepexp.data.loading.split_store import open_source

    _check_files(info, given)
    return open_source(info, info.choose_source(given.source, given.files), given.files, given.n, given.seed)

"""`hepexp data VERB` for those verbs that say what there is: list, inspect and show."""

from __future__ import annotations

from pathlib import Path

from hepexp.cli.console import console, figures, table
from hepexp.cli.data_options import add_source, described, open_examples, small_data_set, warn_of
from hepexp.cli.output_files import add_overwrite, check_folder, check_target
from hepexp.cli.parser import Parser, at_least
from hepexp.config.paths import data_dir, is_writable, runs_dir, store_dir
from hepexp.data.find import known_info, survey
from hepexp.errors import ConfigError


def show_all(parser: Parser, args: list[str]) -> None:
    """all data sets: what is on this machine, what can be downloaded, licences, how to cite"""
    given = parser.parse_args(args)
    from hepexp.data.download.inventory import description, take_inventory

    out = console()
    names, faults = survey(given.config_dir)
    warn_of(faults)
    for name in names:
        info = known_info(name, given.config_dir)
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
    names = [str(Path(name).expanduser()) for name in given.files]
    for name in names:
        if not (matching := files_of(name)):
            found = "a folder" if Path(name).is_dir() else "not there, and no pattern that matches a file"
            raise ConfigError(f"FILE {name} is {found}; expected a file of columns")
        files += [path for path in matching if path not in files]
    if given.write is not None:
        if given.write.suffix != ".yaml" or given.write.parent.name != "dataset":
            raise ConfigError(f"--write must be FOLDER/dataset/NAME.yaml, where data=NAME finds it, got {given.write}")
        check_target(given.write, "--write", given.overwrite, files)
    from hepexp.cli.inspect_files import inspect_files

    inspect_files(files, given.tree, given.rows, given.write, list(map(literally, names)))


def show(parser: Parser, args: list[str]) -> None:
    """size, classes, units, origin, checksums, and the means of each class, with plots"""
    add_source(parser)
    parser.add_argument("--no-pictures", action="store_true", help="draw no plots")
    parser.add_argument(
        "--views",
        action="store_true",
        help="draw random views too: all, or those of data.views.KEY=STRENGTH (data.augment.KEY)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder for the plots; default: runs/data/NAME_SOURCE"
    )
    add_overwrite(parser)
    given = parser.parse_args(args)
    if given.views and given.no_pictures:
        raise ConfigError("--views draws plots, which --no-pictures leaves out: expected one of the two")
    if given.out is not None and not given.no_pictures:
        check_folder(given.out, "--out", given.overwrite, ("index.html",))
    from hepexp.data.pictures.drawing import find_drawing
    from hepexp.data.pictures.quantities import class_means
    from hepexp.data.store.integrity import describe_file

    info, out = described(given), console()
    drawing = find_drawing(given.name, info, given.config_dir)
    split_store = open_examples(info, given)
    folder = given.out or runs_dir() / "data" / f"{given.name}_{split_store.source}"
    views = {}
    if given.views:
        from hepexp.data.pictures.random_views import draw_views

        views = draw_views(folder, lambda: small_data_set(given, split_store))
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

    out.print(f"\npictures: {write_page(folder, info, drawing, split_store, facts, [header, *rows], views)}")

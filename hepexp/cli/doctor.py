"""`hepexp doctor`: what a training needs, what this machine has, and how to close the gap."""

import json
import os
import platform
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import hepexp
from hepexp.cli.console import console, table
from hepexp.cli.parser import Parser
from hepexp.config import catalog, paths, plugin_check, plugins
from hepexp.data.find import known_info, survey
from hepexp.errors import HepexpError
from hepexp.models.layers import escnn_import
from hepexp.models.layers.escnn_import import INSTALL, VERSION
from hepexp.tracking import provenance, schema_version
from hepexp.tracking.lookup import database

HELP = "check this machine and this installation"
OK, NOTE, BROKEN = "ok", "note", "broken"
STYLES = {OK: "green", NOTE: "yellow", BROKEN: "bold red"}
LOW_DISK = 5e9  # bytes; the full quark/gluon set and its store take about 4 GB
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Parameters
    ----------
    name : what was looked at.
    state : `ok`, `note` (works, but less than it could) or `broken` (a training will fail).
    found : what there is.
    advice : what to do, where something is amiss.
    """

    name: str
    state: str
    found: str
    advice: str = ""


def main(args: list[str]) -> int:
    """Print the report; 1 when something is broken."""
    parser = Parser(prog="hepexp doctor", description=HELP)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    given = parser.parse_args(args)
    findings = [finding for check in CHECKS for finding in check()]
    if given.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        rows = [[f.state, f.name, f.found, f.advice] for f in findings]
        styles = [STYLES[f.state] if f.state != OK else "" for f in findings]
        console().print(table(rows, ["", "what", "found", "what to do"], row_styles=styles))
    broken = [finding for finding in findings if finding.state == BROKEN]
    if broken and not given.json:
        print(f"\n{len(broken)} broken: {', '.join(finding.name for finding in broken)}")
    return 1 if broken else 0


def _python() -> Iterator[Finding]:
    is_old = sys.version_info < OLDEST_PYTHON
    advice = f"hepexp needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer" if is_old else ""
    yield Finding("Python", BROKEN if is_old else OK, f"{platform.python_version()} on {platform.platform()}", advice)
    yield Finding("hepexp", OK, f"{provenance.version()}, in {Path(hepexp.__file__).parent}")


def _packages() -> Iterator[Finding]:
    """What pyproject.toml asks for against what is installed; extras are optional."""
    from packaging.requirements import Requirement

    extras = metadata("hepexp").get_all("Provides-Extra") or []
    for text in requires("hepexp") or []:
        needed = Requirement(text)
        extra = next((e for e in extras if needed.marker and not needed.marker.evaluate({"extra": ""})
                      and needed.marker.evaluate({"extra": e})), None)  # fmt: skip
        if needed.marker and not extra and not needed.marker.evaluate({"extra": ""}):
            continue
        name = f"{needed.name} ({extra})" if extra else needed.name
        advice = f"pip install '{f'hepexp[{extra}]' if extra else f'{needed.name}{needed.specifier}'}'"
        bad = NOTE if extra else BROKEN
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield Finding(name, bad, "not installed", advice)
            continue
        if needed.specifier.contains(found, prereleases=True):
            yield Finding(name, OK, found)
        else:
            yield Finding(name, bad, f"{found}, needed {needed.specifier}", advice)


def _escnn() -> Iterator[Finding]:
    """escnn is in no extra: its own requirements conflict with ours, so pip cannot install both."""
    name, use = "escnn (equivariant)", "for model=steerable_cnn"
    try:
        found = version("escnn")
    except PackageNotFoundError:
        yield Finding(name, NOTE, "not installed", f"{use}: {INSTALL}")
        return
    if found == VERSION:
        cached = len(list(escnn_import.folder().glob("*.npz")))
        yield Finding(name, OK, f"{found}, {use}; kernels in {escnn_import.folder()}: {cached} files")
    else:
        yield Finding(name, NOTE, f"{found}, tested with {VERSION}", INSTALL)


def _jetnet() -> Iterator[Finding]:
    """jetnet is in no extra: two of its files are read, and what it needs to be imported does not work beside ours."""
    name, use = "jetnet (generation)", "for test/fpnd_... of jets"
    try:
        yield Finding(name, OK, f"{version('jetnet')}, {use}")
    except PackageNotFoundError:
        yield Finding(name, NOTE, "not installed", f"{use}: pip install --no-deps jetnet")


def _hardware() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("torch import", BROKEN, str(error), "install it again: pip install --force-reinstall torch")
        return
    machine = provenance.hardware()
    threads = torch.get_num_threads()
    used = f"{os.cpu_count()} cores, torch uses {threads} thread{'s' if threads > 1 else ''}"
    yield Finding("CPU", OK, f"{machine['cpu']}, {used}, {machine['memory_gib']} GiB of memory")
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(i)
            yield Finding(f"GPU {i}", OK, f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}")
    elif torch.backends.mps.is_available():
        yield Finding("GPU", OK, "Apple MPS (no float64: invariants in float32)")
    else:
        yield Finding("GPU", NOTE, "none, training runs on the CPU", "trainer=gpu needs one, and a CUDA build of torch")
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX", ""), "c++", "g++", "clang++"))), None)
    if compiler:
        yield Finding("C++ compiler", OK, f"{compiler} (for trainer.compile=true)")
    else:
        yield Finding("C++ compiler", NOTE, "none", "trainer.compile=true on the CPU needs g++ or clang++")


def _folders() -> Iterator[Finding]:
    try:
        yield Finding("configurations", OK, ", ".join(map(str, catalog.folders())))
    except HepexpError as error:
        yield Finding("configurations", BROKEN, str(error), "install hepexp again")
    for name, folder, variable in (
        ("runs", paths.runs_dir(), "HEPEXP_RUNS_DIR"),
        ("data", paths.data_dir(), "HEPEXP_DATA_DIR"),
    ):
        # A folder that does not exist yet will be made on the disk of the first parent that does.
        present = next(path for path in (folder.resolve(), *folder.resolve().parents) if os.path.exists(path))
        free = shutil.disk_usage(present).free
        found = f"{folder.resolve()}, {free / 1e9:.0f} GB free"
        if name == "data" and not paths.is_writable(folder) and paths.is_writable(paths.store_dir()):
            yield Finding(name, NOTE, f"{found}, cannot be written", f"converted files go to {paths.store_dir()}")
        elif not os.path.isdir(present) or not os.access(present, os.W_OK):
            yield Finding(name, BROKEN, f"{found}, cannot be written", f"set {variable} to a folder of your own")
        else:
            advice = f"free some space, or set {variable} to another disk" if free < LOW_DISK else ""
            yield Finding(name, NOTE if advice else OK, found, advice)


def _variables() -> Iterator[Finding]:
    """What was set in the shell and changes what hepexp does."""
    found = " ".join(f"{name}={value}" for name, value in provenance.variables().items())
    yield Finding("environment", OK, found or "no variables of hepexp")


def _plugins() -> Iterator[Finding]:
    """One line each; a faulty one breaks only the trainings that use it, but it breaks those for sure."""
    for plugin in plugins.registered():
        report = plugin_check.inspect(plugin)
        state = BROKEN if report.faults else OK
        yield Finding(f"plug-in {plugin.name}", state, report.found, "; ".join(report.faults))
    if not plugins.registered():
        yield Finding("plug-ins", OK, "none")


def _data_sets() -> Iterator[Finding]:
    """The published files on disk; the samples in the package are always there."""
    names, faults = survey()
    for name, fault in faults.items():
        yield Finding(f"data set {name}", BROKEN, "its configuration is faulty", str(fault))
    for name in names:
        advice = known_info(name).how_to_fetch
        files = [path for path in (paths.data_dir() / name).rglob("*") if path.is_file()]
        parts = [path for path in files if path.suffix == ".part"]
        if not files:
            yield Finding(f"data set {name}", NOTE, "the shipped sample only", advice)
        elif parts:
            yield Finding(f"data set {name}", NOTE, f"{len(parts)} unfinished", f"resume with: {advice}")
        else:
            size = sum(path.stat().st_size for path in files)
            yield Finding(f"data set {name}", OK, f"{len(files)} files, {size / 1e9:.2f} GB")


def _store() -> Iterator[Finding]:
    """The MLflow store, read without MLflow, which takes seconds to import and would migrate it."""
    if not database().is_file():
        yield Finding("MLflow store", OK, f"none yet, {database()}")
        return
    try:
        with closing(sqlite3.connect(f"{database().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            states = Counter(state for (state,) in connection.execute("SELECT status FROM runs"))
    except sqlite3.Error as error:
        advice = f"another process may have locked it; if it is damaged, move it away: {database()}"
        yield Finding("MLflow store", BROKEN, str(error), advice)
        return
    if wrong := schema_version.problem():
        yield Finding("MLflow store", BROKEN, f"{database()} is of another version of MLflow", f"it {wrong}")
        return
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    yield Finding("MLflow store", OK, f"{sum(states.values())} runs{f': {counts}' if counts else ''}")


CHECKS = (_python, _packages, _escnn, _jetnet, _hardware, _folders, _variables, _plugins, _data_sets, _store)

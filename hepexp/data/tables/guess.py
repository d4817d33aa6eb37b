"""What the columns of a stranger's file may be, by their names and ranges; guesses, to be looked at."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.tables.component_names import BASES, attached_prefix, split_name
from hepexp.data.tables.edge_columns import EdgeColumns, edge_columns, same_length
from hepexp.data.tables.summary import Summary

_MASSLESS = (("pt", "eta", "phi"), ("px", "py", "pz"))  # with mass 0
_ENERGIES = ("pt", "mass", "energy", "px", "py", "pz")
_IMPACT = re.compile(r"(.*[._]|^)(d0|dz|dxy|z0|ip[23]d)[._]?(val(ue)?|err(or)?|sig(nificance)?|uncertainty)?", re.I)
_WEIGHT = re.compile(r"(.*[._]|^)(\w*(weight|wgt|mcw(?![a-z])|ev(en)?t_?w(?![a-z]))\w*|w|xsec\w*)(\[\d+\])?", re.I)
_EVENT = re.compile(r"(.*[._]|^)(evt?|events?|run|lumi\w*|entry|index|jet)?_?(id|no|nr|num|number|index)?", re.I)
_LABEL = re.compile(
    r"(.*[._]|^)(is_?sig\w*|sig(nal)?|y|class(es)?|target|\w*label\w*|\w*flav(ou?rs?)?(_?id)?|flavou?r\w*|"
    r"truth(_?(id|class|type|match\w*))?)",
    re.I,
)
_LABELS = re.compile(r"label|flav|truth", re.I)  # of particles
_RUN = re.compile(r"(.*[._]|^)(run|lumi)\w*", re.I)  # with the number of the event it tells events apart
_GROOMED = re.compile(r"(sd|softdrop|pruned|trimmed|groomed)_?m|m(ass)?_?(sd|softdrop)", re.I)
_MULTIPLICITY = re.compile(r"(.*[._])?(n_?(part\w*|const\w*|tracks?|jets?|pf\w*)|n[A-Z]\w*|num_\w+|multiplicity)")
_FLAG = re.compile(r"(.*?)(label_|is_|is(?=[A-Z]))(\w+)")
_SPLITS = ("ttv", "split", "fold", "train_val_test")
# which group of particles is the jet's, rather than the generator's
_PARTICLES = re.compile(r"part|pf|const|cand|track|trk|tower|source|node|hit|^[cp]?$", re.I)
_TRUTH = re.compile(r"(^|[._])(gen|truth|true|aux|mc|parton|target)", re.I)
OF_EDGES = "of each edge"
_MOST_CHANNELS = 16
_LEAST_PIXELS = 8  # in a row or column of an image
_PDG_NUMBERS = {0, 11, 13, 22, 130, 211, 310, 321, 2112, 2212}  # of what a detector sees, and of padding
_LARGEST_ANGLE = 2 * np.pi + 1e-3  # in float32
_MEV_PARTICLE, _MEV_EXAMPLE = 500, 20_000  # median momenta that are no GeV


@dataclass(frozen=True)
class Guess:
    """What a column may be.

    Parameters
    ----------
    what : in words.
    role : for the configuration: "label", "label?" (may be one), "labels" (of particles), "weight", "event_id",
        "scalar", "feature", "observer", "image", "mask", "edge", "edge_target", or "".
    component : of a four-momentum, or "".
    prefix : of the name, that the components of one four-momentum share.
    unit : a guess, too.
    """

    what: str = ""
    role: str = ""
    component: str = ""
    prefix: str = ""
    unit: str = ""


@dataclass(frozen=True)
class FourMomenta:
    """Columns that together are four-momenta.

    Parameters
    ----------
    prefix : that their names share.
    columns : name of the column of each component; a mass of 0 if there is neither mass nor energy.
    """

    prefix: str
    columns: Mapping[str, str | float]


def guess(found: Mapping[str, Summary]) -> dict[str, Guess]:
    """What each column may be."""
    classes = one_hot(found)
    made = {name: _guess(name, summary, classes) for name, summary in found.items()}
    made |= _of_attached_names(found, made)
    lower = {name.lower() for name in found}
    made |= _of_energyflow(found)
    made |= _of_edges(found, made)
    for name, its in made.items():
        if its.component == "y" and f"{its.prefix}x".lower() in lower:  # a position, not a rapidity
            made[name] = Guess("", its.role)
    return made


def _of_edges(found: Mapping[str, Summary], made: Mapping[str, Guess]) -> dict[str, Guess]:
    """The columns of edges, and lists of another length than that of the particles, of which they say nothing."""
    lengths = lengths_of_particles(made, found)
    edges = edge_columns(found, lengths) or EdgeColumns()
    better = dict.fromkeys(edges.ends, Guess("end of an edge between particles", "edge"))
    better |= dict.fromkeys(edges.targets, Guess("0 or 1 for each edge", "edge_target"))
    better |= dict.fromkeys(edges.others, Guess(OF_EDGES))
    for name, its in made.items():
        is_list = found[name].column.level == "particles"
        if name not in better and is_list and its.role != "mask" and not same_length(found[name], lengths):
            is_about_particles = its.role == "labels" or its.what.startswith("flag")
            better[name] = replace(its, what="" if is_about_particles else its.what, role="")
    return better


def lengths_of_particles(guesses: Mapping[str, Guess], found: Mapping[str, Summary]) -> NDArray[np.int64] | None:
    """The number of particles (n_rows,) in each example: as many as there are momenta, else as most real lists have."""
    momenta = four_momenta(guesses, found, "particles")
    named = [column for column in momenta[0].columns.values() if isinstance(column, str)] if momenta else []
    if named:
        return found[named[0]].lengths
    lists = [its.lengths for its in found.values() if its.lengths is not None and its.column.dtype.kind == "f"]
    often = Counter(one.tobytes() for one in lists)
    return max(lists, key=lambda one: often[one.tobytes()], default=None)


def _of_attached_names(found: Mapping[str, Summary], made: Mapping[str, Guess]) -> dict[str, Guess]:
    """The columns of particles whose names have no separator, such as `cpt`, `ceta` and `cphi`."""
    better = {}
    for name, prefix in attached_prefix(
        [name for name in found if _is_unknown(made[name], found[name])], found
    ).items():
        spelled = f"{prefix}_{name[len(prefix) :]}"
        its = _guess(spelled, found[name], [])
        if its.what:
            better[name] = replace(its, prefix=its.prefix.replace(f"{prefix}_", prefix, 1))
    return better


def _is_unknown(its: Guess, summary: Summary) -> bool:
    return summary.column.level == "particles" and not its.component


def _of_energyflow(found: Mapping[str, Summary]) -> dict[str, Guess]:
    """The columns of arrays (N, P, 4) of pt, y, phi and PDG number, as EnergyFlow publishes its jets, mostly as X."""
    columns = ("pt", "y", "phi", "pid")
    made: dict[str, Guess] = {}
    for array in [name.removesuffix("[0]") for name in found if name.endswith("[0]")]:
        names = [f"{array}[{i}]" for i in range(len(columns))]
        if f"{array}[4]" in found or any(
            name not in found or found[name].column.level != "particles" for name in names
        ):
            continue
        pt, _, phi, pid = (found[name] for name in names)
        if not pid.whole or pt.low < 0:
            continue
        is_plausible = max(abs(phi.low), abs(phi.high)) < _LARGEST_ANGLE and {*map(abs, pid.distinct)} <= _PDG_NUMBERS
        if array != "X" and not is_plausible:  # under its usual name it needs no further evidence
            continue
        made |= {
            name: Guess(f"{component}?", "scalar", component, array, unit_of(component, found[name]))
            for name, component in zip(names, columns, strict=True)
        }
    return made


def _guess(name: str, summary: Summary, classes: list[str]) -> Guess:
    column, (prefix, component, relative) = summary.column, split_name(name)
    last = name.rpartition(".")[2]
    if column.level == "array":
        is_image = len(column.shape) in (2, 3) and sorted(column.shape)[-2] >= _LEAST_PIXELS
        return Guess("image", "image") if is_image else Guess()
    if name in classes:
        return Guess("label: one of several columns of which one is 1", "label")
    if last.lower() in ("mask", "valid", "is_valid"):
        return Guess("true for particles, false for padding", "mask")
    if column.level == "example" and (of_example := _of_an_example(name, last, summary)):
        return of_example
    if component and not relative and not (column.dtype.kind != "f" and component != "pid"):
        whose = f" of {prefix.rstrip('._')}" if prefix else ""
        return Guess(f"{component}{whose}", _beside(column.level), component, prefix, unit_of(component, summary))
    if relative:
        unit = unit_of(component, summary, relative=True)
        return Guess(f"{component} relative to the jet", "scalar", component, f"{prefix}relative", unit)
    if match := _IMPACT.fullmatch(name):
        error = (match[3] or "").lower().startswith(("err", "unc"))
        significance = (match[3] or "").lower().startswith("sig")
        what = f"impact parameter{', its error' * error}{', its significance' * significance}"
        return Guess(what, _beside(column.level), unit="" if significance else "mm")
    if last.lower().endswith(("charge", "_q")) or last.lower() == "q":
        return Guess("charge", _beside(column.level), unit="e")
    if column.level == "particles" and column.dtype.kind in "iub" and _LABELS.search(last) and summary.whole:
        return Guess("label of particles", "labels")
    if summary.distinct == (0, 1):
        of_particles = column.level == "particles"
        return Guess("flag of particles", "scalar") if of_particles else Guess("0 or 1: a label?", "label?")
    return Guess("", _beside(column.level))


def _of_an_example(name: str, last: str, summary: Summary) -> Guess | None:
    if last.lower() in _SPLITS and summary.whole:
        return Guess("split", "observer")
    if (_LABEL.fullmatch(name) or summary.column.is_label) and summary.whole:
        values = ", ".join(map(str, summary.distinct[:6])) + ", ..." * (len(summary.distinct) > 6)
        return Guess(f"label: {values}", "label" if summary.n_distinct > 1 else "label?")
    if _WEIGHT.fullmatch(name) and summary.column.dtype.kind == "f":
        return Guess("weight" + " (some are negative)" * (summary.low < 0), "weight")
    whole = summary.column.dtype.kind in "iu"
    if _EVENT.fullmatch(name) and last and whole and (summary.n_distinct > 1 or is_run(name)):
        return Guess("event id", "event_id")
    if summary.column.dtype.kind in "iub" and set(summary.distinct) <= {0, 1} and is_flag(name):
        return Guess("label: 0 or 1", "label" if summary.n_distinct > 1 else "label?")
    if re.search(r"tau_?\d", last, re.I):
        return Guess("subjettiness", "feature")
    if _GROOMED.search(last):
        return Guess("groomed mass", "feature", unit=unit_of("mass", summary))
    if whole and _MULTIPLICITY.fullmatch(last):
        return Guess("multiplicity", "feature")
    return None


def is_flag(name: str) -> bool:
    """Whether a column says yes or no of an example, such as `is_b`."""
    return bool(_FLAG.fullmatch(name))


def is_run(name: str) -> bool:
    """Whether a column says in which run or luminosity block an event was, which many events have in common."""
    return bool(_RUN.fullmatch(name))


def _beside(level: str) -> str:
    return "scalar" if level == "particles" else "feature"


def unit_of(component: str, summary: Summary, relative: bool = False) -> str:
    """The unit of a component: GeV, or MeV where the momenta are larger than any in GeV."""
    if component == "phi":
        return "rad"
    if component not in _ENERGIES or relative:
        return ""
    if summary.column.unit in ("MeV", "GeV"):
        return summary.column.unit
    limit = _MEV_PARTICLE if summary.column.level == "particles" else _MEV_EXAMPLE
    return "MeV" if summary.middle > limit else "GeV"


def four_momenta(guesses: Mapping[str, Guess], found: Mapping[str, Summary], level: str) -> list[FourMomenta]:
    """All four-momenta among the columns of particles or of examples, the most likely ones first."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for name, its in guesses.items():
        if its.component and found[name].column.level == level:
            groups[its.prefix].setdefault(its.component, name)
    for prefix, components in groups.items():  # angles are often given from the jet's axis alone, and pt as it is
        angles = groups.get(f"{prefix}relative", {}) if not prefix.endswith("relative") else {}
        if "pt" in components and not {"px", "eta", "y"} & {*components} and "pt" not in angles:
            components |= {name: angles[name] for name in ("eta", "phi") if name in angles}
    made: list[FourMomenta] = []
    for prefix, components in groups.items():
        for basis in (*BASES, *_MASSLESS):
            if set(basis) <= set(components):
                columns: dict[str, str | float] = {component: components[component] for component in basis}
                made.append(FourMomenta(prefix, columns if len(basis) == 4 else columns | {"mass": 0}))
                break
    return sorted(made, key=lambda p: (is_truth(p.prefix), "relative" in p.prefix, not _PARTICLES.search(p.prefix)))


def channel_axis(shape: tuple[int, ...]) -> str | None:
    """Which axis of an image is that of the channels, `first` or `last`: the shorter one; None if that is unclear."""
    first, _, last = shape
    if first == last or min(first, last) > _MOST_CHANNELS:
        return None
    return "first" if first < last else "last"


def is_truth(name: str) -> bool:
    """Whether a column is about the generator's particles, which no detector sees."""
    return bool(_TRUTH.search(name))


def one_hot(found: Mapping[str, Summary]) -> list[str]:
    """Columns of examples that begin alike, hold 0 or 1, and of which exactly one is 1 in each row."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, summary in found.items():
        match = _FLAG.fullmatch(name)
        if summary.flags is not None and match:
            groups[match[1] + match[2]].append(name)
    for names in groups.values():
        same_rows = len({found[name].n_rows for name in names}) == 1
        flags = [its for name in names if (its := found[name].flags) is not None]
        if len(names) > 1 and same_rows and (np.sum(flags, axis=0) == 1).all():
            return names
    return []

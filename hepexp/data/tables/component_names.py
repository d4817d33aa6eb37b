"""How the components of four-momenta are called in the files of strangers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from hepexp.data.tables.summary import Summary

# components of which a four-momentum can be made, in the order in which they are preferred: the first as they are
BASES = (
    ("px", "py", "pz", "energy"),
    ("pt", "eta", "phi", "energy"),
    ("pt", "eta", "phi", "mass"),
    ("px", "py", "pz", "mass"),
    ("pt", "y", "phi", "mass"),
    ("pt", "y", "phi", "energy"),
    ("pt", "y", "phi", "pid"),
)
# names of the components of a four-momentum, in lower case
_COMPONENTS = {
    "pt": ("pt", "transversemomentum"),
    "eta": ("eta", "pseudorapidity"),
    "y": ("y", "rap", "rapidity"),
    "phi": ("phi",),
    "mass": ("mass", "m"),
    "energy": ("energy", "e", "en"),
    "px": ("px",),
    "py": ("py",),
    "pz": ("pz",),
    "pid": ("pid", "pdgid", "pdg_id", "pdg", "particle_id", "particleid"),
}
_COMPONENT_OF = {word: component for component, words in _COMPONENTS.items() for word in words}
_RELATIVE_OF = {"ptrel": "pt", "pt_rel": "pt", "etarel": "eta", "eta_rel": "eta", "deta": "eta"}
_RELATIVE_OF |= {"phirel": "phi", "phi_rel": "phi", "dphi": "phi"}
_TRIPLES = (("pt", "eta", "phi"), ("pt", "y", "phi"), ("px", "py", "pz"))  # what makes a prefix one of momenta


def split_name(name: str) -> tuple[str, str, bool]:
    """Prefix of a name, the component of a four-momentum that it ends with, and whether it is relative to the jet.

    `part_pt`, `Jet.PT`, `truthE` and `constit_pt_rel` are such names; `cost` and `shape` are not.
    """
    for known, relative in ((_RELATIVE_OF, True), (_COMPONENT_OF, False)):
        for match in re.finditer(r"(?:^|(?<=[._])|(?<=[a-z])(?=[A-Z]))([A-Za-z_]+)$", name):
            if component := known.get(match[1].lower()):
                return name[: match.start()], component, relative
        for word in sorted(known, key=len, reverse=True):
            starts = len(name) - len(word)
            if starts < 0 or name[starts:].lower() != word:
                continue
            before, after = name[:starts], name[starts:]
            if not before or before[-1] in "._" or (before[-1].islower() and after[0].isupper()):
                return before, known[word], relative
    return name, "", False


def attached_prefix(names: Iterable[str], found: Mapping[str, Summary]) -> dict[str, str]:
    """The prefix of those names that have it without a separator, such as `c` of `cpt`, `ceta`, `cphi` and `ccharge`.

    The three components of a momentum must have it, in columns of one length.

    Parameters
    ----------
    names : of columns of particles.
    """
    groups: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    names = list(names)
    for name in names:
        for word, component in _COMPONENT_OF.items():
            prefix = name[: len(name) - len(word)]
            if prefix and name.lower().endswith(word):
                groups[prefix, found[name].most].setdefault(component, name)
    prefixes = [key for key, components in groups.items() if any({*triple} <= {*components} for triple in _TRIPLES)]
    return {
        name: prefix
        for prefix, most in sorted(prefixes)  # the longest prefix of a name last
        for name in names
        if name.startswith(prefix) and name != prefix and found[name].most == most and name[len(prefix)] not in "._["
    }

"""Clusters of hadronisation that decay to two hadrons: what is stored of a decay, and the published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.datasets.cluster_decays.two_body import HADRON, of_cluster, of_hadrons
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.physics.species import is_known, mass
from hepexp.data.store.check import Refusal
from hepexp.data.store.limits import ENERGY, MOMENTA, PDGID, Limits
from hepexp.data.store.ragged import Layout, Ragged

CLASSES = ("cluster",)
_AXES = ("px", "py", "pz")
CLUSTER = ("cluster_m", *(f"cluster_{axis}" for axis in _AXES))
PARTON = ("parton_e", *(f"parton_{axis}" for axis in _AXES))
# In double precision, so that the hadrons have the momentum of the cluster to all digits. Its energy follows from its
# mass, which can be fixed without the momentum. The parton is the first of
# the two that made the cluster; it is zero where the file does not say, as of parts of heavier clusters.
LAYOUT = Layout(
    elements={"pdgid": np.int32, **dict.fromkeys(HADRON, np.float64)},
    extras=dict.fromkeys((*CLUSTER, *PARTON), np.float64),
    limits={
        "pdgid": PDGID,
        "E": ENERGY,
        **MOMENTA,
        "cluster_m": Limits(0.26, ENERGY.high, "GeV"),  # below the mass of two pions
        "parton_e": Limits(0, ENERGY.high, "GeV"),
        **{f"{whose}_{axis}": MOMENTA[axis] for whose in ("cluster", "parton") for axis in _AXES},
    },
)
TOLERANCE = 1e-4  # of the cluster's energy, by which its hadrons may miss its momentum: files have six digits


def check(decays: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """Refuse what is no decay of a cluster to two known hadrons that have its momentum; see `Check`."""
    refuse = Refusal(decays, origin, first_row, "decay")
    counts = decays.counts
    refuse.of_rows(counts != 2, "hadrons", lambda row: f"has {counts[row]} hadrons; expected 2")
    refuse.of_common(CLASSES, LAYOUT, "hadron")
    numbers = decays["pdgid"]
    known = is_known(numbers)
    refuse.of_elements(
        ~known,
        "pdgid",
        lambda at: f"has a hadron with pdgid = {numbers[at]:g}; expected one of known mass, such as 111 or 211, pions",
    )
    if (counts == 2).all():
        cluster, made = of_cluster(decays), of_hadrons(decays)
        with np.errstate(all="ignore"):
            m, least = invariant_mass(cluster), mass(np.where(known, numbers, 211)).reshape(-1, 2).sum(1)
            missing = abs(made.sum(1) - cluster).max(1) / cluster[:, 0]
        refuse.of_rows(
            m <= least,
            "cluster's mass",
            lambda row: f"is of a cluster of mass {m[row]:g} GeV; expected more than its hadrons have, {least[row]:g}",
        )
        refuse.of_rows(
            missing > TOLERANCE,
            "momentum",
            lambda row: (
                f"has hadrons that miss the momentum of the cluster by {missing[row]:.2g} of its energy; expected "
                f"less than {TOLERANCE:g}"
            ),
        )
    refuse.finish()
    return decays


def _file(name: str, *urls: str) -> tuple[Part, ...]:
    return (Part(name, (PublishedFile(f"{name}.dat", urls=urls),)),)


# We could compare the file of the record with no download of our own; `hepexp data verify` reads it to the last decay.
_RECORD = "https://zenodo.org/records/7958362/files/ClusterTo2Pi0_nominal.dat"

INFO = DatasetInfo(
    name="cluster_decays",
    about="clusters of hadronisation that decay to two pions",
    noun="decay",
    classes=CLASSES,
    layout=LAYOUT,
    units="pdgid, E, px, py, pz (GeV) of both hadrons; m, px, py, pz (GeV) of the cluster; e, px, py, pz (GeV) "
    "of the first of its partons, 0 where that is unknown",
    cite="A. Ghosh, X. Ju, B. Nachman, A. Siodmok, arXiv:2203.12660; J. Chan et al., arXiv:2305.17169; "
    "doi:10.5281/zenodo.7958362",
    licence="as the publisher states",
    size="events of Herwig, seven clusters in each, as text",
    published_at="Zenodo record 7958362, or the repository of HADML (ClusterTo2Pi0.dat)",
    other_folders=("hadml",),
    releases=(_file("ClusterTo2Pi0_nominal", _RECORD), _file("ClusterTo2Pi0")),
    tenths=(1, 2),
    readers={".dat": "hepexp.data.datasets.cluster_decays.reader:read"},
    check=check,
    generator="hepexp.data.datasets.cluster_decays.generate",
    mini=Path(__file__).with_name("cluster_decays.parquet"),
)

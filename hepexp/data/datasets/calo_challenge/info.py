"""The data sets of the CaloChallenge: showers of photons, pions and electrons, in cylinders of voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hepexp.config.suggest import did_you_mean
from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_columns
from hepexp.data.store.images import images
from hepexp.data.store.limits import Limits
from hepexp.errors import ConfigError

_BINNING = "https://raw.githubusercontent.com/CaloChallenge/homepage/ec97ffa5df1ac738b92ee18db778b75d4ac27412/code/"
_DEPOSIT = Limits(0, 1e8, "MeV")
_INCIDENT = Limits(1e-3, 1e5, "GeV")


@dataclass(frozen=True)
class Challenge:
    """One of the data sets.

    Parameters
    ----------
    particle : that starts the showers.
    n_voxels : voxels of a shower.
    record : of Zenodo.
    binning : name of the file with the edges of the voxels.
    files : names and md5 checksums; the first half is for training, the second for the test.
    n : showers in a file, if it is the same in each.
    """

    particle: str
    n_voxels: int
    record: int
    binning: str
    files: tuple[tuple[str, str], ...]
    n: int | None = None


CHALLENGES = {
    "photons_1": Challenge(
        "photon",
        368,
        8099322,
        "binning_dataset_1_photons.xml",
        (
            ("dataset_1_photons_1.hdf5", "005d2adeda7db034b388112661265656"),
            ("dataset_1_photons_2.hdf5", "4767715ed56e99565fd9c67340661e70"),
        ),
    ),
    "pions_1": Challenge(
        "pion",
        533,
        8099322,
        "binning_dataset_1_pions.xml",
        (
            ("dataset_1_pions_1.hdf5", "6a5f52722064a1bcd8a0bc002f16515d"),
            ("dataset_1_pions_2.hdf5", "fee7457b40127bc23c8ab909e2638ca0"),
        ),
    ),
    "electrons_2": Challenge(
        "electron",
        6480,
        6366271,
        "binning_dataset_2.xml",
        (
            ("dataset_2_1.hdf5", "e590333e9a2da51b258288d74bd8357a"),
            ("dataset_2_2.hdf5", "7a56fd68aa53ded37c2ac445694d9736"),
        ),
        100_000,
    ),
    "electrons_3": Challenge(
        "electron",
        40_500,
        6366324,
        "binning_dataset_3.xml",
        (
            ("dataset_3_1.hdf5", "d33f03418aa311b0965452fcbef1ff87"),
            ("dataset_3_2.hdf5", "911dec2c40aafa64a07b7450b80881bf"),
            ("dataset_3_3.hdf5", "5ea62f6831a1821bb5035fafc9f030e8"),
            ("dataset_3_4.hdf5", "5e8d82e6a6c28c6914a3b602a1cfa299"),
        ),
        50_000,
    ),
}


@dataclass(frozen=True)
class ChallengeInfo(DatasetInfo):
    """What one of the data sets says of itself.

    Parameters
    ----------
    part : its name, the value of the key `part`.
    """

    part: str = ""

    @property
    def how_to_fetch(self) -> str:
        return f"hepexp data download {self.name} data.part={self.part}"


def _parts(challenge: Challenge) -> tuple[Part, ...]:
    binning = PublishedFile(challenge.binning, urls=(f"{_BINNING}{challenge.binning}",))
    found = []
    for i, (name, md5) in enumerate(challenge.files):
        url = f"https://zenodo.org/records/{challenge.record}/files/{name}?download=1"
        split = "train" if i < len(challenge.files) // 2 else "test"
        file = PublishedFile(name, md5=md5, urls=(url,))
        found.append(Part(name.removesuffix(".hdf5"), (file, binning), split, challenge.n))
    return tuple(found)


@cache
def info(part: str) -> ChallengeInfo:
    """What one of the data sets says of itself.

    Raises
    ------
    ConfigError : there is none of this name.
    """
    if part not in CHALLENGES:
        known = ", ".join(CHALLENGES)
        raise ConfigError(f"dataset.part: unknown {part!r}{did_you_mean(str(part), CHALLENGES)} (known: {known})")
    challenge = CHALLENGES[part]
    layout = images(1, 1, challenge.n_voxels, _DEPOSIT, energy=_INCIDENT)
    return ChallengeInfo(
        name="calo_challenge",
        part=part,
        about=f"showers of {challenge.particle}s in {challenge.n_voxels:,} voxels, data set {part[-1]} of the "
        "CaloChallenge; data.part: " + ", ".join(CHALLENGES),
        noun="shower",
        classes=(challenge.particle,),
        layout=layout,
        units="energy of the particle in GeV (MeV in the files); energies of the voxels in MeV",
        cite="C. Krause et al., arXiv:2410.21611; " + f"doi:10.5281/zenodo.{challenge.record}",
        licence="CC BY 4.0",
        size=f"{len(challenge.files)} files",
        published_at=f"Zenodo record {challenge.record}, the binning at github.com/CaloChallenge/homepage",
        releases=(_parts(challenge),),
        readers=dict.fromkeys((".hdf5", ".h5"), f"hepexp.data.datasets.calo_challenge.hdf5:read_{part}"),
        check=check_columns((challenge.particle,), layout, "shower", "voxel", may_be_empty=True),
    )


def info_of(name: str, config: Mapping[str, Any]) -> ChallengeInfo:
    """The data set that a configuration chooses by its key `part`."""
    return info(config.get("part", "photons_1"))

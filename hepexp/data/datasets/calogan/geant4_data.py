"""Where the tables of cross sections are that Geant4 reads when it starts."""

from __future__ import annotations

import os
from pathlib import Path

from hepexp.errors import ConfigError

# the folder of each set of tables of Geant4 11.4, and the variable by which Geant4 finds it
FOLDERS = {
    "G4LEDATA": "G4EMLOW8.8",
    "G4ENSDFSTATEDATA": "G4ENSDFSTATE3.0",
    "G4PARTICLEXSDATA": "G4PARTICLEXS4.2",
    "G4LEVELGAMMADATA": "PhotonEvaporation6.1.2",
    "G4SAIDXSDATA": "G4SAIDDATA2.0",
    "G4NEUTRONHPDATA": "G4NDL4.7.1",
    "G4RADIOACTIVEDATA": "RadioactiveDecay6.1.2",
    "G4PIIDATA": "G4PII1.3",
    "G4REALSURFACEDATA": "RealSurface2.2",
    "G4ABLADATA": "G4ABLA3.3",
    "G4INCLDATA": "G4INCL1.3",
    "G4CHANNELINGDATA": "G4CHANNELING2.0",
}
ELECTROMAGNETIC = ("G4LEDATA", "G4ENSDFSTATEDATA")
HADRONIC = (*ELECTROMAGNETIC, "G4PARTICLEXSDATA", "G4LEVELGAMMADATA", "G4SAIDXSDATA")
_WITHOUT_TABLES = Path(__file__).parent
BY_PACKAGE = Path("~/.geant4_pybind")  # where geant4-pybind puts what it downloads


def find(needed: tuple[str, ...], purpose: str) -> dict[str, str]:
    """The folder of each set of tables, by its variable; those that are not needed may be missing.

    A folder is the value of its own variable, or lies in `$GEANT4_DATA_DIR`, or was downloaded by geant4-pybind.

    Raises
    ------
    ConfigError : one that is needed is missing or empty; says how to get it.
    """
    around = Path(os.environ.get("GEANT4_DATA_DIR") or BY_PACKAGE.expanduser())
    found = {}
    for variable, name in FOLDERS.items():
        place = Path(os.environ.get(variable) or around / name)
        is_there = place.is_dir()
        if variable in needed and not (is_there and any(place.iterdir())):  # without its tables Geant4 aborts
            what = "empty" if is_there else "no folder"
            raise ConfigError(
                f"Geant4 needs its data {name} for {purpose}, and {place} is {what}; set GEANT4_DATA_DIR to the folder "
                f"that has {name}, or {variable} to {name} itself, or download them: python -c 'import geant4_pybind'"
            )
        if is_there:
            found[variable] = str(place.resolve())
    return found


def point_to(needed: tuple[str, ...], purpose: str) -> None:
    """Set the variables of this process so that Geant4 starts, before it is imported.

    It asks for all of its sets of tables, though it reads those of other physics only where that is used; those that
    are missing are given a folder without any. With GEANT4_DATA_DIR set, geant4-pybind does not offer to download them.

    Raises
    ------
    ConfigError : as in `find`.
    """
    found = find(needed, purpose)
    os.environ.setdefault("GEANT4_DATA_DIR", str(BY_PACKAGE.expanduser()))
    for variable in FOLDERS:
        os.environ[variable] = found.get(variable, str(_WITHOUT_TABLES))

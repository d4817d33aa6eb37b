"""The calorimeter in Geant4, and the energy that single particles leave in its cells.

Each cell is a volume, so that Geant4's own scorers in C++ add up the energy, and a step ends where a cell does; a
Python function called at each of the 8,500 steps per GeV takes twice the time of the simulation itself.

References
----------
S. Agostinelli et al., Geant4, Nucl. Instrum. Meth. A 506 (2003) 250.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import geant4_pybind as g4
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan import calorimeter

PARTICLES = {"gamma": "gamma", "eplus": "e+", "piplus": "pi+"}  # Geant4's names


class Showers:
    """Geant4 with the calorimeter; there can be one in a process.

    Parameters
    ----------
    hadronic : whether hadrons interact with nuclei (physics list FTFP_BERT); otherwise there are electrons, positrons
        and photons, and their electromagnetic interactions only.
    """

    def __init__(self, hadronic: bool) -> None:
        with _silent():
            self._manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.SerialOnly)
            self._detector, self._work = _Detector(), _Work()
            self._physics = g4.FTFP_BERT(0) if hadronic else _Electromagnetic()
            self._actions = _Actions(self._work)
            self._manager.SetUserInitialization(self._detector)
            self._manager.SetUserInitialization(self._physics)
            self._manager.SetUserInitialization(self._actions)
            g4.G4EmParameters.Instance().SetVerbose(0)
            self._manager.Initialize()

    def run(
        self, kind: str, energies: NDArray, seeds: NDArray, report: Callable[[int], None] = lambda made: None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Simulate one shower of each energy.

        Parameters
        ----------
        kind : gamma, eplus or piplus.
        energies : (n,) kinetic energies, GeV.
        seeds : (n,) positive integers, each of which determines a shower, whatever was simulated before.
        report : called with 1 after each shower.

        Returns
        -------
        Energies (n, 504) of the cells, layer by layer, and (n, 3) outside the cells of each layer, MeV.
        """
        work = self._work
        work.particle, work.energies, work.seeds, work.report = PARTICLES[kind], energies, seeds, report
        work.cells, work.overflow = [], []
        with _silent():
            self._manager.BeamOn(len(energies))
        return np.stack(work.cells), np.stack(work.overflow)


class _Detector(g4.G4VUserDetectorConstruction):
    """Plates, each with a square in its middle that is divided into the cells of its layer."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list = []  # Geant4 holds only pointers
        self._sensitive: list[tuple] = []  # volume, and name of the detector that it belongs to

    def Construct(self) -> g4.G4VPhysicalVolume:
        lead, vacuum = map(g4.G4NistManager.Instance().FindOrBuildMaterial, ("G4_Pb", "G4_Galactic"))
        density = calorimeter.ARGON_DENSITY * g4.g / g4.cm3
        materials = {"lead": lead, "argon": g4.G4Material("liquidArgon", 18, 39.95 * g4.g / g4.mole, density)}
        side, length = 1.2 * calorimeter.SIDE, -2 * calorimeter.START + 24
        world = self._box("world", side, side, length, vacuum)
        volumes: dict[tuple, g4.G4LogicalVolume] = {}
        for plate in calorimeter.plates():
            key = (plate.material, plate.layer, plate.thickness)
            if key not in volumes:
                volumes[key] = self._plate(plate, materials[plate.material])
            centre = g4.G4ThreeVector(0, 0, plate.front + plate.thickness / 2)
            self._place(volumes[key], world, centre)
        self._world = g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)
        return self._world

    def _plate(self, plate: calorimeter.Plate, material: g4.G4Material) -> g4.G4LogicalVolume:
        inner, (nx, ny), depth = calorimeter.READ_OUT, calorimeter.CELLS[plate.layer], plate.thickness
        name = f"{plate.material}_{plate.layer}_{depth:g}"
        whole = self._box(name, calorimeter.SIDE, calorimeter.SIDE, depth, material)
        read_out = self._box(f"{name}_read_out", inner, inner, depth, material)
        column = self._box(f"{name}_column", inner / nx, inner, depth, material)
        cell = self._box(f"{name}_cell", inner / nx, inner / ny, depth, material)
        self._place(read_out, whole, g4.G4ThreeVector())
        self._kept.append(g4.G4PVReplica(f"{name}_columns", column, read_out, g4.kXAxis, nx, inner / nx))
        self._kept.append(g4.G4PVReplica(f"{name}_cells", cell, column, g4.kYAxis, ny, inner / ny))
        self._sensitive += [(cell, f"cells_{plate.layer}"), (whole, f"outside_{plate.layer}")]
        return whole

    def _box(self, name: str, x: float, y: float, z: float, material: g4.G4Material) -> g4.G4LogicalVolume:
        solid = g4.G4Box(name, x / 2, y / 2, z / 2)
        volume = g4.G4LogicalVolume(solid, material, name)
        self._kept += [solid, volume]
        return volume

    def _place(self, volume: g4.G4LogicalVolume, mother: g4.G4LogicalVolume, centre: g4.G4ThreeVector) -> None:
        self._kept.append(g4.G4PVPlacement(None, centre, volume, volume.GetName(), mother, False, 0))

    def ConstructSDandField(self) -> None:
        detectors = {}
        for layer, (nx, ny) in enumerate(calorimeter.CELLS):
            # the number of a cell from those of its column (one volume up), of itself, and of the square (always 0)
            cells = g4.G4PSEnergyDeposit3D("energy", nx, ny, 1, 1, 0, 2)
            for name, scorer in ((f"cells_{layer}", cells), (f"outside_{layer}", g4.G4PSEnergyDeposit("energy", 0))):
                detectors[name] = g4.G4MultiFunctionalDetector(name)
                g4.G4SDManager.GetSDMpointer().AddNewDetector(detectors[name])
                detectors[name].RegisterPrimitive(scorer)
                self._kept += [detectors[name], scorer]
        for volume, name in self._sensitive:
            self.SetSensitiveDetector(volume, detectors[name])


class _Electromagnetic(g4.G4VModularPhysicsList):
    def __init__(self) -> None:
        super().__init__()
        self.SetVerboseLevel(0)
        self.RegisterPhysics(g4.G4EmStandardPhysics())


@dataclass
class _Work:
    """What is to be simulated, as in `Showers.run`, and what came out: of each shower (504,) and (3,)."""

    particle: str = ""
    energies: NDArray | Sequence[float] = ()
    seeds: NDArray | Sequence[int] = ()
    report: Callable[[int], None] = lambda made: None
    cells: list[NDArray] = field(default_factory=list)
    overflow: list[NDArray] = field(default_factory=list)


class _Events(g4.G4UserEventAction):
    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def EndOfEventAction(self, event: g4.G4Event) -> None:
        manager, collections = g4.G4SDManager.GetSDMpointer(), event.GetHCofThisEvent()
        cells, overflow = np.zeros(calorimeter.FIRST[-1]), np.zeros(len(calorimeter.CELLS))
        for layer, first in enumerate(calorimeter.FIRST[:-1]):
            for cell, energy in collections.GetHC(manager.GetCollectionID(f"cells_{layer}/energy")):
                cells[first + cell] = energy / g4.MeV
            outside = collections.GetHC(manager.GetCollectionID(f"outside_{layer}/energy"))
            overflow[layer] = sum(energy / g4.MeV for _, energy in outside)
        self._work.cells.append(cells)
        self._work.overflow.append(overflow)
        self._work.report(1)


class _Gun(g4.G4VUserPrimaryGeneratorAction):
    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work
        self._gun = g4.G4ParticleGun(1)
        self._gun.SetParticlePosition(g4.G4ThreeVector(0, 0, calorimeter.START))
        self._gun.SetParticleMomentumDirection(g4.G4ThreeVector(0, 0, 1))

    def GeneratePrimaries(self, event: g4.G4Event) -> None:
        work, i = self._work, event.GetEventID()
        g4.G4Random.setTheSeed(int(work.seeds[i]))
        self._gun.SetParticleDefinition(g4.G4ParticleTable.GetParticleTable().FindParticle(work.particle))
        self._gun.SetParticleEnergy(float(work.energies[i]) * g4.GeV)
        self._gun.GeneratePrimaryVertex(event)


class _Actions(g4.G4VUserActionInitialization):
    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def Build(self) -> None:
        self._kept = (_Gun(self._work), _Events(self._work))
        for action in self._kept:
            self.SetUserAction(action)


@contextmanager
def _silent() -> Iterator[None]:
    """Send what Geant4 writes to the standard output, pages of it, nowhere; errors have their own stream."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)

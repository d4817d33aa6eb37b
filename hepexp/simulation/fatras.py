"""Charged particles through ACTS's generic detector by its fast simulation Fatras.

Fatras follows them for half a turn through all 48 layers and their material: multiple scattering, energy loss,
bremsstrahlung and conversions of photons, whose electrons have hits of their own. Particles go to ACTS, and hits come
from it, in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import acts
import acts.fatras
import numpy as np
from acts import examples

from hepexp.simulation.generic_detector import LEAST_MOMENTUM, GenericDetector, Hits, Particles

_GEV = acts.UnitConstants.GeV


class Given(examples.IAlgorithm):
    """The particles of each event, to ACTS."""

    PARTICLES = "particles"

    def __init__(self, particles: Callable[[int], Particles], level: Any) -> None:
        super().__init__("given", level)
        self.particles = particles
        self.written = examples.WriteDataHandle(self, examples.SimParticleContainer, self.PARTICLES)
        self.written.initialize(self.PARTICLES)

    def execute(self, context: Any) -> Any:
        given, container = self.particles(context.eventNumber), examples.SimParticleContainer()
        p = np.linalg.norm(given.momentum, axis=1)
        direction = given.momentum / p[:, None]
        for i in range(len(p)):
            code = acts.fatras.Barcode()
            code.vertexPrimary, code.particle = 1, i + 1
            kind = acts.PdgParticle(int(given.pdgid[i]))
            particle = examples.SimParticle(code, kind, float(given.charge[i]), float(given.mass[i]) * _GEV)
            particle.fourPosition = acts.Vector4(*given.origin[i], 0)
            particle.direction = acts.Vector3(*direction[i])
            particle.absoluteMomentum = float(p[i]) * _GEV
            container.insert(particle)
        self.written(context, container)
        return examples.ProcessCode.SUCCESS


class Taken(examples.IAlgorithm):
    """The hits of each event in modules that are known, from ACTS.

    Parameters
    ----------
    module : the number of each module by its identity in ACTS.
    take : called with the number of the event and its hits.
    """

    PARTICLES, HITS = "particles_simulated", "hits"

    def __init__(self, module: Mapping[int, int], take: Callable[[int, Hits], None], level: Any) -> None:
        super().__init__("taken", level)
        self.module, self.take = module, take
        self.particles = examples.ReadDataHandle(self, examples.SimParticleContainer, self.PARTICLES)
        self.hits = examples.ReadDataHandle(self, examples.SimHitContainer, self.HITS)
        self.particles.initialize(self.PARTICLES)
        self.hits.initialize(self.HITS)

    def execute(self, context: Any) -> Any:
        made = {_key(one.particleId): one.momentum for one in self.particles(context.eventStore)}
        row = {key: i for i, key in enumerate(sorted(made, key=_first_given))}
        module, particle, place = [], [], []
        for hit in self.hits(context.eventStore):
            number = self.module.get(hit.geometryId.value)
            if number is not None:
                module.append(number)
                particle.append(row[_key(hit.particleId)])
                x, y, z, _ = hit.fourPosition
                place.append((x, y, z))
        momentum = np.array([list(made[key]) for key in row]).reshape(-1, 3) / _GEV
        where = np.array(place, np.float64).reshape(-1, 3)
        self.take(context.eventNumber, Hits(np.array(module, int), np.array(particle, int), where, momentum))
        return examples.ProcessCode.SUCCESS


def _key(code: acts.fatras.Barcode) -> tuple[int, int, int, int, int]:
    return code.vertexPrimary, code.vertexSecondary, code.particle, code.generation, code.subParticle


def _first_given(key: tuple[int, int, int, int, int]) -> tuple[bool, tuple[int, int, int, int, int]]:
    """Particles that were given come before those that they made."""
    return key[3] > 0, key


def simulate(
    detector: GenericDetector,
    n: int,
    seed: int,
    particles: Callable[[int], Particles],
    take: Callable[[int, Hits], None],
) -> None:
    """Follow the particles of n events.

    Parameters
    ----------
    seed : of Fatras.
    particles : the particles of the event of this number, from 0; called in turn.
    take : called with the number of each event, and its hits in the pixel layers.
    """
    sequencer = detector.sequencer(n)
    sequencer.addAlgorithm(Given(particles, detector.quiet))
    sequencer.addAlgorithm(
        examples.FatrasSimulation(
            level=acts.logging.FATAL,  # below are particles that it gives up, of which it keeps no hits
            inputParticles=Given.PARTICLES,
            outputParticles=Taken.PARTICLES,
            outputSimHits=Taken.HITS,
            randomNumbers=examples.RandomNumbers(seed=seed),
            trackingGeometry=detector.geometry,
            magneticField=detector.field,
            pMin=LEAST_MOMENTUM,
        )
    )
    sequencer.addAlgorithm(Taken(detector.index, take, detector.quiet))
    sequencer.run()

"""ACTS's seeding and combinatorial Kalman filter on hits in the pixel modules of its generic detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import acts
import numpy as np
from acts import examples
from numpy.typing import NDArray

from hepexp.simulation.generic_detector import FIELD, GenericDetector

_U = acts.UnitConstants
_PIXELS = (7, 8, 9)  # volumes


@dataclass(frozen=True)
class Hits:
    """Measurements of an event: the module (k,) and the place (k, 2) in mm along its first two axes."""

    module: NDArray[np.int64]
    local: NDArray[np.float64]


class Measured(examples.IAlgorithm):
    """The measurements of an event, to ACTS."""

    MEASUREMENTS = "measurements"

    def __init__(self, detector: GenericDetector, hits: Hits, resolution: tuple[float, float]) -> None:
        super().__init__("measured", detector.quiet)
        self.detector, self.hits, self.resolution = detector, hits, resolution
        self.container = examples.MeasurementContainer()  # to which what is written refers
        self.written = examples.WriteDataHandle(self, examples.MeasurementSubset, self.MEASUREMENTS)
        self.written.initialize(self.MEASUREMENTS)

    def execute(self, context: Any) -> Any:
        variances = [s**2 for s in self.resolution]
        for module, local in zip(self.hits.module.tolist(), self.hits.local.tolist(), strict=True):
            identity = self.detector.surfaces[module].geometryId
            self.container.emplaceMeasurement(identity, [0, 1], local, variances)
        self.written(context, examples.MeasurementSubset(self.container, list(range(len(self.container)))))
        return examples.ProcessCode.SUCCESS


class Found(examples.IAlgorithm):
    """The hits of each track, from ACTS, the best tracks first: most hits, then lowest chi^2."""

    TRACKS = "tracks"

    def __init__(self, detector: GenericDetector) -> None:
        super().__init__("found", detector.quiet)
        self.tracks: list[list[int]] = []
        self.read = examples.ReadDataHandle(self, examples.ConstTrackContainer, self.TRACKS)
        self.read.initialize(self.TRACKS)

    def execute(self, context: Any) -> Any:
        found = []
        for track in self.read(context.eventStore):
            states = [state for state in track.trackStatesReversed if _is_measurement(state)]
            hits = [examples.IndexSourceLink.fromSourceLink(one.uncalibratedSourceLink).index() for one in states]
            found.append((-len(hits), track.chi2, hits))
        self.tracks = [hits for *_, hits in sorted(found)]
        return examples.ProcessCode.SUCCESS


def _is_measurement(state: Any) -> bool:
    return state.hasUncalibratedSourceLink and state.typeFlags.isMeasurement


def find_tracks(
    detector: GenericDetector,
    hits: Hits,
    resolution: tuple[float, float],
    pt_min: float,
    chi2: float,
    least_hits: int,
    most_shared: int,
) -> list[list[int]]:
    """The hits of each track of an event, by their rows.

    Parameters
    ----------
    resolution : of places along the two axes, mm.
    pt_min : GeV, of seeds.
    chi2 : largest chi^2 of a measurement that is added to a track.
    least_hits : of a track.
    most_shared : hits that a track may share with others.
    """
    # below FATAL are seeds whose helix cannot be followed back to the beam, of which no track comes
    level, found = acts.logging.FATAL, Found(detector)
    sequencer = detector.sequencer(1)
    for algorithm in (
        Measured(detector, hits, resolution),
        examples.SpacePointMaker(
            level=level,
            inputMeasurements=Measured.MEASUREMENTS,
            outputSpacePoints="points",
            trackingGeometry=detector.geometry,
            geometrySelection=[acts.GeometryIdentifier(volume=volume) for volume in _PIXELS],
        ),
        examples.GridTripletSeedingAlgorithm(
            level=level,
            inputSpacePoints="points",
            outputSeeds="seeds",
            bFieldInZ=FIELD * _U.T,
            minPt=pt_min * _U.GeV,
            cotThetaMax=np.sinh(4.0),
            impactMax=3 * _U.mm,
            rMax=200 * _U.mm,
            rMin=20 * _U.mm,
            zMin=-2000 * _U.mm,
            zMax=2000 * _U.mm,
            deltaRMin=1 * _U.mm,
            deltaRMax=150 * _U.mm,
            deltaRMinTop=1 * _U.mm,
            deltaRMaxTop=150 * _U.mm,
            deltaRMinBottom=1 * _U.mm,
            deltaRMaxBottom=150 * _U.mm,
            collisionRegionMin=-250 * _U.mm,
            collisionRegionMax=250 * _U.mm,
            sigmaScattering=5,
            radLengthPerSeed=0.1,
            maxSeedsPerSpM=1,  # ACTS keeps one more
        ),
        examples.TrackParamsEstimationAlgorithm(
            level=level,
            inputSeeds="seeds",
            outputTrackParameters="parameters",
            outputSeeds="estimated",
            trackingGeometry=detector.geometry,
            magneticField=detector.field,
        ),
        examples.TrackFindingAlgorithm(
            level=level,
            measurementSelectorCfg=acts.MeasurementSelector.Config(
                [(acts.GeometryIdentifier(), ([], [chi2], [chi2], [10]))]
            ),
            inputMeasurements=Measured.MEASUREMENTS,
            inputInitialTrackParameters="parameters",
            inputSeeds="estimated",
            outputTracks="candidates",
            findTracks=examples.TrackFindingAlgorithm.makeTrackFinderFunction(detector.geometry, detector.field, level),
            trackingGeometry=detector.geometry,
            magneticField=detector.field,
            seedDeduplication=True,
            stayOnSeed=True,
            trackSelectorCfg=acts.TrackSelector.Config(minMeasurements=least_hits),
        ),
        examples.GreedyAmbiguityResolutionAlgorithm(
            level=level,
            inputTracks="candidates",
            outputTracks=Found.TRACKS,
            maximumSharedHits=most_shared,
            nMeasurementsMin=least_hits,
            maximumIterations=100_000,
        ),
        found,
    ):
        sequencer.addAlgorithm(algorithm)
    sequencer.run()
    return found.tracks

"""Track finding by ACTS: seeds of three hits and a combinatorial Kalman filter; nothing is trained."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError, DataError
from hepexp.models.interaction_network import check_hits
from hepexp.simulation.generic_detector import generic_detector
from hepexp.simulation.pixel_layers import PIXEL_LAYERS

OFF_MODULE = 0.1  # mm, from the plane and the edges of a module
LOGIT = 4.0  # of an edge on a track


class ActsCKF(nn.Module):
    """The tracks of ACTS in its generic detector, which TrackML's is: the classical way.

    Triplets of hits that a helix from near the beam could make are seeds, at most two for each middle hit. From each, a
    Kalman filter goes from layer to layer through the field and the material, adds the hit with the lowest chi^2, or
    several in branches, and where none is near goes on without. Of tracks that share hits, those with fewer are left
    out. Hits of TrackML's other layers, and the edges of the graph, are not looked at; an edge gets a positive score if
    both of its hits are on one track.

    Parameters
    ----------
    pt_min : GeV, of seeds.
    chi2 : largest chi^2 of a hit that is added to a track.
    least_hits : of a track.
    most_shared : hits that a track may share with others; each hit then belongs to the track with most hits.
    resolution : of hits in azimuth and along the layer, mm.
    n_node_features : features of each node in the data set, r, phi / pi and z.

    Shapes
    ------
    x (M, 3) with r and z in m -> logits (E, 1).

    Raises
    ------
    ConfigError : a value out of range, nodes with other features, or ACTS is not installed. DataError : hits that are
        on none of the detector's modules.

    References
    ----------
    X. Ai et al., arXiv:2106.13593, sections 4 and 5; R. Fruehwirth, Nucl. Instrum. Meth. A 262 (1987) 444.
    """

    input = "graph"
    lorentz_invariant = False

    def __init__(
        self,
        pt_min: float = 0.5,
        chi2: float = 15.0,
        least_hits: int = 3,
        most_shared: int = 1,
        resolution: tuple[float, float] = (0.008, 0.012),
        *,
        n_node_features: int,
    ):
        super().__init__()
        if not 0.05 <= pt_min < 1e3:
            raise ConfigError(f"model.pt_min must be >= 0.05 and < 1000, in GeV, got {pt_min}")
        if not 0 < chi2 < 1e6:
            raise ConfigError(f"model.chi2 must be > 0 and < 1e6, got {chi2}")
        for name, count, least in (("least_hits", least_hits, 3), ("most_shared", most_shared, 0)):
            if not least <= count <= 100:
                raise ConfigError(f"model.{name} must be from {least} to 100, got {count}")
        if len(resolution) != 2 or not all(1e-5 < s < 100 for s in resolution):
            raise ConfigError(f"model.resolution must be two numbers > 1e-5 and < 100, in mm, got {list(resolution)}")
        check_hits("acts_ckf", n_node_features)
        self.pt_min, self.chi2 = pt_min, chi2
        self.least_hits, self.most_shared = least_hits, most_shared
        self.resolution = (resolution[0], resolution[1])
        self._last: tuple[Tensor, Tensor] | None = None  # hits and tracks of a call, after which a loss asks for tracks

    def forward(self, batch: GraphBatch) -> Tensor:
        inner, outer = batch.edge_index
        if batch.x.is_meta:
            return batch.x.new_zeros(len(inner), 1)
        track = self._find_all(batch)
        self._last = batch.x, track
        return torch.where(track[inner] == track[outer], LOGIT, -LOGIT)[:, None].to(batch.x.dtype)

    def tracks(self, batch: GraphBatch) -> Tensor:
        """The number of the track (M,) of each hit; one that is on none is alone."""
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] is batch.x else self._find_all(batch)

    def _find_all(self, batch: GraphBatch) -> Tensor:
        r, phi, z = batch.x.detach().cpu().double().numpy().T
        place = np.stack([r * np.cos(np.pi * phi), r * np.sin(np.pi * phi), z], axis=1) * 1000
        event, numbers = batch.graph.cpu().numpy(), np.arange(len(place))
        for one in range(len(batch)):
            own = np.flatnonzero(event == one)
            for hits in self._find(place[own]) if len(own) else ():
                free = own[hits][numbers[own[hits]] < len(place)]  # of no better track
                numbers[free] = len(place) + free.min(initial=len(place))
        return torch.from_numpy(np.unique(numbers, return_inverse=True)[1]).to(batch.x.device)

    def _find(self, place: NDArray[np.float64]) -> list[list[int]]:
        """The hits of each track of the event that has its hits there (m, 3), in mm; the best tracks first."""
        detector = generic_detector(PIXEL_LAYERS)
        modules = detector.modules
        module = modules.find(modules.nearest_layer(place), place, OFF_MODULE)
        if (off := module < 0).any():
            raise DataError(
                f"model=acts_ckf: {off.sum():,} of {len(place):,} hits of an event are on no module of ACTS's generic "
                "detector; expected those of TrackML's files, or data.source=generate data.simulator=acts"
            )
        from hepexp.simulation.acts_tracks import Hits, find_tracks

        hits = Hits(module, modules.local(module, place)[:, :2])
        return find_tracks(detector, hits, self.resolution, self.pt_min, self.chi2, self.least_hits, self.most_shared)

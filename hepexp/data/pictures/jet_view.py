"""How jets are drawn: particles in rapidity and azimuth around the jet axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import around_axis, sums
from hepexp.data.pictures.view import Channel, Maps, frame
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform
from hepexp.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTICLE_KINDS = ("charged hadron", "neutral hadron", "photon", "electron", "muon")  # what detectors tell apart
_CELLS = 45
_UNKNOWN_RADIUS = 1.0  # any jet fits into the picture
_MARGIN = 1.15  # width of a picture relative to the jet's: the axis is not the centre of the jet area
_AREA = 900  # total area of a jet's markers, in points squared
_MOMENTA = (1, 10, 100)  # GeV, for the markers in the legend


def _of_one_kind(jets: Ragged) -> NDArray[np.integer]:
    return np.zeros(jets.offsets[-1], np.int64)


@dataclass(frozen=True)
class JetView:
    """Drawings of jets.

    Parameters
    ----------
    particles : computes the column p4 of the particles, (E, px, py, pz) in GeV.
    radius : R of the jets; None if it is unknown.
    kinds : names of the kinds of particles, each drawn in its own colour.
    kind_of : returns the index in `kinds` of each particle (m,); by default all are of the first kind.
    """

    particles: Transform
    radius: float | None = None
    kinds: tuple[str, ...] = ("particle",)
    kind_of: Callable[[Ragged], NDArray[np.integer]] = _of_one_kind

    channels: ClassVar = (Channel(r"mean $p_\mathrm{T}$ per jet and cell", "GeV"),)
    axes: ClassVar = (r"$\Delta y$", r"$\Delta\phi$ [rad]")
    panels: ClassVar = 1

    @property
    def edges(self) -> tuple[float, float, float, float]:
        half = _MARGIN * (self.radius or _UNKNOWN_RADIUS)
        return (-half, half, -half, half)

    def maps(self, examples: Ragged) -> tuple[Maps, Maps]:
        pt, dy, dphi = around_axis(self.particles(examples))
        bins = np.linspace(*self.edges[:2], _CELLS + 1)
        hits, _, _ = np.histogram2d(dy, dphi, bins=(bins, bins))
        total, _, _ = np.histogram2d(dy, dphi, bins=(bins, bins), weights=pt)
        return total[None], hits[None]

    def draw(self, axes: Sequence[Axes], examples: Ragged, panel: int) -> None:
        from matplotlib.patches import Circle

        pt, dy, dphi = around_axis(self.particles(examples))
        kind, area = self.kind_of(examples), pt * self._area_of_gev(examples)
        for i, place in enumerate(axes):
            mine = np.arange(examples.offsets[i], examples.offsets[i + 1])
            mine = mine[np.argsort(-area[mine])]  # small ones on top
            colour = [COLOURS[k] for k in kind[mine]]
            place.scatter(dy[mine], dphi[mine], area[mine], colour, alpha=0.75, edgecolors="white", linewidths=0.3)
            if self.radius is not None:
                place.add_patch(Circle((0, 0), self.radius, fill=False, color="0.6", linestyle="--", linewidth=0.8))
            frame(place, self)

    def legend(self, drawing: Figure, examples: Ragged) -> None:
        from matplotlib.lines import Line2D

        scale = self._area_of_gev(examples)
        present = np.unique(self.kind_of(examples))
        marks = [
            *((self.kinds[kind], COLOURS[kind], 36) for kind in present),
            *((rf"$p_\mathrm{{T}}$ = {momentum} GeV", "0.5", momentum * scale) for momentum in _MOMENTA),
        ]
        handles = [
            Line2D([], [], linestyle="", marker="o", color=colour, markeredgewidth=0, markersize=area**0.5, label=text)
            for text, colour, area in marks
        ]
        drawing.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.4)

    def _area_of_gev(self, examples: Ragged) -> float:
        pt, _, _ = around_axis(self.particles(examples))
        return _AREA / float(np.median(sums(pt, examples)))

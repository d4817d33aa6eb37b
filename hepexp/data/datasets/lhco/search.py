"""What a search for an anomaly trains on: which events of a split it gets, and what it calls them.

A method that does not know what is signal is trained to tell a sample in which there may be signal, here called the
data, from one with less of it. The best classifier of the two is a monotonic function of the likelihood ratio of signal
and background (arXiv:1708.02949), so it finds the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError

LABELS = ("truth", "ideal", "cwola", "sidebands", "data")
SIGNIFICANCE = 2.2  # S / sqrt(B) before any cut, in the signal region of the published files: 764 and 119,236 events

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Search:
    """How a search uses events.

    Parameters
    ----------
    labels : `truth` for signal against background; `ideal` for the data in the signal region against pure background
        from there; `cwola` for the data in the signal region against the data in the sidebands; `sidebands` and `data`
        for one of these two alone.
    signal_region : low and high end in dijet mass, GeV.
    sidebands : outer ends of the sidebands, GeV.

    Raises
    ------
    ConfigError : unknown labels, or regions that are no intervals or do not enclose each other.
    """

    labels: Literal["truth", "ideal", "cwola", "sidebands", "data"]
    signal_region: Sequence[float]
    sidebands: Sequence[float]

    def __post_init__(self) -> None:
        if self.labels not in LABELS:
            raise ConfigError(f"dataset.labels must be one of {', '.join(LABELS)}, got {self.labels!r}")
        for key in ("signal_region", "sidebands"):
            ends = list(getattr(self, key))
            if len(ends) != 2 or not ends[0] < ends[1]:
                raise ConfigError(f"dataset.{key} must be [LOW, HIGH] in GeV with LOW < HIGH, got {ends}")
        (low, high), (outer_low, outer_high) = self.signal_region, self.sidebands
        if not (outer_low <= low and high <= outer_high):
            raise ConfigError(
                f"dataset.sidebands must enclose dataset.signal_region, got {list(self.sidebands)} and "
                f"{list(self.signal_region)}"
            )

    @property
    def alone(self) -> int | None:
        """The label of all events in training, if there is only one."""
        return {"sidebands": 0, "data": 1}.get(self.labels)

    @property
    def samples(self) -> dict[str, str]:
        """What the events are that training and validation call background and signal, where these do not know."""
        return {
            "ideal": {"background": "pure background", "signal": "the data"},
            "cwola": {"background": "the sidebands", "signal": "the signal region"},
        }.get(self.labels, {})

    def in_signal_region(self, mjj: NDArray) -> NDArray[np.bool_]:
        """Mask (n,) of events in the signal region."""
        return (mjj >= self.signal_region[0]) & (mjj < self.signal_region[1])

    def in_sidebands(self, mjj: NDArray) -> NDArray[np.bool_]:
        """Mask (n,) of events in one of the sidebands."""
        return (mjj >= self.sidebands[0]) & (mjj < self.sidebands[1]) & ~self.in_signal_region(mjj)

    def sample(self, rows: Rows, mjj: NDArray, signal: NDArray[np.bool_], share: float | None) -> tuple[Rows, Rows]:
        """The rows that a split for training or validation has, and what they are called: 1 for the data, or signal.

        The background of `ideal` is divided: every other event, in the order of the split, is data. In the sidebands
        of `cwola` and `sidebands` there is signal too, in proportion to how much of the signal falls there.

        Parameters
        ----------
        rows : (n,) of a store, in the order of the split.
        mjj, signal : (n,) dijet mass in GeV, and whether it is signal, of these rows.
        share : signal events per background event among the data in the signal region; None for all signal there is.

        Raises
        ------
        ConfigError : there is less signal than that, or there are no events in a sideband.
        """
        central, beside = self.in_signal_region(mjj), self.in_sidebands(mjj)
        background = np.flatnonzero(central & ~signal)
        data = background[::2] if self.labels == "ideal" else background
        there = np.flatnonzero(central & signal)
        n = len(there) if share is None else round(share * len(data))
        if n > len(there):
            raise ConfigError(f"dataset.n_signal asks for {n:,} signal events in a split that has {len(there):,}")
        label = np.full(len(rows), -1)
        if self.labels != "sidebands":
            label[data] = 0 if self.labels == "truth" else 1
            label[there[:n]] = 1
        if self.labels == "ideal":
            label[background[1::2]] = 0
        if self.labels in ("cwola", "sidebands"):
            self._refuse_no_sideband(mjj[~signal])
            outside = np.flatnonzero(beside & signal)
            kept = round(len(outside) * n / max(len(there), 1))
            label[beside & ~signal] = 0
            label[outside[:kept]] = 0
        chosen = label >= 0
        return rows[chosen], label[chosen]

    def _refuse_no_sideband(self, mjj: NDArray) -> None:
        low, high = self.signal_region
        beside = mjj[self.in_sidebands(mjj)]
        if not ((beside < low).any() and (beside >= high).any()):
            raise ConfigError(
                f"dataset.labels={self.labels} needs background on both sides of "
                f"dataset.signal_region={list(self.signal_region)}, within dataset.sidebands={list(self.sidebands)}; "
                f"this source has {mjj.min():.0f} to {mjj.max():.0f} GeV: narrow the signal region"
            )

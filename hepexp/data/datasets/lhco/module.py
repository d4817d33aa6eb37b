"""Dijet events of the LHC Olympics, for searches for a resonance that nobody has modelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any, Literal

import numpy as np

from hepexp.data.datasets.lhco.info import CLASSES, COLUMNS, INFO
from hepexp.data.datasets.lhco.search import SIGNIFICANCE, Search
from hepexp.data.keys import chosen_names, require_at_least
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.representations.representation import Representation
from hepexp.data.representations.variables import Variables
from hepexp.errors import DataError


class LhcOlympics(HepDataModule):
    """W' (3.5 TeV) -> X (500 GeV) Y (100 GeV) -> 4 quarks (label 1) vs QCD dijets (label 0), leading jet pT > 1.2 TeV.

    The test is always on signal against background in the signal region. What training and validation call signal is
    up to `labels`: only with `truth` do they know.

    Parameters
    ----------
    labels : `truth`, signal against background; `ideal`, background with `n_signal` signal events against pure
        background, both in the signal region; `cwola`, the signal region, with `n_signal` signal events, against the
        sidebands, where there is signal in proportion; `sidebands`, these alone, as background; `data`, the signal
        region alone, with `n_signal` signal events, as signal.
    n_signal : signal events in the signal region in training, and in proportion in validation; null for all of them
        with `truth`, otherwise 2.2 times the root of the background events there, as in the published files.
    signal_region : dijet mass in GeV; published 3300 to 3700.
    sidebands : outer ends of the sidebands in dijet mass, GeV.
    variables : what models read, of mjj, m_min, dm, tau21_1 and tau21_2.
    standardise : whether each variable is scaled to mean 0 and variance 1 over the training events.

    References
    ----------
    G. Kasieczka et al., arXiv:2101.08320; E. Metodiev, B. Nachman, J. Thaler, arXiv:1708.02949 (CWoLa); A. Hallin et
    al., arXiv:2109.00546 (features, the idealised detector).
    """

    info = INFO

    labels: Literal["truth", "ideal", "cwola", "sidebands", "data"] = "truth"
    n_signal: int | None = None
    signal_region: Sequence[float] = (3300.0, 3700.0)
    sidebands: Sequence[float] = (3100.0, 3900.0)
    variables: Sequence[str] = ("m_min", "dm", "tau21_1", "tau21_2")
    standardise: bool = True
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        require_at_least(0 if self.labels != "truth" else 1, n_signal=self.n_signal)
        self._search = Search(self.labels, self.signal_region, self.sidebands)
        super().__post_init__()
        self.samples = self._search.samples
        if (alone := self._search.alone) is not None:
            self.train_names = (CLASSES[alone],)  # for losses that tell classes apart, which are refused

    def make_representations(self) -> list[Representation]:
        return [Variables(chosen_names("variables", self.variables, tuple(COLUMNS)), self.standardise)]

    def arrange(self, opened: SplitStore) -> SplitStore:
        """The events of the signal region and, for CWoLa, of the sidebands, as the search labels them."""
        store, search = opened.store, self._search
        signal = store.label == CLASSES.index("signal")
        splits, label = dict(opened.splits), store.label.copy()
        mjj = {name: store.take(rows)["mjj"] for name, rows in splits.items()}
        share = self._share(splits["train"], mjj["train"], signal)
        for name in ("train", "val"):
            rows = splits[name]
            splits[name], label[splits[name]] = search.sample(rows, mjj[name], signal[rows], share)
        splits["test"] = splits["test"][search.in_signal_region(mjj["test"])]
        return replace(opened, store=store.relabelled(label), splits=splits)

    def _share(self, rows: np.ndarray, mjj: np.ndarray, signal: np.ndarray) -> float | None:
        """Signal events per background event among the data in training; None for all signal there is."""
        if self.n_signal is None and self.labels == "truth":
            return None
        n_background = int((self._search.in_signal_region(mjj) & ~signal[rows]).sum())
        n_data = -(-n_background // 2) if self.labels == "ideal" else n_background
        if n_data == 0:
            raise DataError(f"{self.info.name}: no background in dataset.signal_region={list(self.signal_region)}")
        return (round(SIGNIFICANCE * n_data**0.5) if self.n_signal is None else self.n_signal) / n_data

    def sample_keys(self) -> dict[str, Any]:
        # a few events of the sample, which a search would leave without any
        return super().sample_keys() | {
            "labels": "truth",
            "n_signal": None,
            "signal_region": [3300.0, 3700.0],
            "sidebands": [3100.0, 3900.0],
        }

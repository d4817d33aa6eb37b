"""Quark and gluon jets in Z + jet events at 14 TeV: the EnergyFlow sample, or jets simulated in the same way."""

from __future__ import annotations

import os
from typing import Literal

from hepexp.batch import DataSpec
from hepexp.data import qg_files
from hepexp.data.datamodule import JetDataModule, require_at_least
from hepexp.data.particles import ParticleReader
from hepexp.data.store import JetStore
from hepexp.errors import ConfigError


class QuarkGluon(JetDataModule):
    """Light-quark jets (label 1) against gluon jets (label 0), pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4.

    Parameters
    ----------
    source : `full`, the published files; `mini`, the 20,000 jets in the package; `generate`, simulated on this machine
        at first use; `auto`, full where it is complete, else mini.
    batch_size : jets in a batch, over all devices together.
    n_train : jets of the training split to use; null for all.
    n_val : jets of the validation split to use; null for all.
    n_test : jets of the test split to use; null for all.
    pid : read the particle type. When false all particles are massless and have the constant 1 as their only scalar.
    scalars : with pid, `pid` for one-hot over 8 particle types, or `mass_charge` for psi(mass) and charge.
    bucket : training batches are cut from pools of so many batches sorted by multiplicity; 1 for plain random batches.
        More saves padding, but multiplicity knows the label, so batches become one-sided.
    num_workers : processes that build batches; 0 builds them in the training process, which is fast enough on a CPU.
    n_files : published files to use with `full`, 100,000 jets each.
    n_generate : jets to simulate with `generate`.
    generate_seed : seed of that simulation.
    seed : order of the training batches; the split never depends on it.

    Raises
    ------
    ConfigError : a value is out of range.

    References
    ----------
    P. T. Komiske, E. M. Metodiev, J. Thaler, arXiv:1810.05165; data at doi:10.5281/zenodo.3164691.
    """

    def __init__(
        self,
        source: Literal["auto", "full", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        pid: bool = True,
        scalars: Literal["pid", "mass_charge"] = "pid",
        bucket: int = 1,
        num_workers: int = 0,
        n_files: int = 20,
        n_generate: int = 20000,
        generate_seed: int = 1,
        *,
        seed: int,
    ) -> None:
        require_at_least(1, n_files=n_files)
        require_at_least(10, n_generate=n_generate)
        require_at_least(0, generate_seed=generate_seed)
        if n_files > (there_are := len(qg_files.published())):
            raise ConfigError(f"dataset.n_files must be <= {there_are}, got {n_files}")
        reader = ParticleReader(pid, scalars)
        limits = {"train": n_train, "val": n_val, "test": n_test}
        chosen = qg_files.choose(source, n_files)
        super().__init__(chosen, reader, limits, batch_size, bucket, num_workers, seed)
        self.n_files = n_files
        self.n_generate = n_generate
        self.generate_seed = generate_seed
        self.spec = DataSpec(qg_files.CLASSES, reader.n_scalars)

    def prepare_data(self) -> None:
        """Simulate the jets of `generate`, where that was not done before."""
        if self.source == "generate" and not qg_files.generated(self.n_generate, self.generate_seed).exists():
            from hepexp.data.progress import jets_progress

            with jets_progress(self.n_generate) as report:
                qg_files.generate(self.n_generate, self.generate_seed, os.cpu_count() or 1, report)

    def open_store(self) -> JetStore:
        return qg_files.open_source(self.source, self.n_files, self.n_generate, self.generate_seed)

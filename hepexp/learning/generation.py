"""Examples that a trained generator makes, and what is compared of them with the data set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hepexp.batch import Batch
from hepexp.data.download.export import export_rows
from hepexp.data.loading.conditions import AT_ONCE, Conditions, as_represented, batches_of
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged, regroup
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError, HepexpError
from hepexp.evaluation.evaluators.generation import CLOUD, FLOOR, JETS, MADE, MAPS, OF, SECONDS, THIRDS, TRUTH
from hepexp.evaluation.generation.particle_net_distance import KINDS
from hepexp.evaluation.options import EvaluationOptions
from hepexp.losses.content import content
from hepexp.losses.objective import Objective

SEED = 1  # of the examples of every evaluation: they differ only by the weights
PASSES = 3  # of a batch, of which the median is taken


class Generation:
    """What a generator makes under the conditions of training examples, compared with other examples of the data set.

    Parameters
    ----------
    objective : generates.
    data : data set of the run, after `setup`.
    options : say how many examples are generated after each epoch, and for the test.

    Attributes
    ----------
    samples : examples of the last test, in the columns of the store; there are none before it.

    Raises
    ------
    ConfigError : the data set does not say by what generated examples are judged.
    """

    samples: Ragged

    def __init__(self, objective: Objective, data: HepDataModule, options: EvaluationOptions) -> None:
        if not getattr(data, "observables", ()):
            raise ConfigError(
                f"{type(objective).__name__} generates examples, but {type(data).__name__} does not say by what these "
                "are judged (its observables); choose another data set, such as data=jetnet"
            )
        self.objective, self.data = objective, data
        self.n_samples, self.n_val_samples = options.n_samples, options.n_val_samples
        self.classifier = options.classifier

        self._validation: dict[str, NDArray] | None = None

    def of_epoch(self, model: nn.Module, rows: NDArray[np.int64]) -> dict[str, NDArray]:
        """The observables that select the best epoch, of validation examples, and of as many generated ones."""
        names = [one.name for one in self.data.observables if one.selects]
        if self._validation is None:
            self._validation = self._observed(TRUTH, as_represented(self.data, rows), names)
        n = min(self.n_val_samples, len(rows))
        try:
            made = Ragged.concatenate(list(self.stream(model, Conditions(self.data), n, SEED, quick=True)))
        except NotFinite:  # the epoch is none that is kept
            nothing = {f"{MADE}{name}": np.full_like(self._validation[f"{TRUTH}{name}"], np.nan) for name in names}
            return {**self._validation, **nothing, f"{MADE}{OF}": self._validation[f"{TRUTH}{OF}"]}
        return {**self._validation, **self._observed(MADE, made, names)}

    def of_test(self, model: nn.Module, rows: NDArray[np.int64]) -> dict[str, NDArray]:
        """The observables of test examples, of as many training examples, and of generated ones; time per example.

        Raises
        ------
        HepexpError : generated examples hold numbers that are NaN or infinite.
        """
        n, train = self.n_samples or len(rows), self.data.splits["train"].rows
        conditions = Conditions(self.data)
        seconds: list[float] = []
        self.samples = Ragged.concatenate(list(self.stream(model, conditions, n, SEED, seconds=seconds)))
        other = train[: min(len(rows), len(train))]
        true = as_represented(self.data, rows)
        found = self._observed(MADE, self.samples) | self._observed(TRUTH, true)
        found |= self._observed(FLOOR, as_represented(self.data, other))
        found |= self._of_kinds(MADE, self.samples) | self._of_kinds(TRUTH, true)
        if self.data.layer_maps:
            found |= self._maps(true)
        full = seconds[: n // AT_ONCE]
        alone = self.seconds(model, conditions, 1)
        in_batches = median(full) / AT_ONCE if full else self.seconds(model, conditions, AT_ONCE)
        return found | {f"{SECONDS}1": np.array([alone]), f"{SECONDS}{AT_ONCE}": np.array([in_batches])}

    def inputs(self, level: str, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """What classifiers read of test examples, of as many training examples, and of those of the last test.

        Parameters
        ----------
        level : an entry of `LEVELS`.
        rows : of the test examples.

        Returns
        -------
        (n, F) each; empty where the data set does not say what classifiers read.
        """
        if level not in self.data.observe(self.samples.take(slice(0, 1)), [level]):
            return {}
        train = self.data.splits["train"].rows[: len(rows)]
        samples = {TRUTH: rows, FLOOR: train}
        examples = {name: as_represented(self.data, found) for name, found in samples.items()} | {MADE: self.samples}
        return {
            name: self._observed("", sample, [level])[level].astype(np.float32) for name, sample in examples.items()
        }

    def stream(
        self,
        model: nn.Module,
        conditions: Conditions,
        n: int,
        seed: int,
        quick: bool = False,
        seconds: list[float] | None = None,
    ) -> Iterator[Ragged]:
        """Examples (n) in the columns of the store, a thousand at a time; the seed determines them.

        Parameters
        ----------
        quick : whether a cheaper approximation will do.
        seconds : gets the time that each batch took to be generated.

        Raises
        ------
        NotFinite : some hold numbers that are NaN or infinite.
        """
        model.eval()
        for block, start in enumerate(range(0, n, AT_ONCE)):
            drawn = conditions.draw(min(AT_ONCE, n - start), np.random.default_rng((seed, block)))
            random = torch.Generator().manual_seed(int(np.random.SeedSequence((seed, block)).generate_state(1)[0]))
            for batch, like in batches_of(self.data, drawn):
                began = time.perf_counter()
                made = self._made(model, batch, random, quick)
                if seconds is not None:
                    seconds.append(time.perf_counter() - began)
                refuse_not_finite(made, self.data.noun)
                yield self.data.representation.decode(made, like)

    def write(self, path: Path, label: str) -> None:
        """The examples of the last test as a file of the data set.

        Parameters
        ----------
        label : of the run.
        """
        self.save(path, [self.samples], label, len(self.samples), SEED)

    def save(
        self,
        path: Path,
        examples: Iterable[Ragged],
        label: str,
        n: int,
        seed: int,
        fixed: Mapping[str, str] | None = None,
        report: Callable[[int], None] = lambda made: None,
    ) -> None:
        """Generated examples as a file of the data set, `.parquet`, `.arrow` or a published format that can be written.

        Parameters
        ----------
        examples : in parts.
        label : of the run; with n, the seed and the fixed conditions the file records how it was made.
        report : called with the number of new examples after each part.
        """

        def reported() -> Iterator[Ragged]:
            for part in examples:
                report(len(part))
                yield part

        info, about = self.data.info, described(label, n, seed, fixed)
        if path.suffix in (".parquet", ".arrow"):
            arrow_file.write(path, info.layout, regroup(reported()), about)
        else:
            store = Store(info.layout, list(reported()), metadata=[about])
            export_rows(info, store, range(len(store)), path)

    @torch.no_grad()
    def _made(self, model: nn.Module, batch: Batch, random: torch.Generator, quick: bool = False) -> Batch:
        device = next(model.parameters()).device
        return self.objective.generate(model, batch.to(device), random, quick).to("cpu")

    def seconds(self, model: nn.Module, conditions: Conditions, size: int) -> float:
        """Time to generate an example in batches of this size.

        It is the median of several passes, after one that warms up, unless they take too long.
        """
        times: list[float] = []
        drawn = conditions.draw(size, np.random.default_rng(SEED))
        for batch, _ in batches_of(self.data, drawn):
            self._made(model, batch, torch.Generator().manual_seed(SEED)) if size == 1 else None
            while len(times) < PASSES and sum(times) < 1:
                began = time.perf_counter()
                self._made(model, batch, torch.Generator().manual_seed(SEED))
                times.append(time.perf_counter() - began)
        return median(times) / size

    def _maps(self, true: Ragged) -> dict[str, NDArray]:
        """Of thirds of the true showers by energy: bounds, and means and single showers of both samples."""
        bounds = np.quantile(true["energy"], np.linspace(0, 1, THIRDS + 1))
        found = {f"{MAPS}bounds": bounds, f"{MAPS}energies": (bounds[1:] + bounds[:-1]) / 2}
        for name, examples in ((TRUTH, true), (MADE, self.samples)):
            energy = examples["energy"]
            third = np.clip(np.searchsorted(bounds, energy, "right") - 1, 0, THIRDS - 1)
            nearest = [int(np.abs(energy - middle).argmin()) for middle in found[f"{MAPS}energies"]]
            rows = [np.flatnonzero(third == k) for k in range(THIRDS)]
            means = [self._mean_densities(examples.take(some)) for some in rows]
            for layer, single in enumerate(self.data.densities(examples.take(np.array(nearest)))):
                found[f"{MAPS}{name}mean_{layer}"] = np.stack([mean[layer] for mean in means])
                found[f"{MAPS}{name}single_{layer}"] = single
        return found

    def _mean_densities(self, examples: Ragged) -> list[NDArray]:
        """The mean (cells, cells) in each layer, zero of no showers."""
        total = [np.zeros([len(edges) - 1 for edges in layer.edges]) for layer in self.data.layer_maps]
        for start in range(0, len(examples), AT_ONCE):
            part = self.data.densities(examples.take(slice(start, start + AT_ONCE)))
            total = [one + found.sum(0) for one, found in zip(total, part, strict=True)]
        return [one / max(len(examples), 1) for one in total]

    def _of_kinds(self, sample: str, examples: Ragged) -> dict[str, NDArray]:
        """The jets of each class that JetNet's statistics are of."""
        kinds = {name: self.data.info.classes.index(name) for name in self.data.jetnet_kinds if name in KINDS}
        rows = {name: np.flatnonzero(examples.label == label) for name, label in kinds.items()}
        return {
            f"{JETS}{sample}{name}": self._observed("", examples.take(some), [CLOUD])[CLOUD]
            for name, some in rows.items()
            if len(some)
        }

    def _observed(self, sample: str, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray]:
        starts = range(0, len(examples), AT_ONCE)
        parts = [self.data.observe(examples.take(slice(k, k + AT_ONCE)), names) for k in starts]
        found = {f"{sample}{name}": _joined([part[name] for part in parts]) for name in parts[0]}
        return {**found, f"{sample}{OF}": np.repeat(np.arange(len(examples)), examples.counts)}


def described(label: str, n: int, seed: int, conditions: Mapping[str, str] | None = None) -> dict:
    """What a file of generated examples records of how they were made."""
    fixed = "".join(f" --condition {name}={value}" for name, value in (conditions or {}).items())
    return {"made_from": "a generator", "command": f"hepexp sample {label} --n {n} --seed {seed}{fixed}", "n": n}


class NotFinite(HepexpError):
    """Generated examples hold numbers that are NaN or infinite."""


def refuse_not_finite(batch: Batch, noun: str) -> None:
    """Raise NotFinite, with the number of examples concerned, if any number in a generated batch is."""
    bad = ~content(batch).flatten(1).isfinite().all(1)
    if bad.any():
        raise NotFinite(
            f"{int(bad.sum()):,} of {len(bad):,} generated {noun}s are NaN or infinite: the training diverged (lower "
            "optimizer.lr or set trainer.gradient_clip), or a condition is far from those of the training"
        )


def _joined(parts: list[NDArray]) -> NDArray:
    """Parts one after another; sets of elements are padded to the longest."""
    if parts[0].ndim == 3:
        longest = max(part.shape[1] for part in parts)
        parts = [np.pad(part, ((0, 0), (0, longest - part.shape[1]), (0, 0))) for part in parts]
    return np.concatenate(parts)

"""What all data sets have in common: keys, fixed splits, and the record of where the data come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import Batch, DataSpec, Target
from hepexp.config.annotated_keys import AnnotatedKeys, FromRun
from hepexp.data.keys import chosen_names, require_at_least, require_at_most
from hepexp.data.loading.dataset import Extras
from hepexp.data.loading.element_targets import ElementTargets
from hepexp.data.loading.example_weights import ExampleWeights
from hepexp.data.loading.experiment_data import ExperimentData
from hepexp.data.loading.fitted_scales import FittedScales
from hepexp.data.loading.loaders import Loaders
from hepexp.data.loading.reweighting import Reweighting
from hepexp.data.loading.shifts import Shifts
from hepexp.data.loading.split_store import SplitStore, open_source
from hepexp.data.loading.targets_and_weights import TargetsAndWeights
from hepexp.data.representations.representation import Representation, spec_of
from hepexp.data.store.integrity import describe_file
from hepexp.data.store.ragged import Ragged
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.views import Views
from hepexp.errors import ConfigError, DataError
from hepexp.simulation.simulate import MOST, refuse_other_settings, simulate
from hepexp.splits import SPLITS

_MOST_WORKERS = 512  # processes
MOST_OF_SAMPLE = 200  # examples that a model needs to know the shape of one


class HepDataModule(Loaders, Shifts, FittedScales, TargetsAndWeights, AnnotatedKeys, ExperimentData):
    """Base class of the data sets: their keys, splits and loaders.

    A subclass names its files in `info`, annotates the keys that it has beside these, and implements
    `make_representations`; JetDataModule and ImageDataModule have done so for particles and for pixels.

    Parameters
    ----------
    source : `full` for the published files; `mini` for the sample in the package; `generate` to simulate examples on
        this machine the first time they are needed; `auto` for the published files if they are complete, otherwise
        the sample.
    batch_size : number of examples per batch, summed over all devices.
    n_train : number of training examples to use; null for all.
    n_val : number of validation examples to use; null for all.
    n_test : number of test examples to use; null for all.
    classes : classes to use, in the order of their new labels; null for all.
    train_classes : classes to train and validate on, for anomaly searches; the test set keeps every class; null for
        all.
    extras : additional inputs for each example, standardised over the training examples.
    bucket : sort this many batches' worth of training examples by multiplicity before cutting them into batches; 1 for
        plain random batches. Larger values save padding, but multiplicity is correlated with the label, so each batch
        is then dominated by one class.
    targets : real numbers to predict for each example, for losses that do: stored columns, or observables of its
        particles such as mass.
    observers : stored columns or observables that are carried into predictions.parquet; no model sees them.
    weight : stored column, or observable, that holds the weight of each example; null for none. Weights enter losses,
        metrics and figures, and may be negative.
    balance : `classes` to weight all classes so that their sums of weights in training agree.
    reweight : weights that give some classes the spectrum of another; null for none.
    views : random views of each example, for losses that compare two of them; all off by default.
    augment : random transformations of the training examples; all off by default.
    num_workers : number of processes that build batches; 0 builds them in the training process.
    n_files : number of published files of each split to use with `full`; null for all.
    n_generate : number of examples to simulate with `generate`.
    generate_seed : random seed of the simulation.
    seed : random seed for the order of the training batches; the splits never depend on it.

    Attributes
    ----------
    representations : those in which the data set can serve its examples; a model's `input` must be one of them.
    spec : the sizes and names that a model is built from, available after `setup`.

    Raises
    ------
    ConfigError : a value is out of range.
    """

    source: Literal["auto", "full", "mini", "generate"] = "auto"
    batch_size: int = 64
    n_train: int | None = None
    n_val: int | None = None
    n_test: int | None = None
    targets: Sequence[str] = ()
    observers: Sequence[str] = ()
    weight: str | None = None
    balance: Literal["none", "classes"] = "none"
    reweight: Reweighting | None = None
    views: Views | None = None
    augment: Augmentation | None = None
    num_workers: int = 0
    n_files: int | None = None
    n_generate: int = 20000
    generate_seed: int = 1
    seed: FromRun[int]

    def __post_init__(self) -> None:
        super().__init__()
        limits = {f"n_{split}": getattr(self, f"n_{split}") for split in SPLITS}
        require_at_least(1, batch_size=self.batch_size, bucket=self.bucket, **limits)
        require_at_least(0, num_workers=self.num_workers, generate_seed=self.generate_seed)
        require_at_least(10, n_generate=self.n_generate)
        require_at_most(_MOST_WORKERS, num_workers=self.num_workers)
        require_at_most(MOST, n_generate=self.n_generate)
        columns = tuple(self.info.layout.elements)
        names = chosen_names("element_targets", self.element_targets, columns) if self.element_targets else ()
        groups = chosen_names("pair_targets", self.pair_targets, columns) if self.pair_targets else ()
        self._element_targets = ElementTargets(names, self.element_classes, groups, tuple(self.edge_targets or ()))
        self._representations = {one.name: one for one in self.make_representations()}
        self.representation = next(iter(self._representations.values()))
        self.opened: SplitStore | None = None  # the examples, if they have been opened before `setup`
        self.class_names = chosen_names("classes", self.classes, self.info.classes)
        self.train_names = chosen_names("train_classes", self.train_classes, self.class_names)
        self.samples: dict[str, str] = {}  # what training calls by the names of classes, where it does not know them
        self.extra_names = chosen_names("extras", self.extras, tuple(self.info.layout.extras))
        if self.balance not in ("none", "classes"):
            raise ConfigError(f"dataset.balance must be none or classes, got {self.balance!r}")
        reweight = self.reweight or Reweighting()
        self._target_quantities = self._quantities("targets", self.named_targets().values())
        self._observers = self._quantities("observers", self.observers)
        self._weights = ExampleWeights(
            self._quantities("weight", [] if self.weight is None else [self.weight]),
            self._quantities("reweight.variables", reweight.variables),
            self.balance,
            reweight,
            self.class_names,
        )
        self.source = self.info.choose_source(self.source, self.n_files)
        self._start = (0, 0)
        self._targets = None
        self.splits = {}

    def make_representations(self) -> list[Representation]:
        """The representations of its examples; the first is the one that models get unless they ask for another."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its examples are represented")

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        """The values of its `observables` for examples as its representation sees them, stored or generated.

        Besides, there may be `features` (n, F), quantities whose joint distribution is compared, and `cloud`
        (n, N, 3), padded sets of two angles and a positive quantity, for distances between examples. `low_level` and
        `high_level` (n, F), which are only computed if they are asked for, are what classifiers read that are to tell
        generated from true examples.

        Parameters
        ----------
        names : those that are wanted; None for all.

        Returns
        -------
        (n, K) for each observable of examples, (m, K) for each of elements, K being the number of its labels.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how its observables are computed")

    def densities(self, showers: Ragged) -> list[NDArray[np.float64]]:
        """Energy densities (n, cells, cells) in MeV per square centimetre in each of its `layer_maps`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its showers are drawn")

    # ---- the representation

    @property
    def representations(self) -> tuple[str, ...]:
        return tuple(self._representations)

    def represent_as(self, name: str) -> None:
        """Choose the representation of the batches, before `setup`; the first representation is the default."""
        self.representation = self._representations[name]

    @property
    def names(self) -> DataSpec:
        """The names of classes, targets and observers in `spec`, which are known before `setup`, as sizes are not."""
        return DataSpec(
            self.class_names,
            targets=(*map(Target, self.named_targets()), *self._element_targets.targets),
            observers=self._observers.names,
            background=self.info.background,
            working_points=self.info.working_points,
            observables=self.observables,
        )

    @property
    def spec(self) -> DataSpec:
        """Sizes of the arrays in a batch, and names of the classes; available after `setup`."""
        targets = (*(self._targets.targets if self._targets else ()), *self._element_targets.targets)
        batch, observers = self.splits["train"][[0]], self._observers.names
        extras = self._extras
        scales = zip(extras.mean.tolist(), extras.std.tolist(), strict=True) if isinstance(extras, Extras) else ()
        return replace(
            spec_of(batch, self.class_names, self.representation, targets, observers),
            background=self.info.background,
            working_points=self.info.working_points,
            extra_names=self.extra_names,
            extra_scales=tuple(scales),
            observables=self.observables,
            layer_maps=self.layer_maps,
        )

    def typical_example(self) -> Batch:
        """A batch of one training example, the one with the median number of elements."""
        return self.typical_examples(1)

    def typical_examples(self, n: int) -> Batch:
        """A batch of n training examples of typical size.

        They are from the middle tenth in the number of elements, repeated where n is larger. The first is the one with
        the median number.
        """
        examples = self.splits["train"]
        order = np.argsort(examples.counts, kind="stable")
        width = min(n, max(1, len(examples) // 10))
        middle = len(examples) // 2 + np.r_[0 : width - width // 2, -(width // 2) : 0]
        return examples[np.resize(order[middle], n).tolist()]

    # ---- files and splits

    @property
    def noun(self) -> str:
        """The word for one example."""
        return self.info.noun

    def prepare_data(self) -> None:
        """Convert published files, or simulate the examples of `generate`, unless that has been done already.

        Raises
        ------
        ConfigError : they were simulated with other settings than those of this version.
        """
        from hepexp.data.download.convert import convert_all
        from hepexp.data.download.progress import examples_progress

        info = self.info
        if self.source == "full":
            convert_all(info, info.parts(self.n_files))
        elif self.source == "generate":
            n, seed, classes = self._generated()
            path = info.generated_path(n, seed, classes)
            if path.exists():
                refuse_other_settings(info, path, classes)
                return
            with examples_progress("simulating", n, info.noun) as report:
                simulate(info, n, seed, os.cpu_count() or 1, report, classes=classes)

    @property
    def generated_classes(self) -> tuple[str, ...]:
        """The classes that `generate` simulates; empty for those that it does if nothing else is said."""
        return ()

    def _generated(self) -> tuple[int, int, tuple[str, ...]]:
        return self.n_generate, self.generate_seed, self.generated_classes

    def setup(self, stage: str | None = None) -> None:
        """Open the files and cut the splits, once.

        Raises
        ------
        ConfigError : a split has fewer examples than requested, or a batch of images does not fit into memory.
        """
        if self.splits:
            return
        opened = self.opened or open_source(self.info, self.source, self.n_files, *self._generated())
        self.split_store = self.arrange(opened)
        labels = [self.info.classes.index(name) for name in self.class_names]
        self.new_label = np.full(max(len(self.info.classes), 1), -1)  # one for the unknown class
        self.new_label[labels] = np.arange(len(labels))
        seen = [self.info.classes.index(name) for name in self.train_names]
        rows = {name: self._rows(name, labels if name == "test" else seen) for name in SPLITS}
        self.representation.require_memory(min(self.batch_size, max(map(len, rows.values()))))
        self.fit_scales(rows["train"])
        self.splits = {name: self._dataset(self.store, rows[name]) for name in SPLITS}

    def arrange(self, opened: SplitStore) -> SplitStore:
        """The examples that are used, with the labels that each split sees; all as stored unless a subclass chooses."""
        return opened

    def _rows(self, split: str, labels: list[int]) -> np.ndarray:
        rows, wanted = self.split_store.splits[split], getattr(self, f"n_{split}")
        if len(labels) < len(self.info.classes):
            rows = rows[np.isin(self.store.label[rows], labels)]
        if wanted is not None and wanted > len(rows):
            raise ConfigError(
                f"dataset.n_{split} must be <= {len(rows)}, the size of the {split} split of this source, got {wanted}"
            )
        if len(rows) == 0:
            raise DataError(f"the {split} split of {self.info.name} is empty; expected at least one example")
        return rows[:wanted]

    def provenance(self) -> dict:
        """Source, files with checksums, sizes of the splits, and the command that makes the data; after `setup`."""
        store = self.store
        files: list[dict] = []
        for path, about in zip(store.paths, store.metadata, strict=False):
            files += about.get("originals") or [describe_file(path)]
        about = store.metadata[0]
        return {
            "source": self.source,
            "simulated": store.simulated,
            "excerpt": self.split_store.excerpt,
            "files": files,
            **{f"n_{name}": len(self.splits[name]) for name in SPLITS},
            "how": about.get("command", self.info.how_to_fetch),
        }

    def sample_keys(self) -> dict[str, Any]:
        """Keys with which the shipped sample takes the place of its files, only to give a model its shape."""
        few = {"n_train": MOST_OF_SAMPLE, "n_val": None, "n_test": None}  # of some classes the others may have fewer
        return {"source": "mini", "n_files": None, "num_workers": 0, **few}

    def portable_keys(self, folder: Path) -> dict[str, Any]:
        """Keys with which it is rebuilt where its files are not, only to give a model its shape, after `setup`.

        Parameters
        ----------
        folder : where a file may be written that such a key then names, relative to it.
        """
        return self.sample_keys()

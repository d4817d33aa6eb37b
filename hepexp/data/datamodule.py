"""What all data sets share: fixed splits, loaders of batches, and the record of where the data come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from hepexp.batch import Batch, DataSpec
from hepexp.config.suggest import did_you_mean
from hepexp.data.collection import Collection
from hepexp.data.dataset import Extras, RenderedDataset
from hepexp.data.files import describe_file
from hepexp.data.loader import BatchLoader
from hepexp.data.opened import Opened
from hepexp.data.render.form import Form, spec_of
from hepexp.data.request import Loading, Request, require_at_least, require_at_most
from hepexp.data.sampler import BucketBatchSampler, SortedBatchSampler
from hepexp.data.simulate import simulate
from hepexp.data.splits import SPLITS
from hepexp.data.store import Store
from hepexp.errors import ConfigError, DataError
from hepexp.memory import require

_BYTES_PER_PIXEL = 12  # of a batch while it is made: once in float64, once in float32
_MOST_WORKERS = 512  # processes
_MOST_GENERATED = 10**9  # examples: years of simulation, terabytes on disk
_ROWS_TO_FIT = 2000  # training examples from which scales are learnt


class HepDataModule(LightningDataModule):
    """Base of the data sets. A data set names its files in `collection`, and the forms in which it gives its examples.

    Parameters
    ----------
    source : `full`, the published files; `mini`, the sample in the package; `generate`, simulated on this machine at
        first use; `auto`, full where it is complete, else mini.
    batch_size : examples in a batch, over all devices together.
    n_train : examples of the training split to use; null for all.
    n_val : examples of the validation split to use; null for all.
    n_test : examples of the test split to use; null for all.
    classes : classes to use, in the order of their new labels; null for all.
    train_classes : classes of the training and validation examples, for anomaly searches; the test keeps all; null for
        all.
    extras : values to give beside each example, standardised over the training examples.
    n_particles : hardest particles of each jet to read; null for all.
    bucket : training batches are cut from pools of so many batches sorted by multiplicity; 1 for plain random batches.
        More saves padding, but multiplicity knows the label, so batches become one-sided.
    num_workers : processes that build batches; 0 builds them in the training process.
    n_files : published files to use with `full`, of each split; null for all.
    n_generate : examples to simulate with `generate`.
    generate_seed : seed of that simulation.
    image : how a model that reads images gets them.
    graph : how a model that reads graphs gets them.
    features : the high-level variables that a model reads.
    seed : order of the training batches; the split never depends on it.

    Attributes
    ----------
    renders : forms in which the data set gives its examples; a model's `input` must be one of them.
    spec : what a model is told, after `setup`.
    train_sampler : sampler of the training loader, once it is made.

    Raises
    ------
    ConfigError : a value is out of range.
    """

    collection: ClassVar[Collection]

    def __init__(self, request: Request, loading: Loading, forms: Sequence[Form]) -> None:
        super().__init__()
        limits = {f"n_{split}": getattr(request, f"n_{split}") for split in SPLITS}
        require_at_least(1, batch_size=loading.batch_size, bucket=loading.bucket, **limits)
        require_at_least(0, num_workers=loading.num_workers, generate_seed=request.generate_seed)
        require_at_least(10, n_generate=request.n_generate)
        require_at_most(_MOST_WORKERS, num_workers=loading.num_workers)
        require_at_most(_MOST_GENERATED, n_generate=request.n_generate)
        self.request = request
        self.loading = loading
        self.forms = {form.name: form for form in forms}
        self.form = forms[0]
        self.class_names = self._chosen(request.classes, self.collection.classes, "classes")
        self.train_names = self._chosen(request.train_classes, self.class_names, "train_classes")
        self.extra_names = self._chosen(request.extras, tuple(self.collection.layout.extras), "extras")
        self.source = self.collection.choose(request.source, request.n_files)
        self._start = (0, 0)
        self.opened: Opened | None = None
        self.splits: dict[str, RenderedDataset] = {}
        self.train_sampler: BucketBatchSampler | None = None

    @staticmethod
    def _chosen(wanted: Sequence[str] | None, known: tuple[str, ...], key: str) -> tuple[str, ...]:
        if wanted is None:
            return known
        for name in wanted:
            if name not in known:
                there_are = ", ".join(known) or "none"
                raise ConfigError(
                    f"dataset.{key}: unknown {name!r}{did_you_mean(str(name), known)} (known: {there_are})"
                )
        if not wanted and key != "extras":
            raise ConfigError(f"dataset.{key} must name one or more of {', '.join(known)}, got none")
        if len(set(wanted)) < len(wanted):
            raise ConfigError(f"dataset.{key} names one twice: {', '.join(wanted)}")
        return tuple(wanted)

    # ---- the form

    @property
    def renders(self) -> tuple[str, ...]:
        return tuple(self.forms)

    def render_as(self, name: str) -> None:
        """Choose the form of the batches, before `setup`; the first one is the default."""
        self.form = self.forms[name]

    @property
    def spec(self) -> DataSpec:
        """Sizes of what a batch holds, and names of the classes; after `setup`."""
        return spec_of(self.splits["train"][[0]], self.class_names, self.form)

    def typical_example(self) -> Batch:
        """A batch of one training example, with as many elements as the median of them."""
        examples = self.splits["train"]
        return examples[[int(np.argsort(examples.counts, kind="stable")[len(examples) // 2])]]

    # ---- files and splits

    @property
    def noun(self) -> str:
        """What an example is called."""
        return self.collection.noun

    @property
    def store(self) -> Store:
        return self.opened.store

    def prepare_data(self) -> None:
        """Convert published files and simulate the examples of `generate`, where that was not done before."""
        from hepexp.data.progress import convert_all, examples_progress

        collection, request = self.collection, self.request
        if self.source == "full":
            convert_all(collection, collection.parts(request.n_files))
        elif self.source == "generate" and not collection.generated(request.n_generate, request.generate_seed).exists():
            with examples_progress("simulating", request.n_generate, collection.noun) as report:
                simulate(collection, request.n_generate, request.generate_seed, os.cpu_count() or 1, report)

    def setup(self, stage: str | None = None) -> None:
        """Open the files and cut the splits, once.

        Raises
        ------
        ConfigError : a split has fewer examples than it was asked for, or a batch of images does not fit into memory.
        """
        if self.splits:
            return
        request = self.request
        self.opened = self.collection.open(self.source, request.n_files, request.n_generate, request.generate_seed)
        labels = [self.collection.classes.index(name) for name in self.class_names]
        self._new_label = np.full(len(self.collection.classes), -1)
        self._new_label[labels] = np.arange(len(labels))
        seen = [self.collection.classes.index(name) for name in self.train_names]
        rows = {name: self._rows(name, labels if name == "test" else seen) for name in SPLITS}
        self._require_memory(min(self.loading.batch_size, max(map(len, rows.values()))))
        some = self.store.take(rows["train"][:_ROWS_TO_FIT])
        self._extras = Extras(self.extra_names, some)
        self.form.fit(self.form.expand(some))
        self.splits = {name: self._dataset(self.store, rows[name]) for name in SPLITS}

    def _require_memory(self, n: int) -> None:
        """Refuse batches of n images that do not fit, before one is made."""
        if shape := self.form.image_shape:
            channels, rows, columns = shape
            require(
                n * channels * rows * columns * _BYTES_PER_PIXEL,
                f"a batch of {n:,} images of {channels} x {rows:,} x {columns:,} pixels",
                "choose smaller images with the keys of dataset.image, or a smaller dataset.batch_size",
            )

    def _rows(self, split: str, labels: list[int]) -> np.ndarray:
        rows, wanted = self.opened.splits[split], getattr(self.request, f"n_{split}")
        if len(labels) < len(self.collection.classes):
            rows = rows[np.isin(self.store.label[rows], labels)]
        if wanted is not None and wanted > len(rows):
            raise ConfigError(f"dataset.n_{split} must be <= {len(rows)}, all there are in this source, got {wanted}")
        if len(rows) == 0:
            raise DataError(f"the {split} split of {self.collection.name} is empty; expected at least one example")
        return rows[:wanted]

    def _dataset(self, store: Store, rows: np.ndarray) -> RenderedDataset:
        return RenderedDataset(store, rows, self.form, self._extras, self._new_label)

    def provenance(self) -> dict:
        """Source, files with checksums, sizes of the splits, and the command that makes the data; after `setup`."""
        store = self.store
        files = []
        for path, about in zip(store.paths, store.metadata, strict=False):
            files += about.get("originals") or [describe_file(path)]
        about = store.metadata[0]
        return {
            "source": self.source,
            "simulated": about.get("source") == "generate",
            "excerpt": self.opened.excerpt,
            "files": files,
            **{f"n_{name}": len(self.splits[name]) for name in SPLITS},
            "how": about.get("command", self.collection.how_to_fetch),
        }

    # ---- checkpoints

    def state_dict(self) -> dict[str, Tensor]:
        """The scales that were learnt from the training examples, for a checkpoint."""
        parts = {"form": self.form, "extras": self._extras}
        return {f"{part}.{name}": value for part, scaled in parts.items() for name, value in scaled.state().items()}

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        """Take the scales of a checkpoint, whatever the examples of this source would give; after `setup`."""
        if all(torch.equal(value, state_dict[name]) for name, value in self.state_dict().items()):
            return  # as on a resume, where examples that are kept in memory are good
        for part, scaled in (("form", self.form), ("extras", self._extras)):
            scaled.load_state({name: state_dict[f"{part}.{name}"] for name in scaled.state()})
        self.splits = {name: self._dataset(self.store, examples.rows) for name, examples in self.splits.items()}

    # ---- loaders

    @property
    def rank(self) -> int:
        """Of this process; its loaders give every world_size-th example of each batch."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def world_size(self) -> int:
        return self.trainer.world_size if self.trainer else 1

    def start_at(self, epoch: int, batch: int) -> None:
        """Let the next training loader begin in this epoch, after so many batches: for a resumed run."""
        self._start = (epoch, batch)

    def train_dataloader(self) -> DataLoader:
        examples, loading = self.splits["train"], self.loading
        self.train_sampler = BucketBatchSampler(
            examples.counts, loading.batch_size, loading.bucket, loading.seed, self.rank, self.world_size
        )
        epoch, self.train_sampler.start_batch = self._start
        self.train_sampler.set_epoch(epoch)
        return self._loader(examples, self.train_sampler)

    def val_dataloader(self) -> DataLoader:
        return self.loader_of("val")

    def test_dataloader(self) -> DataLoader:
        return self.loader_of("test")

    def loader_of(self, split: str, n: int | None = None) -> DataLoader:
        """Every example of a split once, or of its first n, in order of multiplicity."""
        examples = self.splits[split]
        if n is not None and n < len(examples):
            examples = self._dataset(self.store, examples.rows[:n])
        return self._loader(examples)

    def loader_of_file(self, path: Path) -> DataLoader:
        """Every example of a file once, labelled or not, rendered as this data set renders its own.

        Raises
        ------
        DataError : the file is not a file of such examples, or holds none.
        """
        return self.predict_dataloader(self.collection.open_file(path, needs_label=False))

    def predict_dataloader(self, store: Store | None = None) -> DataLoader:
        """Every example of a store once; of the test split by default."""
        if store is None:
            return self.test_dataloader()
        if len(store) == 0:
            raise DataError(f"{', '.join(map(str, store.paths)) or 'the file'}: holds no {self.collection.noun}s")
        self.setup()
        return self._loader(self._dataset(store, np.arange(len(store))))

    def _loader(self, examples: RenderedDataset, sampler: Sampler[list[int]] | None = None) -> DataLoader:
        if sampler is None:
            sampler = SortedBatchSampler(examples.counts, self.loading.batch_size, self.rank, self.world_size)
        return BatchLoader(
            examples,
            sampler=sampler,  # its items are whole batches, so batch_size is None
            batch_size=None,
            num_workers=self.loading.num_workers,
            persistent_workers=self.loading.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

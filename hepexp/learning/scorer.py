"""One run, or an ensemble of several: per-example outputs of a split, or of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig
from torch.utils.data import DataLoader

from hepexp.data.loading.shifts import Shifts
from hepexp.data.transforms.shift import Shift
from hepexp.errors import ConfigError
from hepexp.evaluation.ensembles import combined
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.learning.components import Components
from hepexp.learning.laplace import add_laplace
from hepexp.learning.trained import evaluate, predict, rebuild
from hepexp.losses.regression import Regression
from hepexp.tracking.run_folder import RunFolder


class Scorer:
    """Rebuilt runs whose predictions are averaged.

    Parameters
    ----------
    folders : of the runs; one is scored as it is.
    configs : of each, perhaps with changes.
    checkpoint : `best`, `last`, or a file.
    to_score : a file of examples, if nothing else is done than to score such.
    laplace : whether each run has the Laplace approximation of its last layer's posterior.

    Attributes
    ----------
    members : their components.

    Raises
    ------
    ConfigError : runs that predict other classes or targets than the first one.
    """

    def __init__(
        self,
        folders: Sequence[RunFolder],
        configs: Sequence[DictConfig],
        checkpoint: str,
        to_score: Path | None = None,
        laplace: bool = False,
    ) -> None:
        self.folders = folders
        self.members: list[Components] = []
        for folder, config in zip(folders, configs, strict=True):
            self.members.append(rebuild(folder, config, checkpoint, to_score))
            self._check_names(folder)
            if len(folders) > 1 and self.members[-1].module.generation is not None:
                raise ConfigError(
                    f"{folder.label} generates examples, which have no scores that could be averaged; name one run, "
                    f"got {len(folders)}"
                )
            if laplace:
                add_laplace(self.members[-1])

    @property
    def first(self) -> Components:
        return self.members[0]

    def check(self, shifts: Sequence[Shift], unseen: Sequence[str]) -> None:
        """Refuse shifts of columns that the data do not have, and unseen classes that are none."""
        if unseen:
            self.first.data.check_unseen(unseen)
        for shift in shifts:
            if not isinstance(self.first.data, Shifts):
                raise ConfigError(f"--shift {shift}: this data set, of a plug-in, cannot be shifted")
            shift.check(self.first.data.columns_to_shift())

    @property
    def label(self) -> str:
        """What is scored, in a line."""
        first = self.folders[0].label
        return first if len(self.folders) == 1 else f"an ensemble of {len(self.folders)} runs, {first} ..."

    def of_split(self, split: str) -> Outputs:
        """The outputs for a split, with the loss."""
        return self.combined(self.each_of_split(split))

    def each_of_split(self, split: str) -> list[Outputs]:
        """The outputs of each run."""
        return [evaluate(one, one.data.loader_of(split)) for one in self.members]

    def combined(self, each: Sequence[Outputs]) -> Outputs:
        """Those of one run as they are, those of several averaged."""
        objective = self.first.module.objective
        of_predictions = objective.of_predictions if isinstance(objective, Regression) else None
        return each[0] if len(each) == 1 else combined(each, of_predictions)

    def of_unseen(self, names: Sequence[str], split: str) -> Outputs:
        """The outputs for the examples of a split in classes that the runs were not trained on."""
        return self.combined([predict(one, one.data.loader_of_unseen(names, split)) for one in self.members])

    def of_file(self, path: Path) -> Iterator[Outputs]:
        """The outputs for the examples of a file, in parts."""
        loaders: list[Iterator[DataLoader]] = [one.data.loaders_of_file(path) for one in self.members]
        for parts in zip(*loaders, strict=True):
            yield self.combined([predict(one, loader) for one, loader in zip(self.members, parts, strict=True)])

    def _check_names(self, folder: RunFolder) -> None:
        ours, theirs = (
            [*one.data.spec.class_names, *(target.name for target in one.data.spec.targets)]
            for one in (self.members[0], self.members[-1])
        )
        if ours != theirs:
            raise ConfigError(
                f"{folder.label} predicts {', '.join(theirs)}, but {self.folders[0].label} {', '.join(ours)}; an "
                "ensemble is of runs that predict the same"
            )

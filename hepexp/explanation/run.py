"""Explanations of a trained run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig

from hepexp.config.suggest import did_you_mean
from hepexp.data.download.progress import examples_progress
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.pictures.drawing import find_drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.rounding import with_error
from hepexp.explanation import attention_maps, plots, record
from hepexp.explanation.explain import Explainer
from hepexp.explanation.methods import ATTENTION, best
from hepexp.explanation.names import feature_names
from hepexp.figures import about
from hepexp.learning.figures import sample
from hepexp.learning.trained import rebuild
from hepexp.text_table import Column, TextTable
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger(__name__)
N = 200  # examples that are explained by default


class ExplainedRun:
    """A run whose classifier is explained.

    Parameters
    ----------
    folder, config, checkpoint : see `rebuild`.
    split : whose examples are explained.
    into : folder to write into; if that is the run's own, the files and figures go to MLflow too.

    Raises
    ------
    ConfigError : its model is no classifier of single examples.
    """

    def __init__(self, folder: RunFolder, config: DictConfig, checkpoint: str, split: str, into: Path) -> None:
        self.folder, self.config, self.split, self.into = folder, config, split, into
        self.components = rebuild(folder, config, checkpoint)
        module, data = self.components.module, self.components.data
        if not isinstance(data, HepDataModule):
            raise ConfigError(f"hepexp explain needs a data set built on HepDataModule, not {type(data).__name__}")
        self.data = data
        if type(module.objective.evaluator) is not ClassificationEvaluator:
            raise ConfigError(
                f"{folder.label} is not the run of a classifier (loss={config.choices.loss}); explain needs one score "
                "per class, as of loss=cross_entropy"
            )
        module.eval()
        self.dataset = self.data.splits[split]
        self.noun, self.names = self.components.noun, self.data.spec.class_names
        self.written: list[str] = []

    def explain(self, jet: int | None, n: int | None, method: str | None, target: str | None) -> dict[str, Any]:
        """Explain example `jet` of the split, or n random ones.

        Parameters
        ----------
        method : None for the best that applies.
        target : name of the class; None for the predicted one.

        Raises
        ------
        ConfigError : there is no such example or class, or the model cannot be explained by the method.
        """
        positions = self._positions(jet, n)
        if target is not None and target not in self.names:
            hint = did_you_mean(target, self.names)
            raise ConfigError(f"--class: unknown class {target!r}{hint} (classes: {', '.join(self.names)})")
        which = None if target is None else self.names.index(target)
        module = self.components.module
        explainer = Explainer(
            module.model,
            lambda batch: module.objective.outputs(module.model, batch)["scores"],
            self.data.spec,
            self.dataset,
            method or "lrp",
            which,
            seed=self.config.seed,
        )
        if method is None:
            example = self.dataset[positions[:1].tolist()]
            explainer.method = best(explainer.model, example, torch.tensor([which or 0]))
        if explainer.method == ATTENTION:
            log.warning("%s", attention_maps.WARNING)
        self.method, self.jet = explainer.method, jet
        with examples_progress("explaining", len(positions), self.noun) as report:
            self.explained = explainer.explain(positions, report)
        self.kinds = self._kinds()
        return {
            "method": self.method,
            "split": self.split,
            "example": jet,
            "class": target or "predicted",
            "sums_to": "nothing" if self.method == ATTENTION else _SUMS_TO[self.method],
            **record.summary(self.explained, self.names, self.kinds, self.config.seed),
        }

    def draw(self, most: int) -> None:
        """Draw the first examples of each class, a class at a time; with several the deletion curves and means."""
        explained, folder = self.explained, self.into / "plots"
        folder.mkdir(parents=True, exist_ok=True)
        labels = np.unique(explained.label)
        each = max(1, most // len(labels))
        rows = [i for c in labels for i in np.flatnonzero(explained.label == c)[:each]][:most]
        by = f"by {self.method.replace('_', ' ')}"
        title = f"relevance {by}"
        shown = {{"train": "training", "val": "validation"}.get(self.split, "test"): len(explained)}
        suffix = f"{self.noun}s" if self.jet is None else f"{self.noun}_{self.jet}"
        with about(sample(self.config, self.data.provenance(), self.noun, shown)):
            examples = folder / f"explain_{suffix}.png"
            if explained.momenta:
                plots.draw_jets(examples, explained, rows, self.names, title)
            elif (shape := self.data.spec.image_shape) is not None:
                plots.draw_images(examples, explained, rows, self.names, title, shape[1:])
            else:
                features = feature_names(self.dataset.representation)
                plots.draw_bars(examples, explained, rows, self.names, title, features)
            self.written.append(f"plots/{examples.name}")
            if self.jet is None:
                plots.draw_deletion(folder / "explain_deletion.png", explained, f"deletion {by}", self.noun)
                means = folder / "explain_averages.png"
                if image := not explained.momenta and self.data.spec.image_shape:
                    plots.draw_mean_images(means, explained, self.names, title, image[1:])
                else:
                    plots.draw_averages(means, explained, self.names, title, self.kinds)
                self.written += ["plots/explain_deletion.png", "plots/explain_averages.png"]

    def write(self, content: dict[str, Any]) -> None:
        """Write the record, and send it to MLflow if it is in the folder of the run."""
        suffix = "" if self.jet is None else f"_{self.noun}_{self.jet}"  # beside the explanation of many
        self.written += record.write(self.into, self.explained, self.names, content, suffix)
        if self.into == self.folder.path:
            record.log(self.folder, content)

    def report(self, content: dict[str, Any]) -> TextTable:
        """The figures of an explanation as a table."""
        found = content["deletion"]
        rows = [
            ("method", self.method),
            (f"{self.noun}s", f"{content['n']:,}"),
            ("mean output", f"{content['output']:.4g}"),
        ]
        if self.method != ATTENTION and content["lost_share"] is not None:
            rows.append(("mean sum of relevances", f"{content['relevance']:.4g}"))
            rows.append(("not conserved", f"{content['lost_share']:.2g} of the mean |{content['sums_to']}|"))
        for key, value in found.items():
            if key.startswith(("area_", "random_minus_")) and isinstance(value, float) and not key.endswith("_err"):
                error = found.get(f"{key}_err")
                text = with_error(value, error) if error else f"{value:.4f}"
                rows.append((f"deletion: {key.replace('_', ' ')}", text))
        return TextTable([Column("", "name"), Column("", "text")], rows)

    def _positions(self, jet: int | None, n: int | None) -> np.ndarray:
        size = len(self.dataset)
        order = np.argsort(self.dataset.rows, kind="stable")  # as in predictions.parquet
        if jet is not None:
            if jet >= size:
                raise ConfigError(f"--jet must be from 0 to {size - 1}, the {self.split} split's last, got {jet}")
            return order[[jet]]
        if n is not None and n > size:
            raise ConfigError(f"--n must be <= {size}, the size of the {self.split} split, got {n}")
        return np.random.default_rng(self.config.seed).permutation(size)[: n or N]

    def _kinds(self) -> record.Kinds | None:
        """The kind of each particle, where the data set tells kinds apart."""
        if self.data.spec.image_shape or self.data.spec.n_features:
            return None
        view = find_drawing(self.config.choices.dataset, self.data.info).view
        if not isinstance(view, JetView) or len(view.kinds) == 1:
            return None
        rows = self.explained.index
        examples, places = self.data.store.take(rows), self.dataset.places(rows)
        kind = view.kind_of(examples)
        stored = [places.stored[slice(*ends)] for ends in zip(places.offsets[:-1], places.offsets[1:], strict=True)]
        found = [
            np.where(at < 0, -1, kind[first + at]) for first, at in zip(examples.offsets[:-1], stored, strict=True)
        ]
        fits = all(len(k) == len(r) for k, r in zip(found, self.explained.relevance, strict=True))
        return (found, view.kinds) if fits else None


_SUMS_TO = {
    "lrp": "output",
    "gradient_input": "output",
    "integrated_gradients": "output - output of the baseline",
}

"""How classifiers, embeddings and generators are judged: the group `evaluation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hepexp.batch import DataSpec
from hepexp.config import figures_of_merit, targets
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.generation.classifier_keys import PUBLISHED, ClassifierKeys
from hepexp.evaluation.roc import SIGNAL_EFFICIENCIES

FEWEST_SAMPLES, MOST_SAMPLES, VAL_SAMPLES = 10, 10**8, 2000  # generated examples
USUAL_FRACTIONS = (0.01, 0.1, 1.0)  # of the labels, in the protocol of arXiv:2002.05709


class EvaluationOptions:
    """Figures of merit beside accuracy, AUC and rejections, and the conditions of all of them.

    Every classifier has accuracy, AUC and, for two classes, rejections. For more classes with a background there are
    the rejections of each class against it too, as for JetClass in arXiv:2202.03772.

    Parameters
    ----------
    metrics : more figures of merit, by the name of their class (class_auc, one_vs_one_auc, class_rejection,
        calibration_error, brier_decomposition, significance_improvement, mass_sculpting, and those of plug-ins), by
        that of a figure, or as `_target_` with keys. Those that are defined for each epoch are computed on validation
        too.
    working_points : signal efficiencies of rejections and cuts, for all classes or each, {Hbb: [0.5], Tblv: [0.995]};
        null for those at which the data set is usually judged, else 0.3 and 0.5.
    background : class against which the others are set; null for that of the data set, of two classes the first.
    weighted : whether the weights of the examples count, if the data set has any.
    label_fractions : of embeddings, [0.01, 0.1, 1]: fractions of the training examples with whose labels a linear probe
        is fitted, in addition to the one of 4,000 examples. The test then embeds all training examples.
    fine_tune_steps : of embeddings, number of steps that the trained network, with a new linear layer, is fine-tuned
        with each of these fractions, or with 0.01, 0.1 and 1 if there are none; beside it the same network from random
        weights, on the same batches, by Adam at optimizer.lr, which falls to zero along a cosine. 0 for neither.
    n_samples : of generators, number of examples that are generated for the test; null for as many as it has.
    n_val_samples : of generators, number of examples after each epoch, at most as many as validation has; null for
        2,000.
    classifier_widths : of generators of showers, hidden layers of the classifiers that are to tell generated from test
        examples.
    classifier_epochs : of their training; 0 for no classifiers.
    classifier_splits : how often they are trained, each time with another fifth of the examples to be tested on, of at
        most five; more than one for small samples.

    Raises
    ------
    ConfigError : an unknown figure of merit, a signal efficiency or a fraction outside (0, 1], a negative number.
    """

    def __init__(
        self,
        metrics: Sequence[str | FigureOfMerit] = (),
        working_points: Sequence[float] | Mapping[str, Sequence[float]] | None = None,
        background: str | None = None,
        weighted: bool = True,
        label_fractions: Sequence[float] = (),
        fine_tune_steps: int = 0,
        n_samples: int | None = None,
        n_val_samples: int | None = None,
        classifier_widths: Sequence[int] = PUBLISHED.widths,
        classifier_epochs: int = PUBLISHED.epochs,
        classifier_splits: int = PUBLISHED.splits,
    ) -> None:
        self.figures: dict[str, FigureOfMerit] = {}  # by the words in `metrics`
        for item in metrics:
            if isinstance(item, str):
                self.figures[item] = targets.load(figures_of_merit.find(item), figures_of_merit.KIND)()
            else:
                self.figures[type(item).__name__] = item
        self.working_points = working_points
        self.background = background
        self.weighted = weighted
        given = working_points.values() if isinstance(working_points, Mapping) else [working_points or ()]
        for at in (at for points in given for at in points):
            if not 0 < at <= 1:
                raise ConfigError(f"evaluation.working_points must be signal efficiencies in (0, 1], got {at:g}")
        if fine_tune_steps < 0:
            raise ConfigError(f"evaluation.fine_tune_steps must be >= 0, got {fine_tune_steps}")
        self.fine_tune_steps = fine_tune_steps
        self.classifier = ClassifierKeys(tuple(classifier_widths), classifier_epochs, classifier_splits)
        asked = n_samples is not None or n_val_samples is not None
        self.asks_for_samples = asked or self.classifier != PUBLISHED
        for key, value in (("n_samples", n_samples), ("n_val_samples", n_val_samples)):
            if value is not None and not FEWEST_SAMPLES <= value <= MOST_SAMPLES:
                raise ConfigError(f"evaluation.{key} must be from {FEWEST_SAMPLES} to {MOST_SAMPLES:,}, got {value}")
        self.n_samples, self.n_val_samples = n_samples, n_val_samples or VAL_SAMPLES
        fractions = label_fractions or (USUAL_FRACTIONS if fine_tune_steps else ())
        self.label_fractions = tuple(dict.fromkeys(fractions))
        for fraction in self.label_fractions:
            if not 0 < fraction <= 1:
                raise ConfigError(f"evaluation.label_fractions must be in (0, 1], got {fraction:g}")

    def setting(self, spec: DataSpec) -> Setting:
        """Background and working points for the classes of a data set.

        Raises
        ------
        ConfigError : a background or a working point of a class that the data set lacks; a figure of merit that is not
            defined for these classes.
        """
        setting = Setting(spec.class_names, self._background(spec), self._points(spec))
        for word, figure in self.figures.items():
            if reason := figure.why_not(setting):
                raise ConfigError(f"evaluation.metrics: {word} {reason}")
        return setting

    def refuse_metrics(self, who: str) -> None:
        """Raise ConfigError if figures of classifiers are asked for where there is no classifier."""
        if self.figures or self.background is not None:
            key = "metrics" if self.figures else "background"
            raise ConfigError(f"evaluation.{key} is for classifiers, as of loss=cross_entropy; this run has a {who}")

    def refuse_few_labels(self, who: str) -> None:
        """Raise ConfigError if something is to be trained with few labels where there is no embedding."""
        if self.label_fractions:
            key = "fine_tune_steps" if self.fine_tune_steps else "label_fractions"
            raise ConfigError(
                f"evaluation.{key} is for embeddings, as of loss=supervised_contrastive; this run has a {who}"
            )

    def refuse_samples(self, who: str) -> None:
        """Raise ConfigError if examples are to be generated where nothing generates any."""
        if self.asks_for_samples:
            raise ConfigError(
                f"evaluation.n_samples, n_val_samples and classifier_... are for generators, as of loss=flow_matching; "
                f"this run has a {who}"
            )

    def _background(self, spec: DataSpec) -> int | None:
        names, two = spec.class_names, spec.n_classes == 2
        if self.background is None:
            usual = names[0] if two else spec.background
            return names.index(usual) if usual in names else None
        if self.background not in names:
            close = did_you_mean(self.background, names)
            raise ConfigError(f"evaluation.background={self.background} is not a class{close} ({', '.join(names)})")
        if two and self.background != names[0]:
            raise ConfigError(
                f"evaluation.background={self.background}: of two classes the first, {names[0]}, is the background"
            )
        return names.index(self.background)

    def _points(self, spec: DataSpec) -> dict[str, tuple[float, ...]]:
        usual = dict(spec.working_points) if spec.n_classes > 2 else {}
        match self.working_points:
            case None:
                return {name: tuple(usual.get(name, SIGNAL_EFFICIENCIES)) for name in spec.class_names}
            case Mapping():
                for name in self.working_points:
                    if name not in spec.class_names:
                        close = did_you_mean(name, spec.class_names)
                        raise ConfigError(
                            f"evaluation.working_points.{name} is not a class{close} ({', '.join(spec.class_names)})"
                        )
                return {
                    name: tuple(self.working_points.get(name, usual.get(name, SIGNAL_EFFICIENCIES)))
                    for name in spec.class_names
                }
            case _:
                return dict.fromkeys(spec.class_names, tuple(self.working_points))

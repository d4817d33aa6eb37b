"""Evaluator of embeddings: nearest neighbours and a linear probe against training examples, and signs of collapse."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import OF_CENTRAL, mean, mean_of, ones, with_errors
from hepexp.evaluation.classifiers.figure_of_merit import ONE_CLASS
from hepexp.evaluation.classifiers.rejection import NONE_PASSES
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.embeddings.alignment import alignment_of, on_sphere, uniformity_of
from hepexp.evaluation.embeddings.few_labels import labelled_subset, share_of
from hepexp.evaluation.embeddings.retrieval import Likeness, found_within
from hepexp.evaluation.evaluators.classification import auc, classification_metrics
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss, refuse_not_finite
from hepexp.evaluation.predictions import predictions_table
from hepexp.metric import ERROR, NOTE, Metric, is_beside, without_suffix

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

PROBE = "the linear probe"
MOST_COMPARED = 10_000  # test examples, all with all
RETRIEVED = (1, 5)  # neighbours
COLLAPSED = 0.9  # of the dimensions: a warning
EMPTY_CLASS = "the fraction leaves a class without labels"
NO_PAIR = "there is no pair of examples of one class"
EQUAL_WITHIN = 0.01  # of the length of embeddings; those of an untrained network differ by a few percent


class EmbeddingEvaluator(Evaluator):
    """Evaluates `embedding` (n, D) and `label` (n,) against `reference/embedding` and `reference/label`.

    Where the loss compares circuit states or random views, `state` (n, 2^q) or (n, q, 3), vectors of states or Bloch
    vectors of their qubits, and `view_distance` (n,) are evaluated too. The figures of few labels follow from
    `training/embedding` and `training/label`, of all training examples.

    Parameters
    ----------
    references : number of training examples in which neighbours are searched and to which the probe is fitted.
    k : number of neighbours.
    """

    metrics = (
        Metric(
            "knn_accuracy",
            "higher",
            "kNN accuracy",
            "Fraction of examples whose class is the most frequent among the k nearest training examples (k = 5 by "
            "default; Euclidean distance between embeddings).",
            latex="$k$NN accuracy",
            range="0 to 1",
            column=True,
        ),
        Metric(
            "knn_auc",
            "higher",
            "kNN AUC",
            "Area under the ROC curve, with the fraction of signal among the k nearest training examples (k = 5 by "
            "default) as score; for more than two classes the mean of the areas of each class against the rest.",
            latex="$k$NN AUC",
            range="0 to 1; 0.5 is chance",
            undefined=ONE_CLASS,
            column=True,
        ),
        Metric(
            "knn_rejection_{eS}",
            "higher",
            "kNN 1/εB (εS={eS})",
            "Background rejection 1/eB at signal efficiency {eS}, with the fraction of signal among the k nearest "
            "training examples (k = 5 by default) as score; two classes only. Error and lower bound as of "
            "rejection_{eS}.",
            latex=r"$k$NN $1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
            values=("0.3", "0.5"),
        ),
        Metric(
            "probe_accuracy",
            "higher",
            "probe accuracy",
            "Fraction of examples classified correctly by a logistic regression on the embeddings, fitted to training "
            "examples (linear evaluation: arXiv:2002.05709, section 2.3).",
            latex="probe accuracy",
            range="0 to 1",
            each_epoch=False,
            column=True,
        ),
        Metric(
            "probe_auc",
            "higher",
            "probe AUC",
            "Area under the ROC curve of a logistic regression on the embeddings, fitted to training examples; for "
            "more than two classes the mean of the areas of each class against the rest.",
            latex="probe AUC",
            range="0 to 1; 0.5 is chance",
            undefined=ONE_CLASS,
            each_epoch=False,
            column=True,
        ),
        Metric(
            "probe_rejection_{eS}",
            "higher",
            "probe 1/εB (εS={eS})",
            "Background rejection 1/eB at signal efficiency {eS} of a logistic regression on the embeddings, fitted "
            "to training examples; two classes only. Error and lower bound as of rejection_{eS}.",
            latex=r"probe $1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
            values=("0.3", "0.5"),
        ),
        Metric(
            "probe_accuracy_at_{fraction}",
            "higher",
            "probe accuracy, {fraction} of the labels",
            "Fraction of examples classified correctly by a logistic regression on the embeddings, fitted to a "
            "fraction {fraction} of the training examples of each class, drawn by the seed; a smaller fraction is "
            "contained in any larger one (evaluation.label_fractions).",
            range="0 to 1",
            undefined=EMPTY_CLASS,
            each_epoch=False,
            values=("0.01", "0.1", "1"),
        ),
        Metric(
            "probe_auc_at_{fraction}",
            "higher",
            "probe AUC, {fraction} of the labels",
            "Area under the ROC curve of the logistic regression of probe_accuracy_at_{fraction}.",
            range="0 to 1; 0.5 is chance",
            undefined=EMPTY_CLASS,
            each_epoch=False,
            values=("0.01", "0.1", "1"),
        ),
        Metric(
            "probe_rejection_{eS}_at_{fraction}",
            "higher",
            "probe 1/εB (εS={eS}), {fraction} of the labels",
            "Background rejection 1/eB at signal efficiency {eS} of the logistic regression of "
            "probe_accuracy_at_{fraction}; two classes only. Error and lower bound as of rejection_{eS}.",
            latex=r"probe $1/\varepsilon_B$ ($\varepsilon_S={eS}$), {fraction} of the labels",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
        Metric(
            "retrieval_top{k}",
            "higher",
            "retrieval top-{k}",
            "Fraction of test examples of whose class is one of their {k} nearest others: by the cosine of the "
            "embeddings, for loss=pair by their distance. Among at most 10,000 examples, drawn by the seed.",
            range="0 to 1",
            undefined="there is one example",
            each_epoch=False,
            values=("1", "5"),
        ),
        Metric(
            "fidelity_retrieval_top{k}",
            "higher",
            "retrieval top-{k} by fidelity",
            "As retrieval_top{k}, by the fidelity of the circuit states that the loss compares; of pairwise swap "
            "tests its mean over qubits.",
            range="0 to 1",
            undefined="there is one example",
            each_epoch=False,
            values=("1", "5"),
        ),
        Metric(
            "alignment",
            "lower",
            "alignment",
            "Mean squared distance of the embeddings of an example and another of its class on the unit sphere "
            "(arXiv:2005.10242, section 4.1.1); small in a collapsed embedding too, so see uniformity.",
            range="0 to 4; 2 if classes have no part in an isotropic embedding",
            undefined=NO_PAIR,
            each_epoch=False,
        ),
        Metric(
            "view_alignment",
            "lower",
            "alignment of views",
            "Mean squared distance of the embeddings of the two random views of an example on the unit sphere "
            "(arXiv:2005.10242, section 4.1.1), where the loss compares views.",
            range="0 to 4",
            each_epoch=False,
        ),
        Metric(
            "uniformity",
            "lower",
            "uniformity",
            "log of the mean of exp(-2 d^2) over pairs of examples, d their distance on the unit sphere "
            "(arXiv:2005.10242, section 4.1.2): 0 if embeddings have collapsed, near -4 if they are isotropic in many "
            "dimensions. Among at most 10,000 examples, drawn by the seed.",
            range="-8 to 0",
            undefined="there is one example",
            each_epoch=False,
        ),
        Metric(
            "effective_rank",
            "neither",
            "effective rank",
            "exp(entropy) of the normalised singular values of the centred embeddings: how many dimensions they fill "
            "(Roy and Vetterli, EUSIPCO 2007, equation 3).",
            range="1 to the width of the embedding; 0 if all embeddings are equal",
            no_error="defined for all embeddings together",
        ),
        Metric(
            "embedding_std",
            "neither",
            "spread of embeddings",
            "Standard deviation over examples of the embeddings on the unit sphere, averaged over their D "
            "dimensions: 0 if they have collapsed, 1/sqrt(D) if they are isotropic.",
            range="0 to 1/sqrt(D)",
            no_error="defined for all embeddings together",
        ),
        Metric(
            "collapsed_dimensions",
            "lower",
            "collapsed dimensions",
            "Fraction of the D dimensions in which embeddings on the unit sphere are equal: their standard deviation "
            "over examples is at most 1 % of 1/sqrt(D), that of isotropic ones. Embeddings of loss=pair are taken as "
            "they are, and 1 % is of their root mean square length, or of the distance 0.5. From 0.9 on a line of the "
            "run warns of a collapse.",
            range="0 to 1",
            no_error="defined for all embeddings together",
        ),
    )

    likeness: Likeness = "cosine"  # by which embeddings are retrieved
    label_fractions: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    least_length = 0.0  # on which embeddings count as equal, if their own is smaller
    points: Mapping[str, tuple[float, ...]] = MappingProxyType({})  # working points, by the label as text

    def __init__(self, references: int = 4000, k: int = 5):
        self.references = references
        self.k = k

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        options.refuse_metrics(type(self).__name__)
        own = copy.copy(self)
        own.label_fractions, own.class_names = options.label_fractions, spec.class_names
        own.training = bool(own.label_fractions)
        points = options.setting(spec).working_points
        own.points = {str(c): points[name] for c, name in enumerate(spec.class_names)}
        return own

    def doubt(self, figures: dict[str, float | str | None]) -> str:
        share = figures.get("collapsed_dimensions")
        if not isinstance(share, float) or share < COLLAPSED:
            return ""
        return (
            f"the embedding has collapsed, to the same for all examples in {share:.0%} of its dimensions; lower "
            "optimizer.lr, or choose a loss that spreads embeddings, such as loss=supervised_contrastive or, for "
            "views, loss=vicreg"
        )

    def quick(self, outputs: Outputs) -> dict[str, float]:
        refuse_not_finite(outputs)  # neighbours are not defined
        scores, label, weight = self._neighbours(outputs), outputs["label"], outputs.get("weight")
        return {
            "loss": mean_loss(outputs),
            "knn_accuracy": mean(scores.argmax(1) == label, ones(len(label), weight)),
            "knn_auc": auc(scores, label, weight),
            "effective_rank": effective_rank(outputs["embedding"]),
            "embedding_std": mean_std(outputs["embedding"]),
            "collapsed_dimensions": self._collapsed(outputs["embedding"]),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | None]:
        metrics: dict[str, float | str | None] = {
            **loss_figures(outputs, seed),
            "effective_rank": effective_rank(outputs["embedding"]),
            "embedding_std": mean_std(outputs["embedding"]),
            "collapsed_dimensions": self._collapsed(outputs["embedding"]),
        }
        for name, scores in (("knn", self._neighbours(outputs)), ("probe", self._probe(outputs))):
            weight, setting = outputs.get("weight"), self._setting(scores.shape[1])
            judged = classification_metrics(scores, outputs["label"], seed=seed, weight=weight, setting=setting)
            metrics |= {f"{name}_{key}": value for key, value in judged.items()}
        for fraction in self.label_fractions:
            metrics |= self._with_few_labels(outputs, fraction, seed)
        return {**metrics, **self._of_pairs(outputs, seed)}

    def _collapsed(self, embedding: NDArray) -> float:
        """Lengths count where the loss compares distances."""
        compared = embedding if self.likeness == "distance" else on_sphere(embedding)
        return collapsed_dimensions(compared, self.least_length)

    def _with_few_labels(self, outputs: Outputs, fraction: float, seed: int) -> dict[str, float | str | None]:
        """The figures of a probe that is fitted to a fraction of the training examples."""
        label, ending = outputs["training/label"], f"_at_{fraction:g}"
        for kind, count in zip(*np.unique(label, return_counts=True), strict=True):
            if share_of(count, fraction) == 0:
                name = self.class_names[kind] if kind < len(self.class_names) else kind
                note = f"a fraction {fraction:g} of the {count:,} training examples of class {name} is less than one"
                keys = [f"probe_{figure}{ending}" for figure in ("accuracy", "auc")]
                return {k: v for key in keys for k, v in ((key, None), (f"{key}{ERROR}", None), (f"{key}{NOTE}", note))}
        chosen, n_classes = labelled_subset(label, fraction, seed), _n_classes(outputs)
        scores = probe_scores(outputs["embedding"], outputs["training/embedding"][chosen], label[chosen], n_classes)
        judged = classification_metrics(
            scores, outputs["label"], seed=seed, weight=outputs.get("weight"), setting=self._setting(n_classes)
        )
        keys = {key: without_suffix(key) if is_beside(key) else key for key in judged}
        return {f"probe_{key}{ending}{whole.removeprefix(key)}": judged[whole] for whole, key in keys.items()}

    def _of_pairs(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        """The figures of test examples among themselves."""
        n = len(outputs["label"])
        chosen = np.random.default_rng(seed).permutation(n)[:MOST_COMPARED]  # examples that are equal in random order
        every, label, weight = outputs["embedding"], outputs["label"], outputs.get("weight")
        few, of_few = every[chosen], None if weight is None else weight[chosen]
        compared = {"uniformity": uniformity_of(few, of_few)}
        for name, (rows, by) in self._retrieved(outputs).items():
            found = found_within(rows[chosen], label[chosen], RETRIEVED, by)
            compared |= {f"{name}_top{k}": mean_of(values) for k, values in zip(RETRIEVED, found.T, strict=True)}
        alike = {"alignment": alignment_of(every, label)}
        if "view_distance" in outputs:
            alike["view_alignment"] = mean_of(outputs["view_distance"])
        metrics = with_errors(compared, len(chosen), seed, weight=of_few)
        if n > len(chosen):
            said = f"among {len(chosen):,} of the {n:,} examples"
            notes = {f"{name}{NOTE}": metrics.get(f"{name}{NOTE}") for name in compared}
            metrics |= {key: f"{note}; {said}" if note else said for key, note in notes.items()}
        return {**metrics, **with_errors(alike, n, seed, weight=weight)}

    def _retrieved(self, outputs: Outputs) -> dict[str, tuple[NDArray, Likeness]]:
        """What examples are retrieved by, for each kind of retrieval."""
        found: dict[str, tuple[NDArray, Likeness]] = {"retrieval": (outputs["embedding"], self.likeness)}
        if "state" in outputs:
            state = outputs["state"]
            # the mean fidelity of single qubits is (1 + a b / n) / 2 in Bloch vectors a and b of all n of them
            by: Likeness = "fidelity" if np.iscomplexobj(state) else "product"
            found["fidelity_retrieval"] = (state.reshape(len(state), -1), by)
        return found

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        scores, weight = self._probe(outputs), outputs.get("weight")
        setting = self._setting(scores.shape[1])
        return predictions_table(
            outputs["index"], outputs["label"], scores, class_names, weight=weight, setting=setting
        )

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        scores, label, weight = self._probe(outputs), outputs["label"], outputs.get("weight")
        setting = self._setting(scores.shape[1])
        plots.roc(folder / "roc.png", scores, label, class_names, seed=seed, of=PROBE, weight=weight, setting=setting)
        plots.confusion_matrix(folder / "confusion_matrix.png", scores, label, class_names, of=PROBE, weight=weight)
        title = "embedding: principal components, and t-SNE of some of the examples"
        plots.embedding_map(folder / "embedding.png", outputs["embedding"], label, class_names, title, seed)

    def _setting(self, n_classes: int) -> Setting:
        """Two classes at the run's working points; for more no rejections follow from neighbours and probe."""
        return Setting(tuple(map(str, range(n_classes))), 0, self.points) if n_classes == 2 else Setting.of(n_classes)

    def _neighbours(self, outputs: Outputs) -> np.ndarray:
        reference, label = outputs["reference/embedding"], outputs["reference/label"]
        return neighbour_scores(outputs["embedding"], reference, label, _n_classes(outputs), self.k)

    def _probe(self, outputs: Outputs) -> np.ndarray:
        reference, label = outputs["reference/embedding"], outputs["reference/label"]
        return probe_scores(outputs["embedding"], reference, label, _n_classes(outputs))


def neighbour_scores(
    embedding: NDArray, reference: NDArray, reference_label: NDArray[np.integer], n_classes: int, k: int = 5
) -> NDArray[np.float64]:
    """Fraction of each class (n, C) among the k nearest reference examples, by Euclidean distance.

    Parameters
    ----------
    embedding : (n, D) of the examples to evaluate.
    reference, reference_label : (m, D) and (m,) of labelled examples, from the training split.
    """
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = KNeighborsClassifier(min(k, len(reference))).fit(reference, reference_label)
    return _spread_over_classes(neighbours.predict_proba(embedding), neighbours.classes_, n_classes)


def probe_scores(
    embedding: NDArray, reference: NDArray, reference_label: NDArray[np.integer], n_classes: int
) -> NDArray[np.float64]:
    """Probabilities (n, C) from a logistic regression fitted to the standardised reference embeddings.

    References
    ----------
    The protocol of linear evaluation: T. Chen et al., arXiv:2002.05709, section 2.3.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(reference, reference_label)
    return _spread_over_classes(probe.predict_proba(embedding), probe.classes_, n_classes)


def effective_rank(embedding: NDArray) -> float:
    """exp(entropy) of the normalised singular values of the centred embedding (n, D); 1 when it is a line.

    References
    ----------
    O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007, equation 3.
    """
    singular = np.linalg.svd(embedding - embedding.mean(0), compute_uv=False)
    if singular.sum() == 0:
        return 0.0
    share = singular[singular > 0] / singular.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def mean_std(embedding: NDArray) -> float:
    """Standard deviation over examples of the embedding (n, D) on the unit sphere, averaged over dimensions.

    1 / sqrt(D) for isotropic directions, 0 for a collapsed embedding.
    """
    return float(on_sphere(embedding).std(0).mean())


def collapsed_dimensions(embedding: NDArray, least_length: float = 0.0) -> float:
    """Fraction of dimensions in which the embedding (n, D) hardly varies, by `EQUAL_WITHIN` of its length.

    Parameters
    ----------
    least_length : what counts as the length of shorter embeddings.

    References
    ----------
    Complete and dimensional collapse: L. Jing et al., arXiv:2110.09348.
    """
    z = embedding.astype(np.float64)
    length = max(float(np.sqrt(np.square(z).sum(1).mean())), least_length)
    return float((z.std(0) <= EQUAL_WITHIN * length / z.shape[1] ** 0.5).mean())


def _spread_over_classes(scores: NDArray, present: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    full = np.zeros((len(scores), n_classes))
    full[:, present] = scores
    return full


def _n_classes(outputs: Outputs) -> int:
    """Labels count from 0; a class that is in neither set does not matter."""
    return int(max(outputs["label"].max(), outputs["reference/label"].max())) + 1

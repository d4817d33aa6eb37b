"""An event of weight 2 equals the event twice: in every loss, every figure, every bootstrap replica and histogram."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from torch import nn
from torch.testing import assert_close

from hepexp.batch import Batch, DataSpec, FeatureBatch, ImageBatch, Target
from hepexp.evaluation.bootstrap import mean_of, replicas, with_errors
from hepexp.evaluation.classifiers.significance import SignificanceImprovement
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.evaluators.equivariance import EquivarianceEvaluator
from hepexp.evaluation.evaluators.evaluator import Evaluator
from hepexp.evaluation.evaluators.reconstruction import ReconstructionEvaluator
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.evaluation.evaluators.symmetry import SymmetryEvaluator
from hepexp.evaluation.options import EvaluationOptions
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.elbo import Elbo
from hepexp.losses.equivariant_autoencoder import EquivariantAutoencoder
from hepexp.losses.lie_gan import LieGan
from hepexp.losses.pair import PairLoss
from hepexp.losses.regression import Huber, MeanSquaredError, Quantile
from hepexp.losses.regression_with_sigma import GaussianNll
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from hepexp.models.conv_autoencoder import ConvAutoencoder
from hepexp.models.lie_generators import LiePoints
from hepexp.models.vae import VAE

# --- losses and their gradients

CLASSES, TARGETS = ("a", "b", "c"), (Target("mass", mean=80.0, std=20.0), Target("pt", mean=500.0, std=30.0))
SPEC = DataSpec(CLASSES, n_features=4, targets=TARGETS)
B = 12
TIMES = torch.tensor([1, 2, 1, 3, 1, 1, 2, 1, 1, 4, 1, 1])


class Linear(nn.Module):
    def __init__(self, n_outputs: int):
        super().__init__()
        self.layer = nn.Linear(4, n_outputs)

    def forward(self, batch: FeatureBatch) -> torch.Tensor:
        return self.layer(batch.features)


def rows() -> FeatureBatch:
    g = torch.Generator().manual_seed(1)
    target = torch.tensor([80.0, 500.0]) + torch.tensor([20.0, 30.0]) * torch.randn(B, 2, generator=g)
    features = torch.randn(B, 4, generator=g, dtype=torch.float64)
    index = torch.arange(B)
    return FeatureBatch(label=index % 3, index=index, extras=torch.zeros(B, 0), target=target, features=features)


def images() -> ImageBatch:
    image = torch.rand(B, 1, 40, 40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    image = image * (image > 0.7)
    return ImageBatch(label=torch.arange(B) % 3, index=torch.arange(B), extras=torch.zeros(B, 0), image=image)


LOSSES = {
    CrossEntropy: (rows, lambda: Linear(3)),
    MeanSquaredError: (rows, lambda: Linear(2)),
    Huber: (rows, lambda: Linear(2)),
    GaussianNll: (rows, lambda: Linear(4)),
    Quantile: (rows, lambda: Linear(6)),
    Elbo: (images, lambda: VAE(n_latent=4, widths=(4, 8), image_shape=(1, 40, 40))),
    EquivariantAutoencoder: (images, lambda: ConvAutoencoder(image_shape=(1, 40, 40))),
    LieGan: (rows, lambda: LiePoints(n_channels=2, n_features=4)),
}


def twice(batch: Batch) -> Batch:
    return replace(batch, **{name: values.repeat_interleave(TIMES, 0) for name, values in batch.tensors().items()})


def terms_and_gradients(loss: Callable, batch: Batch) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model, objective = LOSSES[loss][1]().double(), loss()
    objective.prepare(model, replace(batch, **{name: values[:1] for name, values in batch.tensors().items()}), SPEC)
    terms, _ = objective.double().eval().terms(model.eval(), batch)
    sum(terms[name] for name in terms.keys() & {"loss", "critic_loss"}).backward()
    both = [*model.named_parameters(), *objective.named_parameters()]
    found = {name: parameter.grad for name, parameter in both if parameter.grad is not None}
    return {**{name: value.detach() for name, value in terms.items()}, **found}


@pytest.mark.parametrize("loss", LOSSES)
def test_in_a_loss_and_its_gradient(loss):
    batch = LOSSES[loss][0]()
    weighted = terms_and_gradients(loss, replace(batch, weight=TIMES.float()))
    assert len(weighted) > 1
    assert_close(weighted, terms_and_gradients(loss, twice(batch)))
    even = torch.full((B,), 0.3)
    assert_close(terms_and_gradients(loss, replace(batch, weight=even)), terms_and_gradients(loss, batch))


@pytest.mark.parametrize("loss", [CrossEntropy, GaussianNll, EquivariantAutoencoder])
def test_a_negative_weight_takes_its_event_away(loss):
    """Weights 1 of all and -1 of two copies leave the sum over the others; the divisor is that of sizes."""
    batch = LOSSES[loss][0]()
    taken = replace(batch, **{name: torch.cat([v, v[:2]]) for name, v in batch.tensors().items()})
    weight = torch.cat([torch.ones(B), -torch.ones(2)])
    found = terms_and_gradients(loss, replace(taken, weight=weight))
    others = terms_and_gradients(loss, replace(batch, **{name: v[2:] for name, v in batch.tensors().items()}))
    assert_close({name: (B + 2) * value for name, value in found.items()}, {n: (B - 2) * v for n, v in others.items()})


def test_in_a_pair_loss_as_partners_that_are_drawn_as_often():
    """The mean over the partners that each example could draw, by the weights of both."""
    batch, loss = rows(), PairLoss()
    z, label, weight = batch.features, batch.label, TIMES.double()
    distance = torch.cdist(z, z)
    above = below = 0.0
    for i in range(B):
        for of_class, cost in ((True, distance[i] ** 2), (False, (1 - distance[i]).clamp(min=0) ** 2)):
            partners = [j for j in range(B) if j != i and (label[i] == label[j]) == of_class]
            above += sum(weight[i] * weight[j] * cost[j] for j in partners) / len(partners)
            below += sum(weight[i] * weight[j] for j in partners) / len(partners)
    assert_close(loss.compare(z, label, weight), above / below)


def test_in_a_contrastive_loss_by_the_weight_of_the_anchor():
    batch, loss = rows(), SupervisedContrastive(projector=())
    alone = torch.eye(B, dtype=torch.float64)
    each = torch.stack([loss.compare(batch.features, batch.label, weight) for weight in alone])
    assert_close(loss.compare(batch.features, batch.label), each.mean())
    weighted = loss.compare(batch.features, batch.label, TIMES.double())
    assert_close(weighted, each.repeat_interleave(TIMES).mean())


# --- figures, bootstrap replicas, and what is drawn

N = 240
OFTEN = np.random.default_rng(3).integers(1, 4, N)


def classifier(rng: np.random.Generator, n_classes: int) -> tuple[Evaluator, dict[str, np.ndarray]]:
    names = tuple("abcd"[:n_classes])
    more = [] if n_classes == 2 else ["class_auc", "one_vs_one_auc"]
    # the floor counts examples, of which there are more if one of weight 2 is there twice
    asked = ["calibration_error", "mass_sculpting", SignificanceImprovement(floor=1), *more]
    options = EvaluationOptions(metrics=asked, working_points=[0.3, 0.5, 0.8], background="a")
    evaluator = ClassificationEvaluator().with_options(options, DataSpec(names))
    label = np.arange(N) % n_classes
    logits = rng.normal(size=(N, n_classes)).round(1) + np.eye(n_classes)[label]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return evaluator, {"label": label, "scores": scores, "loss": rng.exponential(size=N), "mass": rng.gamma(2, 40, N)}


def regression(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    evaluator = RegressionEvaluator((Target("mass"),), has_sigma=True, quantiles=(0.1, 0.5), compare_with=("sum",))
    truth = rng.gamma(5, 20, (N, 1))
    predicted, other = truth + rng.normal(size=(2, N, 1)) * 10
    return evaluator, {
        "label": np.full(N, -1), "loss": rng.exponential(size=N), "target": truth, "predicted": predicted,
        "sigma": rng.uniform(8, 12, (N, 1)), "quantiles": np.stack([predicted - 10, predicted], 2),
        "observed/sum": other[:, 0],
    }  # fmt: skip


def elements(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    confusion = rng.integers(0, 5, (N, 3, 3))
    outputs = {"label": np.zeros(N, int), "confusion": confusion, "predicted": confusion.sum(1)}
    return ElementEvaluator(("hadron", "photon", "muon")), {**outputs, "loss": rng.exponential(size=N)}


def autoencoder(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    of_channels = ("mse", "baseline_mse", "energy", "reconstructed_energy")
    seen = {"reference/label": np.array([0, 1]), "reference/mse": rng.exponential(size=(2, 2))}
    return ReconstructionEvaluator(64, ("tracks", "ecal")), {
        "label": np.arange(N) % 3, "loss": rng.exponential(size=N), "embedding": rng.normal(size=(N, 3)),
        "kl": rng.exponential(size=(N, 3)) * [1, 0.02, 0.001], "occupancy": rng.integers(1, 9, (N, 2)),
        **{name: rng.exponential(size=(N, 2)) for name in of_channels}, **seen,
    }  # fmt: skip


def equivariant(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    names = ("mse", "turned_mse", "baseline_mse", "turned_baseline_mse")
    errors = {name: rng.exponential(size=(N, 1)) for name in names}
    of_latents = {name: rng.exponential(size=N) for name in ("loss", "angle_error_deg", "latent_error")}
    of_latents["turn_deg"] = 30.0 * (np.arange(N) % 12)
    latents = {name: rng.normal(size=(N, 2)) for name in ("embedding", "turned_embedding")}
    return EquivarianceEvaluator(), {"label": np.arange(N) % 2, **errors, **of_latents, **latents}


def embedding(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    label = np.arange(N) % 2
    places = rng.normal(size=(2, N, 3)) + label[:, None]
    outputs = {"label": label, "batch_loss": rng.exponential(size=N), "embedding": places[0]}
    return EmbeddingEvaluator(), {**outputs, "reference/embedding": places[1], "reference/label": label}


def generators(rng: np.random.Generator) -> tuple[Evaluator, dict[str, np.ndarray]]:
    x = rng.normal(size=(N, 1, 2))
    logits = {name: rng.normal(size=N) for name in ("logit", "transformed_logit")}
    moved = x @ np.array([[0.9, -0.4], [0.4, 0.9]])
    outputs = {"label": np.arange(N) % 2, "loss": rng.exponential(size=N), "vectors": x, "transformed": moved}
    return SymmetryEvaluator(None), {**outputs, **logits, "model/generators": np.array([[[0.0, 1.0], [-1.0, 0.0]]])}


EVALUATORS = {
    "two classes": lambda rng: classifier(rng, 2),
    "four classes": lambda rng: classifier(rng, 4),
    "regression": regression,
    "elements": elements,
    "autoencoder": autoencoder,
    "equivariant autoencoder": equivariant,
    "embedding": embedding,
    "generators": generators,
}
# of all examples alike, of pairs of different examples, of which a copy is none, or simulated for independent examples
OTHERS = {"alignment", "uniformity", "retrieval_top1", "retrieval_top5", "effective_rank", "embedding_std", "mismatch"}
OTHERS |= {"calibration_error_null"}


def given(outputs: dict[str, np.ndarray], weight: np.ndarray) -> dict[str, np.ndarray]:
    return {"index": np.arange(N), **outputs, "weight": weight.astype(np.float32)}


def repeated(outputs: dict[str, np.ndarray], times: np.ndarray) -> dict[str, np.ndarray]:
    """Each example several times, each time with weight 1."""
    of_examples = {name: values for name, values in outputs.items() if not name.startswith(("reference/", "model/"))}
    many = {name: np.repeat(values, times, axis=0) for name, values in of_examples.items()}
    return {**outputs, **many, "index": np.arange(times.sum()), "weight": np.ones(times.sum(), np.float32)}


def values(found: dict) -> dict[str, float]:
    left_out = ("_err", "_note", "_bound")
    return {n: v for n, v in found.items() if n not in OTHERS and not n.endswith(left_out) and not n.startswith("symm")}


@pytest.mark.parametrize("of", EVALUATORS)
def test_in_every_figure(of):
    evaluator, outputs = EVALUATORS[of](np.random.default_rng(4))
    weighted, many = given(outputs, OFTEN), repeated(outputs, OFTEN)
    for figures in (evaluator.quick, lambda columns: evaluator.final(columns, seed=1)):
        found, expected = values(figures(weighted)), values(figures(many))
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, rel=1e-9)
    plain = values(evaluator.final({"index": np.arange(N), **outputs}, seed=1))
    assert any(plain[name] != pytest.approx(found[name]) for name in plain)  # the weights do count


@pytest.mark.parametrize("of", EVALUATORS)
def test_in_every_bootstrap_replica(of):
    evaluator, outputs = EVALUATORS[of](np.random.default_rng(4))
    for drawn in replicas(N, 5, seed=2):
        found = values(evaluator.quick(given(outputs, drawn * OFTEN)))
        assert found == pytest.approx(values(evaluator.quick(repeated(outputs, drawn * OFTEN))), rel=1e-9)


def test_the_error_of_a_weighted_mean_is_that_of_its_closed_form():
    rng = np.random.default_rng(5)
    x, weight = rng.normal(size=N), rng.gamma(1, size=N)
    weight[::9] *= -0.3
    found = with_errors({"mean": mean_of(x)}, N, seed=1, n_replicas=3000, weight=weight)
    mean = weight @ x / weight.sum()
    assert found["mean"] == pytest.approx(mean)
    assert found["mean_err"] == pytest.approx(np.sqrt(weight**2 @ (x - mean) ** 2) / weight.sum(), rel=0.05)


def drawn(evaluator: Evaluator, outputs: dict[str, np.ndarray], folder, monkeypatch) -> dict[str, list[np.ndarray]]:
    """The contents of the histograms, the points of the lines and the colours of the maps in each file."""
    figures: dict[str, list[np.ndarray]] = {}

    def keep(self: Figure, path, **_) -> None:
        found = figures.setdefault(path.name.lstrip(".").split(".")[0], [])
        for axes in self.axes:
            found += [patch.get_data()[0] for patch in axes.patches if hasattr(patch, "get_data")]
            found += [line.get_ydata() for line in axes.lines if len(line.get_xdata()) > 1]
            found += [np.ma.getdata(image.get_array()) for image in axes.images]
            found += [np.ma.filled(part.get_array(), 0) for part in axes.collections if isinstance(part, QuadMesh)]
        path.touch()

    monkeypatch.setattr(Figure, "savefig", keep)
    evaluator.figures(outputs, tuple("abcd"), folder, seed=1)
    return figures


@pytest.mark.parametrize("of", [name for name in EVALUATORS if name not in ("embedding", "generators")])
def test_in_every_histogram(of, tmp_path, monkeypatch):
    evaluator, outputs = EVALUATORS[of](np.random.default_rng(4))
    weighted = drawn(evaluator, given(outputs, OFTEN), tmp_path, monkeypatch)
    many = drawn(evaluator, repeated(outputs, OFTEN), tmp_path, monkeypatch)
    assert weighted.keys() == many.keys()
    assert sum(map(len, weighted.values())) > 0
    for name, found in weighted.items():
        for one, other in zip(found, many[name], strict=True):
            n = min(len(one), len(other))  # a ROC curve ends where there are too few examples
            np.testing.assert_allclose(one[-n:], other[-n:], rtol=1e-6, err_msg=name)

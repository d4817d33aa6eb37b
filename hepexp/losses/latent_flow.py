"""Oracle-preserving flows: vector fields along which an oracle does not change are its symmetries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.latent_flow import LatentFlowEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weight_of, weighted_mean
from hepexp.metric import Metric
from hepexp.models.latent_flow import Flow
from hepexp.precision import full_precision
from hepexp.symmetry.algebra import ALGEBRAS

GALLERY = 12  # examples whose paths are drawn
TIMES = tuple(k / 10 for k in range(-10, 11))  # of the paths


class LatentFlow(Objective[Flow]):
    """Fields xi_a that leave an oracle phi unchanged, of fixed size, orthogonal to each other, and closed.

        L = sum_a w_a v_a + w_n sum_a (G_aa - 1)^2 + w_o sum_{a<b} G_ab^2 + w_c sum_{a<b} c_ab r_ab

        v_a = E (grad phi . xi_a)^2 / V,    G_ab = E xi_a . xi_b / E |x|^2,
        r_ab = E |[xi_a, xi_b] - sum_c f_abc xi_c|^2 / E |x|^2

    V is the mean of E (grad phi . xi)^2 over random linear fields of the same size, E |grad phi|^2 |x|^2 / n, so that
    v_a is 1 for a random field, and G_aa = 1 means that exp(t xi_a) moves points by about t times their length. V,
    E |x|^2, and for linear fields G_ab = tr(W_a E[x x^T] W_b^T) / E |x|^2, are taken once, over training examples. The
    weights w_a fall from 1 to 1/4, which brings the fields into the order of their v_a and keeps them from mixing. The
    brackets (D xi_b) xi_a - (D xi_a) xi_b are compared with their projection on the span of the fields, whose
    coefficients are the structure constants f_abc; c_ab = 1 / (1 + (v_a + v_b) / threshold) asks for that only of
    fields that are symmetries.

    A field counts as found if its v_a, on test examples and for its size there, is at most `threshold`. That says
    something of the oracle for linear fields alone: any function of n variables with m < n values has n - m independent
    fields along its level sets, which dense networks can approximate.

    Parameters
    ----------
    normalisation_weight : w_n.
    orthogonality_weight : w_o.
    closure_weight : w_c.
    threshold : largest v_a of a field that was found, relative to that of random fields.
    min_spread : smallest standard deviation of a network's answers over training examples: of its probabilities, or of
        its one output over its root mean square. Below it the oracle is saturated: any flow would leave it unchanged.
        A quadratic form may be constant on the data, as on a mass shell: its gradient is not zero there.
    compare_with : algebra that the found generators are compared with, so2, so3, so13 or boosts_z; null for none. It
        does not affect the training.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model without fields, or an algebra of another dimension; from
        `see`, a saturated oracle, or a quadratic form that no point changes.

    References
    ----------
    R. T. Forestano et al., arXiv:2301.05638 and arXiv:2302.05383; A. Roman et al., arXiv:2302.00806.
    """

    evaluator: LatentFlowEvaluator
    length2: Tensor
    random: Tensor
    spread: Tensor
    moments: Tensor
    metrics = (
        Metric(
            "train/invariance",
            "lower",
            "invariance",
            "Mean of v_a, the change of the oracle along the fields relative to random ones.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/normalisation",
            "lower",
            "normalisation",
            "sum_a (G_aa - 1)^2: how far the sizes of the fields are from that of the points.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/orthogonality",
            "lower",
            "orthogonality",
            "sum_{a<b} G_ab^2 of different fields; 0 for one alone.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/closure",
            "lower",
            "closure",
            "sum_{a<b} c_ab r_ab: what of the brackets of found fields is outside their span; 0 for one alone.",
            range=">= 0",
            recorded=False,
        ),
    )
    takes_weights = True
    sample = 4096

    def __init__(
        self,
        normalisation_weight: float = 3.0,
        orthogonality_weight: float = 3.0,
        closure_weight: float = 1.0,
        threshold: float = 0.01,
        min_spread: float = 0.01,
        compare_with: Literal["so2", "so3", "so13", "boosts_z"] | None = None,
    ):
        super().__init__()
        for name, value in (("orthogonality_weight", orthogonality_weight), ("closure_weight", closure_weight)):
            if not value >= 0:
                raise ConfigError(f"loss.{name} must be >= 0, got {value}")
        if not normalisation_weight > 0:
            raise ConfigError(f"loss.normalisation_weight must be > 0, or fields vanish, got {normalisation_weight}")
        for name, value in (("threshold", threshold), ("min_spread", min_spread)):
            if not 0 < value < 1:
                raise ConfigError(f"loss.{name} must be in (0, 1), got {value}")
        if compare_with is not None and compare_with not in ALGEBRAS:
            raise ConfigError(f"loss.compare_with must be null or one of {', '.join(ALGEBRAS)}, got {compare_with!r}")
        self.normalisation_weight, self.orthogonality_weight = normalisation_weight, orthogonality_weight
        self.closure_weight, self.threshold, self.min_spread = closure_weight, threshold, min_spread
        self.algebra = None if compare_with is None else ALGEBRAS[compare_with]()
        self.evaluator = LatentFlowEvaluator(self.algebra, threshold)
        for name in ("length2", "random", "spread"):  # E |x|^2, V, the unit of a change of phi; and E x x^T, in prepare
            self.register_buffer(name, torch.ones(()))

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, Flow):
            raise ConfigError(
                f"loss=latent_flow trains vector fields, but {type(model).__name__} has none; choose model=latent_flow"
            )
        n = model.points(example).shape[1]
        self.register_buffer("moments", torch.eye(n) / n)
        if self.algebra is not None and model.generators is None:
            raise ConfigError("loss.compare_with needs linear fields: leave out model.widths, or compare with null")
        if self.algebra is not None and self.algebra.n != n:
            raise ConfigError(
                f"loss.compare_with names {self.algebra.name}, which acts on {self.algebra.n} dimensions; the points "
                f"have {n}"
            )

    def see(self, model: Flow, batches: Iterable) -> None:
        seen = [self._seen(model, batch) for batch in batches]
        x, phi, answers, random, weight = (torch.cat(parts) for parts in zip(*seen, strict=True))
        share = weight / weight.abs().sum()
        self.moments = (share[:, None] * x).T @ x
        self.length2 = self.moments.trace()
        self.random = share @ random
        if model.oracle is not None:
            self._check_spread(model.oracle, answers)
            self.spread = phi.std(0, correction=0).norm()
        elif self.random > 0:
            self.spread = self.random.sqrt()
        else:
            raise ConfigError(
                f"the gradient of the quadratic form is 0 at all {len(x):,} training examples seen; any flow leaves it "
                "unchanged, so choose another model.metric"
            )

    @staticmethod
    def _seen(model: Flow, batch) -> tuple[Tensor, ...]:
        """Points, oracle, its answers, (grad phi . xi)^2 on average over random linear fields, and weights (B, ...)."""
        x, weight = model.points(batch), weight_of(batch)
        random = model.gradient(x, batch).square().sum((1, 2)) * x.square().mean(1)
        with torch.no_grad():
            phi, answers = model.phi(x, batch), model.answers(x, batch)
        return x, phi, answers, random, torch.ones_like(random) if weight is None else weight.to(x.dtype)

    def _check_spread(self, oracle: nn.Module, answers: Tensor) -> None:
        """Refuse a saturated network by its answers (B, m)."""
        if answers.shape[1] == 1:
            answers = answers / answers.square().mean().sqrt()
        spread = answers.std(0, correction=0).norm().item()
        if not spread >= self.min_spread:
            raise ConfigError(
                f"the oracle {type(oracle).__name__} is saturated: its answers vary by {spread:.2g} over "
                f"{len(answers):,} training examples, expected at least loss.min_spread={self.min_spread:g}; any flow "
                "leaves it unchanged, so train it until it tells classes apart, or choose another one"
            )

    def learnt(self, model: Flow) -> dict[str, Tensor]:
        return {} if model.generators is None else {"generators": model.generators}

    def terms(self, model: Flow, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        with full_precision(batch.label), torch.inference_mode(False), torch.set_grad_enabled(self.training):
            return self._terms(model, batch)

    def outputs(self, model: Flow, batch) -> dict[str, Tensor]:
        with full_precision(batch.label), torch.inference_mode(False), torch.no_grad():
            return self._outputs(model, batch, *self._fields(model, batch))

    def gallery(self, model: Flow, batch) -> dict[str, Tensor]:
        """The oracle along the flows from a few examples: its change (c, examples, times), and the times."""
        with full_precision(batch.label), torch.inference_mode(False), torch.no_grad():
            x = model.points(batch)[:GALLERY]
            few = type(batch)(**{name: value[:GALLERY].clone() for name, value in batch.tensors().items()})
            change = torch.stack([self._change(model, x, few, t, signed=True) for t in TIMES], dim=2)  # (B, c, T)
        return {"change": change.transpose(0, 1), "time": torch.tensor(TIMES)}

    def _fields(self, model: Flow, batch) -> tuple[Tensor, Tensor, Tensor]:
        """Points x (B, n), gradients of the oracle (B, m, n) and fields (B, c, n)."""
        x = model.points(batch)
        return x, model.gradient(x, batch), model.fields(x)

    def _terms(self, model: Flow, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        x, gradient, xi = self._fields(model, batch)
        weight, c = weight_of(batch), xi.shape[1]
        change = torch.einsum("bmn,bcn->bcm", gradient, xi).square().sum(2)  # (B, c)
        v = torch.stack([weighted_mean(one, weight) for one in change.unbind(1)]) / self.random
        products = torch.einsum("bcn,bdn->bcd", xi, xi)
        gram = torch.stack([weighted_mean(one, weight) for one in products.flatten(1).unbind(1)]).view(c, c)
        gram = model.fields.gram(self.moments, gram) / self.length2
        falling = torch.linspace(1.0, 0.25, c).to(v) if c > 1 else torch.ones_like(v)
        normalisation = (gram.diagonal() - 1).square().sum()
        orthogonality = gram.triu(1).square().sum()
        closure = self._closure(model, x, xi, v, gram, weight) if c > 1 else torch.zeros_like(normalisation)
        terms = {
            "loss": falling @ v
            + self.normalisation_weight * normalisation
            + self.orthogonality_weight * orthogonality
            + self.closure_weight * closure,
            "invariance": v.mean(),
            "normalisation": normalisation,
            "orthogonality": orthogonality,
            "closure": closure,
        }
        return terms, {} if self.training else self._outputs(model, batch, x, gradient, xi)

    def _closure(self, model: Flow, x: Tensor, xi: Tensor, v: Tensor, gram: Tensor, weight) -> Tensor:
        """sum_{a<b} c_ab r_ab."""
        a, b = torch.triu_indices(xi.shape[1], xi.shape[1], 1)
        brackets = _brackets(model, x, xi)[:, a, b]  # (B, pairs, n)
        overlap = torch.einsum("bpn,bcn->bpc", brackets, xi)
        of_pairs = torch.stack([weighted_mean(one, weight) for one in overlap.flatten(1).unbind(1)])
        ridge = 1e-9 * torch.eye(len(gram)).to(gram)
        f = torch.linalg.solve(gram + ridge, (of_pairs / self.length2).view(len(a), -1).T).T  # (pairs, c)
        outside = (brackets - torch.einsum("pc,bcn->bpn", f, xi)).square().sum(2)
        r = torch.stack([weighted_mean(one, weight) for one in outside.unbind(1)]) / self.length2
        asked = 1 / (1 + (v[a] + v[b]).detach() / self.threshold)
        return asked @ r

    def _outputs(self, model: Flow, batch, x: Tensor, gradient: Tensor, xi: Tensor) -> dict[str, Tensor]:
        length2 = x.square().sum(1)
        return {
            "points": x,
            "fields": xi,
            "along2": torch.einsum("bmn,bcn->bcm", gradient, xi).square().sum(2),
            "length2": length2,
            "random2": gradient.square().sum((1, 2)) * length2 / x.shape[1],
            "brackets": _brackets(model, x, xi),
            "change": self._change(model, x, batch, 1.0),
        }

    def _change(self, model: Flow, x: Tensor, batch, t: float, signed: bool = False) -> Tensor:
        """|phi(x_t) - phi(x)| (B, c), where each field takes x in the time t; in units of the spread of a network's
        phi, and of sqrt(V) for a quadratic form, as a form may be constant on the data.

        With a sign, that of the first component of the oracle alone.
        """
        before = model.phi(x, batch)
        after = torch.stack([model.phi(one, batch) for one in model.fields.flow(x, t).unbind(1)], dim=1)  # (B, c, m)
        change = (after - before[:, None]) / self.spread
        return change[..., 0] if signed else change.norm(dim=2)


def _brackets(model: Flow, x: Tensor, xi: Tensor) -> Tensor:
    """[xi_a, xi_b] = (D xi_b) xi_a - (D xi_a) xi_b at the points x (B, c, c, n)."""
    along = model.fields.along(x, xi)  # (B, k, l, n), the derivative of l along k
    return along - along.transpose(1, 2)

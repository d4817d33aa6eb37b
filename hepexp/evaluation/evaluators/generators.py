"""What follows from learnt generators alone: angle to an algebra, invariant metric, structure constants."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np

from hepexp.evaluation.evaluators.evaluator import Evaluator
from hepexp.metric import Metric
from hepexp.symmetry.algebra import Algebra, principal_angles, random_angle
from hepexp.symmetry.metric_tensor import metric_of, traceless
from hepexp.symmetry.structure import Structure, structure_of

OF_GENERATORS = "a property of the generators: see the spread over seeds"
# of learnt generators; the figures that are compared are of order one for an algebra of another name
INDEPENDENT, AGREES = 0.1, 0.2
MOST_METRICS = 10  # listed; of four dimensions there are no more
LISTED = 3  # most generators whose structure constants are listed: their number grows as the cube


class GeneratorEvaluator(Evaluator):
    """Base of the evaluators of generators, `model/generators` (c, d, d).

    Figures of the generators themselves have no bootstrap error, as they do not depend on the test examples: their
    uncertainty is the spread over seeds.

    Parameters
    ----------
    algebra : Lie algebra that the generators are compared with, or None.
    tolerance : largest ratio of the smallest to the largest singular value at which a metric counts as invariant.
    """

    metrics: tuple[Metric, ...] = (
        Metric(
            "angle_error_deg",
            "lower",
            "angle error (deg)",
            "Largest principal angle between the learnt generators and the algebra of loss.compare_with.",
            latex=r"angle error ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_error_deg",
            "lower",
            "angle error (deg)",
            "Largest principal angle between the learnt generators and the algebra of loss.compare_with.",
            latex=r"angle error ($^\circ$)",
            range="0 to 90",
            column=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_mean_deg",
            "lower",
            "mean angle (deg)",
            "Mean of the principal angles between the learnt generators and the algebra of loss.compare_with.",
            latex=r"mean angle ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_of_random_deg",
            "neither",
            "angle of random generators (deg)",
            "Median of symmetry/angle_error_deg for the same number of random generators: the angle to beat.",
            latex=r"angle of random generators ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_exists",
            "neither",
            "invariant metric",
            "1 if the learnt generators leave a metric J invariant, L^T J + J L = 0 within the tolerance, otherwise 0.",
            range="0 or 1",
            whole=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_dimension",
            "neither",
            "invariant metrics",
            "Number of linearly independent metrics that the learnt generators leave invariant within the tolerance; "
            "with several the generators are too few to single one out, and symmetry/metric_J_00 ... are those of the "
            "first of an orthogonal basis, symmetry/metric_2_J_00 ... of the second.",
            range=">= 0",
            whole=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_smallest_singular_value",
            "lower",
            "smallest singular value",
            "Smallest over largest singular value of J -> L^T J + J L: 0 if a metric is invariant, 1 if all matrices "
            "are equally far from it.",
            range="0 to 1",
            undefined="no generator was found, or all vanish",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_J_{ab}",
            "neither",
            "J_{ab}",
            "Element {ab} of the metric that comes closest to being invariant, with Frobenius norm sqrt(n).",
            latex=r"$J_{{ab}}$",
            range="-sqrt(n) to sqrt(n) for n x n matrices",
            undefined="no generator was found",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_{k}_J_{ab}",
            "neither",
            "J_{ab}, metric {k}",
            "Element {ab} of metric {k} of several that are invariant, orthogonal to the others, with Frobenius norm "
            "sqrt(n); at most ten are listed.",
            latex=r"$J^{({k})}_{{ab}}$",
            range="-sqrt(n) to sqrt(n) for n x n matrices",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_angle_deg",
            "lower",
            "metric angle (deg)",
            "Angle between the metric that comes closest to being invariant and that of loss.compare_with.",
            latex=r"metric angle ($^\circ$)",
            range="0 to 90",
            undefined="no generator was found",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/conformal_smallest_singular_value",
            "lower",
            "smallest singular value (conformal)",
            "symmetry/metric_smallest_singular_value of the generators without their dilations, which only scale a "
            "metric.",
            range="0 to 1",
            undefined="the generators are dilations or vanish",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/conformal_angle_deg",
            "lower",
            "conformal angle (deg)",
            "symmetry/metric_angle_deg of the generators without their dilations.",
            latex=r"conformal angle ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/dimension",
            "neither",
            "dimension",
            "Number of independent generators; its note names the algebra that they span, such as so(3), so(1,3) + R "
            "or abelian, from the signs of its Killing form.",
            range=">= 0",
            whole=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/closure_residual",
            "lower",
            "closure residual",
            "Root mean square of what of the brackets [L_i, L_j] is outside the span, over |L_i| |L_j|; |L|^2 is "
            "n E |xi|^2 / E |x|^2 for fields that are not linear.",
            range=">= 0",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/structure_{ijk}",
            "neither",
            "f_{ijk}",
            "Structure constant in [L_i, L_j] = sum_k f_ijk L_k, ijk = {ijk}, in an orthogonal basis of the span with "
            "tr(L^T L) = 2, for fields that are not linear E |xi|^2 = 2 E |x|^2 / n, of at most three generators; of "
            "so(3) it is the Levi-Civita symbol up to its sign.",
            latex=r"$f_{{ijk}}$",
            range="any number",
            no_error=OF_GENERATORS,
        ),
    )

    def __init__(self, algebra: Algebra | None, tolerance: float = 0.05):
        self.algebra = algebra
        self.tolerance = tolerance

    def angle_of_an_epoch(self, generators: np.ndarray) -> dict[str, float]:
        """The angle to the algebra, if there is one to compare with."""
        return {} if self.algebra is None else {"angle_error_deg": float(self.angles(generators)[-1])}

    def angles(self, generators: np.ndarray) -> np.ndarray:
        """Angles in degrees to the algebra; 90 where the generators vanish."""
        assert self.algebra is not None, "there is one to compare with"
        angles = principal_angles(generators, self.algebra.basis)
        return angles if len(angles) else np.array([90.0])

    def of_generators(
        self, generators: np.ndarray, are_found: np.ndarray | None = None
    ) -> dict[str, float | str | None]:
        """The figures of generators (c, d, d).

        Parameters
        ----------
        are_found : (c,), which of them are symmetries, on which alone the metric and the algebra depend; None for all.
        """
        symmetries = generators if are_found is None else found_ones(generators, are_found)
        found = metric_of(symmetries, self.tolerance)
        conformal = metric_of(traceless(generators), self.tolerance)
        some = found.spectrum[0] > 0
        figures: dict[str, float | str | None] = {
            "symmetry/metric_exists": int(found.J is not None),
            "symmetry/metric_dimension": 0 if found.J is None else found.dimension,
            "symmetry/metric_smallest_singular_value": found.smallest,
            **{name: value if some else None for name, value in _elements(found.nearest).items()},
            **{
                name: value
                for k, metric in enumerate(found.metrics[1:MOST_METRICS] if some else (), start=2)
                for name, value in _elements(metric, f"{k}_").items()
            },
            "symmetry/conformal_smallest_singular_value": conformal.smallest,
        }
        if self.algebra is not None:
            angles = self.angles(generators)
            figures["symmetry/angle_error_deg"] = float(angles[-1])
            figures["symmetry/angle_mean_deg"] = float(angles.mean())
            figures["symmetry/angle_of_random_deg"] = random_angle(self.algebra, len(generators))
            figures["symmetry/metric_angle_deg"] = found.angle_to(self.algebra.metric) if some else None
            figures["symmetry/conformal_angle_deg"] = conformal.angle_to(self.algebra.metric)
        return figures | of_structure(structure_of(symmetries, INDEPENDENT))

    def draw_generators(self, generators: np.ndarray, folder: Path, are_found: np.ndarray | None = None) -> None:
        """Figures of the generators, and of those found the metric, and the structure constants where there are any."""
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        reference = None if self.algebra is None else (self.algebra.name, self.algebra.metric)
        plots.generators(folder / "generators.png", generators)
        symmetries = generators if are_found is None else found_ones(generators, are_found)
        if (found := metric_of(symmetries, self.tolerance)).spectrum[0]:
            plots.metric(folder / "metric.png", found, reference)
        structure = structure_of(symmetries, INDEPENDENT)
        if len(structure.constants) > 1:
            plots.structure_constants(folder / "structure.png", structure.constants, structure.name(AGREES))


def found_ones(generators: np.ndarray, are_found: np.ndarray) -> np.ndarray:
    """The generators that were found (c, d, d); a vanishing one if there are none."""
    return generators[are_found] if are_found.any() else np.zeros_like(generators[:1])


def _elements(metric: np.ndarray, which: str = "") -> dict[str, float]:
    """The figures of a symmetric matrix (n, n): its elements on the diagonal and above."""
    n = len(metric)
    return {f"symmetry/metric_{which}J_{a}{b}": float(metric[a, b]) for a in range(n) for b in range(a, n)}


def of_structure(structure: Structure) -> dict[str, float | str | None]:
    """The figures of structure constants: the name, the residual, and the constants of few generators."""
    d = len(structure.constants)
    return {
        "symmetry/dimension": d,
        "symmetry/dimension_note": f"algebra: {structure.name(AGREES)}",
        "symmetry/closure_residual": structure.residual,
        **{
            f"symmetry/structure_{i + 1}{j + 1}{k + 1}": float(structure.constants[i, j, k])
            for i, j in combinations(range(d if d <= LISTED else 0), 2)
            for k in range(d)
        },
    }

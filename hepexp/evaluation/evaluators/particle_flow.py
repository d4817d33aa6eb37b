"""Evaluator of particle flow: which particles are found, how well they are measured, and jets and missing momentum."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ratio
from hepexp.evaluation.evaluators.evaluator import ELEMENT, Outputs, element_columns, places
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.predictions import index_and_label
from hepexp.evaluation.quantiles import Quantiles, half_width
from hepexp.metric import Metric

PARTICLES = ("charged_hadron", "neutral_hadron", "photon", "electron", "muon")  # classes from 1 on; 0 is none
LEAST_MISSING = 20.0  # GeV, of events that count for its response
_NO_TRUE = "no particle is of this class"
_NOT_FOUND = "no element is taken for this class"
_NO_PAIR = "no particle of this class is found"
_NO_JETS = "no true jet is found, or FastJet is not installed"
Figures = dict[str, Callable[[NDArray], float]]


class ParticleFlowEvaluator(EvaluatorOfWeights):
    """Compares the particle that is found for each element with its true one.

    Columns: of each element, its class, pT, eta, phi, energy and charge, and the same of its true particle under
    `target_...`, and perhaps `share` and `target_share`, of particles with a track in the energy of a tower, -1 where
    there is none; of each event, `missing` (n, 2, 2), the true and the found transverse momentum that is missing in
    GeV, and after the test `jets` (n, j, 2), pT of true jets and of the jet that is found for each, 0 for none.
    """

    of_elements = True
    metrics = (
        Metric(
            "particle_accuracy",
            "higher",
            "accuracy per element",
            "Fraction of the elements with the right class, none included.",
            range="0 to 1",
            column=True,
        ),
        Metric(
            "particle_efficiency_{particle}",
            "higher",
            "efficiency, {particle}",
            "Fraction of the elements of a {particle} that are taken for one.",
            range="0 to 1",
            undefined=_NO_TRUE,
            column=True,
            values=PARTICLES,
        ),
        Metric(
            "fake_rate_{particle}",
            "lower",
            "fakes, {particle}",
            "Fraction of the elements that are taken for a {particle} and are of another particle, or of none.",
            range="0 to 1",
            undefined=_NOT_FOUND,
            each_epoch=False,
            column=True,
            values=PARTICLES,
        ),
        Metric(
            "empty_fake_rate_{particle}",
            "lower",
            "fakes without target, {particle}",
            "Fraction of the elements that are taken for a {particle} and have no target: towers with energy of tracks "
            "alone, or with less than 9 GeV of hadrons without a track.",
            range="0 to 1",
            undefined=_NOT_FOUND,
            each_epoch=False,
            values=PARTICLES,
        ),
        Metric(
            "pt_response_{particle}",
            "neither",
            "pT response, {particle}",
            "Median of found over true pT of correctly identified particles: {particle}.",
            range=">= 0",
            undefined=_NO_PAIR,
            each_epoch=False,
            values=PARTICLES,
        ),
        Metric(
            "pt_resolution_{particle}",
            "lower",
            "pT resolution, {particle}",
            "Half the width of the central 68 % of found over true pT of a {particle}, over its median.",
            range=">= 0",
            undefined=_NO_PAIR,
            each_epoch=False,
            values=PARTICLES,
        ),
        Metric(
            "energy_response_{particle}",
            "neither",
            "energy response, {particle}",
            "Median of found over true energy of correctly identified particles: {particle}.",
            range=">= 0",
            undefined=_NO_PAIR,
            each_epoch=False,
            values=PARTICLES,
        ),
        Metric(
            "energy_resolution_{particle}",
            "lower",
            "energy resolution, {particle}",
            "Half the width of the central 68 % of found over true energy of a {particle}, over its median.",
            range=">= 0",
            undefined=_NO_PAIR,
            each_epoch=False,
            values=PARTICLES,
        ),
        Metric(
            "share_error",
            "lower",
            "error of tracks' shares",
            "Mean absolute error of the share that particles with a track have in the energy of a tower.",
            range="0 to 1",
            undefined="there is no tower",
            column=True,
        ),
        Metric(
            "jet_efficiency",
            "higher",
            "jets found",
            "Fraction of the jets of true particles (anti-kT, R = 0.4, pT > 20 GeV, |eta| < 2.5) with a found one of "
            "at least 5 GeV within 0.2.",
            range="0 to 1",
            undefined="there is no true jet, or FastJet is not installed",
            each_epoch=False,
        ),
        Metric(
            "jet_response",
            "neither",
            "jet response",
            "Median of found over true pT of jets.",
            range=">= 0",
            undefined=_NO_JETS,
            each_epoch=False,
        ),
        Metric(
            "jet_resolution",
            "lower",
            "jet resolution",
            "Half the width of the central 68 % of found over true pT of jets, over its median.",
            range=">= 0",
            undefined=_NO_JETS,
            each_epoch=False,
            column=True,
        ),
        Metric(
            "missing_response",
            "neither",
            "missing-momentum response",
            "Median of found over true missing transverse momentum of events with more than 20 GeV of it.",
            range=">= 0",
            undefined="no event misses more than 20 GeV",
            each_epoch=False,
        ),
        Metric(
            "missing_resolution",
            "lower",
            "missing-momentum resolution [GeV]",
            "Half the width of the central 68 % of found minus true missing momentum in x and y, GeV.",
            range=">= 0",
            each_epoch=False,
            column=True,
        ),
    )

    def _figures(self, outputs: Outputs) -> Figures:
        n, event = len(outputs["index"]), places(outputs)
        found, true = (outputs[f"{ELEMENT}{name}"] for name in ("pid", "target_pid"))
        known = true >= 0

        def number(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
            return np.bincount(event[chosen & known], minlength=n).astype(np.float64)

        figures: Figures = {"particle_accuracy": ratio(number(found == true), number(known))}
        for k, name in enumerate(PARTICLES, 1):
            right = (found == k) & (true == k)
            figures[f"particle_efficiency_{name}"] = ratio(number(right), number(true == k))
            figures[f"fake_rate_{name}"] = ratio(number((found == k) & (true != k)), number(found == k))
            figures[f"empty_fake_rate_{name}"] = ratio(number((found == k) & (true == 0)), number(found == k))
            for column in ("pt", "energy"):
                measured, wanted = (outputs[f"{ELEMENT}{side}{column}"][right] for side in ("", "target_"))
                figures |= _response(column, f"_{name}", measured / wanted, event[right])
        if f"{ELEMENT}share" in outputs:
            share, true_share = (outputs[f"{ELEMENT}{side}share"] for side in ("", "target_"))
            tower = true_share >= 0
            error = np.bincount(event[tower], abs(share - true_share)[tower], n)
            figures["share_error"] = ratio(error, np.bincount(event[tower], minlength=n))
        jets = outputs.get("jets", np.zeros((n, 0, 2)))
        of_event, place = np.nonzero(jets[..., 0])
        true_pt, found_pt = jets[of_event, place].T
        matched = found_pt > 0
        counts = [np.bincount(of_event[chosen], minlength=n) for chosen in (matched, slice(None))]
        figures["jet_efficiency"] = ratio(*counts)
        figures |= _response("jet", "", found_pt[matched] / true_pt[matched], of_event[matched])
        missing = outputs["missing"]
        true_missing, found_missing = np.hypot(missing[:, 0, 0], missing[:, 0, 1]), np.hypot(*missing[:, 1].T)
        large = np.flatnonzero(true_missing > LEAST_MISSING)
        figures["missing_response"] = _response("missing", "", (found_missing / true_missing)[large], large)[
            "missing_response"
        ]
        width = half_width((missing[:, 1] - missing[:, 0]).ravel())
        figures["missing_resolution"] = lambda weight: width(np.repeat(weight, 2))
        return figures

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index and label, and lists with a number for each element: what is found and what is true."""
        columns = index_and_label(outputs["index"], outputs["label"])
        names = ("pid", "charge", "pt", "eta", "phi", "energy", "share")
        return pa.table(
            columns | element_columns(outputs, {name: name for own in names for name in (own, f"target_{own}")})
        )

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        weight, event = outputs.get("weight", np.ones(len(outputs["index"]))), places(outputs)
        columns = {name.removeprefix(ELEMENT): v for name, v in outputs.items() if name.startswith(ELEMENT)}
        plots.particle_efficiency(folder / "particles.png", columns, event, weight, seed)
        plots.particle_response(folder / "response.png", columns, weight[event])
        if "share" in columns:
            plots.tower_shares(folder / "shares.png", columns["share"], columns["target_share"], weight[event])
        plots.jets_and_missing(folder / "jets.png", outputs.get("jets"), outputs["missing"], weight)
        if "gallery/elements" in outputs:
            shown = [outputs[f"gallery/{name}"] for name in ("elements", "particles", "found")]
            plots.flow_display(folder / "event.png", *shown)


def _response(name: str, whose: str, values: NDArray, event: NDArray[np.int64]) -> Figures:
    """Median of ratios (m,), and half the width of their central 68 % over it, by the weights of their events."""
    quantiles, width = Quantiles(values), half_width(values)

    def median(weight: NDArray) -> float:
        return float(quantiles(weight[event], (0.5,))[0])

    def resolution(weight: NDArray) -> float:
        middle = median(weight)
        return width(weight[event]) / middle if middle > 0 else float("nan")

    return {f"{name}_response{whose}": median, f"{name}_resolution{whose}": resolution}

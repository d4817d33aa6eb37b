"""All checks of a trained network: at each strength figures of merit, and the largest change of what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from hepexp.check import detector, emissions, features, graphs, images, lorentz
from hepexp.check.arrangement import arrangement
from hepexp.check.check import Check
from hepexp.check.examples import Examples, has_momenta
from hepexp.check.response import Figures, Response
from hepexp.config.suggest import did_you_mean
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.transforms.frame import StandardFrame
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.learning.components import Components
from hepexp.models.claims import ABOUT_BEAM, ALONG_BEAM, LORENTZ, claims

THRESHOLD = 1e-6  # of a probability, in float64
WHY = (
    "rounding in float64 changes a probability by 1e-8 or less even at beta = 0.99, where the squared momenta that "
    "cancel in a mass are 50 times as large; 1e-6 moves no figure of merit that 10^5 examples can resolve"
)
N_DOUBLE = 50  # examples that are evaluated in float64 too
N_BEAMS = 2
CHANGES = ("largest_change", "mean_change")


def tables_of(components: Components) -> HepDataModule:
    """The data set of a run.

    Raises
    ------
    ConfigError : it is not one of tables.
    """
    if not isinstance(components.data, HepDataModule):
        raise ConfigError(f"hepexp check needs a data set built on HepDataModule, not {type(components.data).__name__}")
    return components.data


def checks_of(components: Components) -> list[Check]:
    """The checks that apply to what a network reads.

    Raises
    ------
    ConfigError : the data set is not one of tables.
    """
    data = tables_of(components)
    reads, momenta = data.representation.name, has_momenta(data)
    beams = N_BEAMS if data.spec.has_beams else 0
    found = [check for check in arrangement(beams) if check.reads in ("any", reads)]
    if momenta:
        found += [*lorentz.CHECKS, *emissions.CHECKS, *detector.CHECKS]
    if data.representation.reads_edges:  # edges are of the particles that are there
        found = [check for check in found if check.behind or _keeps(check)]
    return found + [check for check in (*images.CHECKS, *graphs.CHECKS, *features.CHECKS) if check.reads == reads]


def chosen(checks: Sequence[Check], only: Sequence[str], reads: str, more: Sequence[str] = ()) -> list[Check]:
    """Those that are asked for; all if none is named.

    Raises
    ------
    ConfigError : a name of none of them.
    """
    names = [*(check.name for check in checks), *more]
    for name in only:
        if name not in names:
            raise ConfigError(
                f"--only {name}: no check of a network that reads {reads}{did_you_mean(name, names)}; "
                f"expected some of {', '.join(names)}"
            )
    return [check for check in checks if not only or check.name in only]


def audit(
    components: Components, checks: Sequence[Check], n: int, seed: int, done: Callable[[str], None] = lambda what: None
) -> dict[str, Any]:
    """Do the checks.

    Parameters
    ----------
    n : test examples; of fewer than there are, random ones.
    done : is told what is done next, once before each strength of each check.

    Returns
    -------
    What check.json holds, see docs/howto/check.md.
    """
    data, module = tables_of(components), components.module
    random = np.random.default_rng(seed)
    rows = data.splits["test"].rows
    rows = np.sort(random.choice(rows, min(n, len(rows)), replace=False))
    few = np.sort(random.choice(rows, min(N_DOUBLE, len(rows)), replace=False))
    evaluator = module.objective.evaluator
    setting = None
    if isinstance(evaluator, ClassificationEvaluator):
        setting = evaluator.setting or Setting.of(data.spec.n_classes)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    single, double = (
        _Judged(Examples(data, some, seed), Response(module.model, module.objective, dtype, device), setting, seed)
        for some, dtype in ((rows, torch.float32), (few, torch.float64))
    )
    claimed = claimed_of(components)
    found: dict[str, Any] = {}
    for check in checks:
        points = []
        for strength in check.strengths:
            done(f"{check.name} {strength:g}" if check.axis else check.name)
            in_single, in_double = single(check, strength), double(check, strength)
            points.append(
                {
                    "strength": strength,
                    "judged": check.claim in claimed and check.is_judged_at(strength),
                    **{key: value for key, value in in_single.items() if key not in CHANGES},
                    **{f"{key}_float32": in_single[key] for key in CHANGES},
                    **{f"{key}_float64": in_double[key] for key in CHANGES},
                }
            )
        found[check.name] = {
            "what": check.what,
            "axis": check.axis,
            "claim": check.claim if check.claim in claimed else None,
            "verdict": verdict(points),
            "points": points,
        }
    return {
        "n": len(rows),
        "n_float64": len(few),
        "seed": seed,
        "claims": sorted(claimed),
        "threshold": THRESHOLD,
        "why_this_threshold": WHY,
        "change": "largest over examples and classes of |p' - p|"
        if setting
        else "in units of the spread over examples",
        "units": "GeV, radians, beta = v / c; four-momenta (E, px, py, pz), metric (+, -, -, -)",
        "unchanged": single.figures.of(single.figures.unchanged),
        "checks": found,
    }


def claimed_of(components: Components) -> frozenset[str]:
    """What the network claims of jets as they are before a standard frame, whose z is not along the beam."""
    found = claims(components.module.model)
    framed = any(isinstance(step, StandardFrame) for step in tables_of(components).representation.transforms)
    return found - {ABOUT_BEAM, ALONG_BEAM} if framed and LORENTZ not in found else found


def verdict(points: Sequence[dict[str, Any]]) -> str | None:
    """`kept` or `broken` for what the network claims at some of the strengths, None where it claims nothing."""
    judged = [point["largest_change_float64"] for point in points if point["judged"]]
    return None if not judged else "kept" if max(judged) <= THRESHOLD else "broken"


class _Judged:
    """Examples, the network in one precision, and what it says of them unchanged."""

    def __init__(self, examples: Examples, response: Response, setting: Setting | None, seed: int) -> None:
        self.examples, self.response = examples, response
        self.figures = Figures(response(examples.batches()), setting, seed)

    def __call__(self, check: Check, strength: float) -> dict[str, float | None]:
        answers = self.response(self.examples.batches(check, strength))
        return {**self.figures.of(answers), **self.figures.change(answers)}


def _keeps(check: Check) -> bool:
    return check.change is None or all(check.change(strength).keeps_elements for strength in check.strengths)

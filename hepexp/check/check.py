"""What a check is: a change of the examples at several strengths, and whether a network claims not to see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hepexp.data.views.random_view import RandomView


@dataclass(frozen=True)
class Check:
    """One change of the examples.

    Parameters
    ----------
    name : of it, in --only and in check.json.
    what : what is done to the examples, in a line.
    change : what does it at a strength, one of each example or the same for all.
    strengths : at which it is done; one of 0 if there is nothing to choose.
    axis : what a strength is, with its unit; empty if there is nothing to choose.
    reads : whose batches it changes, those of `particles`, `image`, `graph` or `features`.
    behind : whether it changes what the network reads; otherwise four-momenta before these become particles, images,
        graphs or features, and before a standard frame.
    claim : what a network claims that is not to see it, see `hepexp.models.claims`; empty if none does.
    judged : the strengths at which a network with that claim must not see it; None for all.
    scale : of the strengths in a figure.
    beams : whether beams among the particles of each jet (dataset.beams=true) are changed as these are.
    apart : whether nothing is changed but the batches, each example being one of its own.
    """

    name: str
    what: str
    change: Callable[[float], RandomView] | None
    strengths: tuple[float, ...] = (0.0,)
    axis: str = ""
    reads: str = "particles"
    behind: bool = False
    claim: str = ""
    judged: tuple[float, ...] | None = None
    scale: Literal["linear", "log"] = "linear"
    beams: bool = False
    apart: bool = False

    def is_judged_at(self, strength: float) -> bool:
        """Whether a network with the claim must not see it at this strength."""
        return bool(self.claim) and (self.judged is None or strength in self.judged)

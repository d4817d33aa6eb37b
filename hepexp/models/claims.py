"""What a network claims not to see, which the conformance suite and `hepexp check` hold it to."""

from __future__ import annotations

from torch import nn

BATCH, PERMUTATION, PADDING = "batch", "permutation", "padding"
LORENTZ, IRC = "lorentz", "irc"
ABOUT_BEAM, ALONG_BEAM = "about_beam", "along_beam"
RIGHT_ANGLES, REFLECTIONS = "right_angles", "reflections"
OF_EVERY_MODEL = {
    "particles": {BATCH, PERMUTATION, PADDING},
    "graph": {BATCH, PERMUTATION},
    "image": {BATCH},
    "features": {BATCH},
}
# attributes by which a model claims more; it need not have those that are False
ATTRIBUTES = {
    "lorentz_invariant": LORENTZ,
    "invariant_about_beam": ABOUT_BEAM,
    "invariant_along_beam": ALONG_BEAM,
    "irc_safe": IRC,
    "invariant_under_right_angles": RIGHT_ANGLES,
    "invariant_under_reflections": REFLECTIONS,
}


def claims(model: nn.Module) -> frozenset[str]:
    """What the outputs of a network in evaluation mode do not depend on, up to rounding.

    Every network claims that an example does not depend on the others of its batch; those of particles and of graphs,
    nor on the order of particles or nodes, nor on padding. `lorentz`: any Lorentz transformation of all four-momenta
    that it reads; so also `about_beam`, rotations about the beam, and `along_beam`, boosts along it, which other
    networks of particles claim alone. Those that choose nearest neighbours, or particles by their order in pT, do not:
    rounding decides between equal distances on a grid. `irc`: soft particles and collinear splittings. `right_angles`:
    rotations of an image by multiples of 90 degrees. `reflections`: its columns in reverse order.
    """
    more = {claim for attribute, claim in ATTRIBUTES.items() if getattr(model, attribute, False)}
    if LORENTZ in more:
        more |= {ABOUT_BEAM, ALONG_BEAM}
    return frozenset(OF_EVERY_MODEL[str(model.input)] | more)

"""Initialisation of Pythia from lines of settings and a seed."""

from __future__ import annotations

from collections.abc import Sequence

import pythia8mc

from hepexp.data.physics.fastjet_banner import silence_banner
from hepexp.errors import HepexpError


def make_pythia(settings: Sequence[str], seed: int, hooks: pythia8mc.UserHooks | None = None) -> pythia8mc.Pythia:
    """Pythia, ready to generate events.

    Parameters
    ----------
    settings : lines of Pythia settings.
    seed : random seed, 1 to 900,000,000.
    hooks : may veto events during generation. The caller must keep them alive as long as Pythia, which does not own
        them.

    Raises
    ------
    HepexpError : Pythia does not accept a line, or cannot be initialised with these settings.
    """
    silence_banner()
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", *settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise HepexpError(f"Pythia {pythia8mc.__version__} does not accept the setting {line!r}")
    if hooks is not None:
        pythia.setUserHooksPtr(hooks)
    if not pythia.init():
        raise HepexpError(f"Pythia could not be initialised with {'; '.join(settings)}")
    return pythia

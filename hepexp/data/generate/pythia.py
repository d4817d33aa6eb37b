"""Pythia, set up from lines of settings, and the seed of each block of examples."""

from __future__ import annotations

from collections.abc import Sequence

import pythia8mc

from hepexp.data.generate.banner import silence_banner
from hepexp.errors import HepexpError


def make_pythia(settings: Sequence[str], seed: int, hooks: pythia8mc.UserHooks | None = None) -> pythia8mc.Pythia:
    """Pythia, ready to give events.

    Parameters
    ----------
    settings : lines that Pythia reads.
    seed : of its random numbers, 1 to 900,000,000.
    hooks : may veto events on the way. The caller keeps them alive as long as Pythia, which only borrows them.

    Raises
    ------
    HepexpError : Pythia does not know a line, or cannot be initialised with them.
    """
    silence_banner()
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", *settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise HepexpError(f"Pythia {pythia8mc.__version__} does not know the setting {line!r}")
    if hooks is not None:
        pythia.setUserHooksPtr(hooks)
    if not pythia.init():
        raise HepexpError(f"Pythia could not be initialised with {'; '.join(settings)}")
    return pythia

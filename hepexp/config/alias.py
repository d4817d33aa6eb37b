"""Short names of groups: `data` for `dataset`."""

import re

ALIASES = {"data": "dataset"}
# An override starts with an optional ~, + or ++; the group ends at =, a dot (a key of it), an @ (a package) or the end.
_PATTERN = re.compile(rf"^(~|\+\+|\+)?({'|'.join(ALIASES)})(?=[=.@]|$)")


def translate(args: list[str]) -> list[str]:
    """The same arguments with aliases replaced, in sweeps and deletions too: `data=qg` becomes `dataset=qg`."""
    return [_PATTERN.sub(lambda found: (found[1] or "") + ALIASES[found[2]], arg) for arg in args]

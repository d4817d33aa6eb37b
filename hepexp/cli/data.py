"""`hepexp data VERB NAME`: describe data sets, and move their files to and from this machine."""

from __future__ import annotations

from pathlib import Path

from hepexp.cli import data_files, data_tables
from hepexp.cli.data_options import as_flags, config_dirs, split_keys, warn_of, with_keys
from hepexp.cli.parser import Parser
from hepexp.config.suggest import did_you_mean
from hepexp.data.find import describable, refuse_unnamed, survey
from hepexp.errors import ConfigError

USAGE = """\
usage: hepexp data VERB [NAME] [data.KEY=VALUE ...] [...]
       hepexp data inspect FILE... [...]

{verbs}

Published files are kept in $HEPEXP_DATA_DIR (default ~/.cache/hepexp), converted and simulated ones in
$HEPEXP_STORE_DIR (default: the same folder, if it can be written). `hepexp data VERB --help` says more about a verb.
"""
VERBS = {
    "list": data_tables.show_all,
    "inspect": data_tables.inspect,
    "show": data_tables.show,
    "download": data_files.download,
    "generate": data_files.generate,
    "convert": data_files.convert,
    "export": data_files.export,
    "verify": data_files.verify,
}


def main(args: list[str]) -> int:
    """Run one of the verbs in VERBS."""
    if not args or args[0] in ("-h", "--help"):
        width = max(map(len, VERBS))
        print(
            USAGE.format(verbs="\n".join(f"  {name:<{width}}  {verb.__doc__}" for name, verb in VERBS.items())), end=""
        )
        return 0
    name, *rest = args
    if name not in VERBS:
        raise ConfigError(f"unknown verb 'data {name}'{did_you_mean(name, VERBS)} (verbs: {', '.join(VERBS)})")
    parser = Parser(prog=f"hepexp data {name}", description=VERBS[name].__doc__)
    if name != "inspect":
        parser.add_argument(
            "--config-dir", type=Path, action="append", default=[], help="a folder of your own configurations"
        )
    if name not in ("list", "inspect"):
        rest, keys = split_keys(rest)
        if name in ("show", "export"):
            flags, keys = as_flags(keys)
            rest += flags
        folders = config_dirs(rest)
        known, faults = survey(folders)
        chosen = next((word for word in rest if word in (describable(folders) if keys else known)), None)
        config = with_keys(chosen, keys, folders) if chosen and keys else None
        if chosen is None or (config is not None and "???" in config.values()):
            if fault := next((faults[word] for word in rest if word in faults), None):
                raise fault
            refuse_unnamed(rest, f"hepexp data {name}", folders)
        warn_of(faults)
        known = list(dict.fromkeys([*known, *([chosen] if chosen else [])]))
        parser.add_argument("name", metavar="NAME", choices=known, help=f"data set: {', '.join(known)}")
        parser.set_defaults(config=config)
    return VERBS[name](parser, rest) or 0

"""hepexp sync: runs of the local store on an MLflow server that was out of reach."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter

from hepexp.cli.parser import Parser
from hepexp.errors import HepexpError

DESCRIPTION = """\
Send runs to their MLflow server: parameters, metrics of every epoch, data set, artifacts, registered model, status.
What the server already has is not sent again.

  hepexp sync                                    every ended run that is not complete on its tracking.uri
  hepexp sync latest runs/hepexp/*pfn*           these runs again
  hepexp sync latest --uri http://host:5000      a run that was made without tracking.uri"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp sync", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="*", help="folders, MLflow run ids, models:/NAME@ALIAS, latest")
    parser.add_argument("--uri", help="the server, http://HOST:PORT; by default each run's tracking.uri")
    options = parser.parse_args(args)

    from hepexp.tracking import known_servers

    if options.uri:
        known_servers.remember(options.uri)

    from hepexp.tracking.sync import missing, named, send

    runs = [named(word, options.uri) for word in options.runs] if options.runs else missing()
    if not runs:
        print("nothing to send: every ended run with tracking.uri is complete on its server")
    failed = 0
    for run in runs:
        try:
            print(f"{run.name} is run {send(run)} on {run.uri}")
        except HepexpError as error:
            failed += 1
            print(f"hepexp: {run.name} was not sent: {error}", file=sys.stderr)
    if failed:
        raise HepexpError(f"{failed} of {len(runs)} runs were not sent; their records here are complete")
    return 0

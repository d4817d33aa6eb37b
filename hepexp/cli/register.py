"""hepexp register: the model of a finished run under a name in MLflow's registry."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter

from hepexp.cli.parser import Parser

DESCRIPTION = """\
Register the best epoch's model of a finished run as a new version of NAME. The alias `best` goes to the version with
the best validation metric. hepexp train ... tracking.register=NAME does the same at the end of a training.

  hepexp register latest quark_gluon

In Python, where hepexp is installed:
  mlflow.set_tracking_uri("sqlite:///runs/mlflow.db")
  mlflow.pyfunc.load_model("models:/quark_gluon@best").predict(table)   one row per jet, particles as lists"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp register", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest")
    parser.add_argument("name", metavar="NAME", help="letters, digits and . - _")
    options = parser.parse_args(args)

    from hepexp.learning.registration import register_run
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(options.run)
    version = register_run(folder, options.name)
    print(f"{folder.label} is version {version} of {options.name}: models:/{options.name}/{version}")
    return 0

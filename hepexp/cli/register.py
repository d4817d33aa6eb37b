"""hepexp register: the model of a finished run under a name in MLflow's registry."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter

from hepexp.cli.help import Parser
from hepexp.errors import ConfigError

DESCRIPTION = """\
Register the best epoch's model of a finished run as a new version of NAME. The alias `best` goes to the version with
the best validation metric. hepexp train ... tracking.register=NAME does the same at the end of a training.

  hepexp register latest quark_gluon

In Python, where hepexp is installed:
  mlflow.set_tracking_uri("sqlite:///runs/mlflow.db")
  mlflow.pyfunc.load_model("models:/quark_gluon@best").predict(table)   one row a jet, particles as lists"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp register", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, or latest")
    parser.add_argument("name", metavar="NAME", help="letters, digits and . - _")
    options = parser.parse_args(args)

    from hepexp.tracking import registry
    from hepexp.tracking.run_folder import RunFolder

    registry.check_name(options.name)
    folder = RunFolder.find(options.run)
    if not folder.metrics or (run_id := folder.mlflow_run_id) is None:
        raise ConfigError(f"{folder.label} did not come to its end; go on with: hepexp train --resume {folder.label}")

    from hepexp.learning import served
    from hepexp.learning.trained import rebuild
    from hepexp.tracking.mlflow_store import MlflowRun

    parts = rebuild(folder, folder.config, "best")
    served.refuse_unservable(parts, folder.config.trainer.max_epochs)
    version = served.register(options.name, folder, parts, MlflowRun.of(run_id, folder.path))
    print(f"{folder.label} is version {version} of {options.name}: models:/{options.name}/{version}")
    return 0

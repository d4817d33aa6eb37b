"""RESULTS.md from the records of runs and a benchmark: python -m hepexp.bench.results [--bench BENCH.json] RUN ...

No figure is typed: every row comes from a run's metrics.json and names the command in its overrides.yaml.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hepexp.evaluation.rounding import with_error
from hepexp.tracking.run_folder import RunFolder

METRICS = {
    "AUC": "test/auc",
    "accuracy": "test/accuracy",
    "1/eB at eS=0.5": "test/rejection_0.5",
    "1/eB at eS=0.3": "test/rejection_0.3",
}


def runs_table(folders: list[RunFolder]) -> str:
    """A Markdown table, one row a run."""
    header = ["command", *METRICS, "parameters", "epochs", "data", "hardware"]
    lines = [header, ["---"] * len(header)] + [_row(folder) for folder in folders]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(folder: RunFolder) -> list[str]:
    metrics, environment = folder.metrics, folder.environment
    overrides = [str(override) for override in OmegaConf.load(folder.path / "overrides.yaml")]
    figures = [with_error(metrics[key], metrics[f"{key}_err"]) for key in METRICS.values()]
    return [
        f"`hepexp train {shlex.join(overrides)}`",
        *figures,
        f"{metrics['model/parameters']:,}",
        str(metrics["train/epochs"]),
        metrics["data/source"],
        _hardware(environment["hardware"]),
    ]


def _hardware(hardware: dict[str, Any]) -> str:
    return ", ".join([f"{hardware['cores']} cores", *[gpu["name"] for gpu in hardware["gpus"]]])


def bench_table(rows: list[dict]) -> str:
    """A Markdown table of `hepexp bench --json`."""
    lines = [["case", "implementation", "per second", "waiting at most"], ["---"] * 4]
    for row in rows:
        waiting = f"{row['waiting']:.1%}" if "waiting" in row else ""
        lines.append([row["case"], row["implementation"], f"{row['per_second']:.3g}", waiting])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--bench", type=Path, help="output of `hepexp bench --json`")
    parser.add_argument("--out", type=Path, default=Path("RESULTS.md"))
    options = parser.parse_args()
    text = (
        "# Results\n\nMade by `python -m hepexp.bench.results` from the records of these runs. Errors are bootstrap\n"
    )
    text += "errors over the test jets of one training; the spread between seeds is not in them.\n\n"
    text += runs_table([RunFolder.find(run) for run in options.runs]) + "\n"
    if options.bench:
        rows = json.loads(options.bench.read_text())
        cases = " ".join(dict.fromkeys(row["case"].split()[0] for row in rows))
        text += f"\n## Speed: `hepexp bench {cases} --json`\n\n{bench_table(rows)}\n"
    options.out.write_text(text)


if __name__ == "__main__":
    main()

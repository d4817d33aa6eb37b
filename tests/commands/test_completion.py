"""Completion, through the functions that the shells themselves call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hepexp.cli.completion import SCRIPTS

LINES = [
    ("hepexp tr", ["train"]),
    ("hepexp evaluate la", ["latest"]),
    ("hepexp list mo", ["model"]),
    ("hepexp show optimizer=s", ["optimizer=sgd"]),
    ("hepexp list met", ["metric"]),
    ("hepexp show metric=test/knn_a", ["metric=test/knn_accuracy", "metric=test/knn_auc"]),
    ("hepexp completion z", ["zsh"]),
    ("hepexp doctor --j", ["--json"]),
    ("hepexp data down", ["download"]),
    ("hepexp data download qg", ["qg", "qg_images"]),
    ("hepexp data insp", ["inspect"]),
    ("hepexp data inspect --wr", ["--write"]),
    ("hepexp data export --ov", ["--overwrite"]),
    ("hepexp data convert files data.edge", ["data.edges=", "data.edge_targets="]),
    ("hepexp bench lor", ["lorentznet"]),
    ("hepexp train --resu", ["--resume"]),
    ("hepexp train --resume l", ["latest"]),
    ("hepexp train optim", ["optimizer=", "optimizer."]),
    ("hepexp train optimizer=", ["optimizer=adam", "optimizer=adamw", "optimizer=sgd"]),
    ("hepexp train optimizer=adamw,s", ["optimizer=adamw,sgd"]),
    ("hepexp train optimizer.mo", []),
    ("hepexp train optimizer=sgd optimizer.mo", ["optimizer.momentum="]),
    ("hepexp train task=qmlhep_2_particlenet optimizer.mo", ["optimizer.momentum="]),
    (
        "hepexp train optimizer.schedule=warm",
        ["optimizer.schedule=warmup_cosine", "optimizer.schedule=warmup_restarts"],
    ),
    ("hepexp train data=qg", ["data=qg", "data=qg_images"]),
    ("hepexp train data.n_tr", ["data.n_train="]),
    ("hepexp train +model=pfn +model.phi", ["+model.phi_sizes="]),
    ("hepexp train model=nothing model.n", []),
    ("hepexp train see", ["seed="]),
    ("hepexp train evaluation.metrics=[cl", ["evaluation.metrics=[class_auc]", "evaluation.metrics=[class_rejection]"]),
    ("hepexp show metric=test/auc_", ["metric=test/auc_{class}", "metric=test/auc_ovo"]),
    ("hepexp compare la", ["latest"]),
    ("hepexp report la", ["latest"]),
    ("hepexp train swe", []),
    ("hepexp sweep swe", ["sweep=", "sweep."]),
    ("hepexp sweep sweep=", ["sweep=default", "sweep=learning_rate"]),
    ("hepexp sweep sweep=learning_rate sweep.sp", ["sweep.space."]),
    ("hepexp sweep sweep.sampler=c", ["sweep.sampler=cmaes"]),
    ("hepexp sweep 'sweep.space.optimizer.w", ["sweep.space.optimizer.weight_decay="]),
    ("hepexp sweep model=pfn sweep.space.data.n_tr", ["sweep.space.data.n_train="]),
    ("hepexp sweep sweep.space.optimizer.lr=l", ["sweep.space.optimizer.lr=log(", "sweep.space.optimizer.lr=log-int("]),
    ("hepexp sweep --res", ["--resume"]),
    ("hepexp sweep model=pf", ["model=pfn"]),
    ("hepexp train circ", []),  # of a model
    ("hepexp train model=hybrid_cnn model.circuit=br", ["model.circuit=brick"]),
    ("hepexp show circuit=br", ["circuit=brick"]),
    ("hepexp train stu", []),
    ("hepexp study top_t", ["top_table"]),
    ("hepexp study top_table --dr", ["--dry-run"]),
    ("hepexp study top_table data=qg", ["data=qg", "data=qg_images"]),
    ("hepexp study top_table see", ["seeds=", "seed="]),
    ("hepexp show study=eq", ["study=equivariance_study", "study=equivariance_study_cpu"]),
    ("hepexp nothing ", []),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the command `hepexp` on its path."""
    command = tmp_path / "bin" / "hepexp"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hepexp "$@"\n')
    command.chmod(0o755)
    for shell, script in SCRIPTS.items():
        (tmp_path / f"hepexp.{shell}").write_text(script)
    return tmp_path


def run(folder: Path, *command: str) -> str:
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line for line, _ in LINES])
def test_candidates(line, expected, capsys):
    from hepexp.cli.main import main

    assert main(["__complete", line]) == 0
    assert capsys.readouterr().out.split() == expected


def test_whatever_goes_wrong_is_silent(monkeypatch, capsys):
    from hepexp.cli import complete, main

    def broken(*_):
        raise PermissionError("runs")

    monkeypatch.setattr(complete, "candidates", broken)
    monkeypatch.setattr(main, "failure", lambda descriptor: "No space left on device")
    assert main.main(["__complete", "hepexp evaluate la"]) == 0
    assert capsys.readouterr() == ("", "")


def test_runs_are_completed_newest_first(tmp_path, monkeypatch, capsys):
    from hepexp.cli.main import main

    for name in ("2026-01-01_00-00-00_a", "2026-01-02_00-00-00_b"):
        (tmp_path / "runs" / "hepexp" / name).mkdir(parents=True)
        (tmp_path / "runs" / "hepexp" / name / "config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["__complete", "hepexp evaluate runs/hepexp/2026-01-0"]) == 0
    assert capsys.readouterr().out.split() == [
        "runs/hepexp/2026-01-02_00-00-00_b", "runs/hepexp/2026-01-01_00-00-00_a"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hepexp tr", ["train"]),
        ("hepexp train optimizer=s", ["sgd"]),  # bash has cut the word at =
        ("hepexp train -m optimizer=adamw,s", ["adamw,sgd"]),
        ("hepexp train optimizer=sgd optimizer.mo", ["optimizer.momentum="]),
        ("hepexp sweep 'sweep.space.optimizer.w", ["sweep.space.optimizer.weight_decay="]),
    ],
)
def test_bash(folder, line, expected):
    state = f'COMP_LINE="{line} rest"; COMP_POINT={len(line)}'
    script = f'source hepexp.bash; {state}; _hepexp; printf "%s\\n" "${{COMPREPLY[@]}}"'
    assert run(folder, "bash", "--norc", "-c", script).split() == expected


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
def test_fish(folder):
    script = "source hepexp.fish; complete -C 'hepexp train optimizer=s'"
    assert run(folder, "fish", "--no-config", "-c", script).split() == ["optimizer=sgd"]


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh(folder):
    # compadd and compdef exist only in the line editor; what they are given is the completion.
    script = """
        compdef() { : }; compadd() { shift ${@[(i)--]}; print -l -- $@ }; _files() { : }
        source hepexp.zsh; BUFFER='hepexp train optimizer=s'; CURSOR=$#BUFFER; _hepexp
    """
    assert run(folder, "zsh", "-f", "-c", script).split() == ["optimizer=sgd"]

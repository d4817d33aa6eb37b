"""The built wheel works outside the repository: the configurations and the sample travel in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the unpacked wheel, and nothing of the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    made = subprocess.run(build, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*install, str(folder / "site"), str(wheel)], check=True)
    return folder


CODE = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import hepexp.cli.main as front
print(front.__file__)
sys.exit(front.main())
"""


def run(folder, *words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HEPEXP_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-P", "-c", CODE, str(folder / "site"), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_lists_what_it_ships(installed):
    result = run(installed, "list")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(installed / "site"))
    assert "lorentznet" in result.stdout


def test_trains_on_the_sample_it_ships(installed):
    words = (
        "model=pfn",
        "data=qg",
        "trainer=quick",
        "trainer.max_epochs=1",
        "dataset.n_train=256",
        "dataset.n_test=100",
    )
    result = run(installed, "train", *words)
    assert result.returncode == 0, result.stderr
    assert (installed / "runs" / "latest" / "metrics.json").exists()

"""The same seed gives the same jets: on any number of processes, in any pieces, after any interruption."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.qg.info import INFO
from hepexp.data.datasets.qg.info import LAYOUT as QG_LAYOUT
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.data.physics.kinematics import sums
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.data.transforms.four_momenta import PdgParticles
from hepexp.errors import ConfigError, HepexpError
from hepexp.simulation import process_pool
from hepexp.simulation import simulate as simulation
from hepexp.simulation.block import block_seed, round_to_bits
from hepexp.simulation.simulate import simulate, write_sample
from tests.data.conftest import assert_same

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from hepexp.data.datasets.qg.generate import CLASSES, make_block

N, SEED, SIZE = 16, 5, 4  # jets, seed, jets a block: two blocks of each class


def read(path: Path) -> Ragged:
    store = Store.open(QG_LAYOUT, path)
    return store.take(np.arange(len(store)))


def jet_momenta(jets: Ragged) -> np.ndarray:
    return sums(PdgParticles(True, "pid").momenta(jets), jets)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as one process makes it."""
    out = tmp_path_factory.mktemp("generate") / "jets.arrow"
    write_sample(INFO, N, SEED, 1, out, block_size=SIZE)
    return out


def test_two_processes_make_the_same_file(reference: Path, tmp_path: Path):
    reports = []
    write_sample(INFO, N, SEED, 2, tmp_path / "b.arrow", lambda *report: reports.append(report), SIZE)
    assert (tmp_path / "b.arrow").read_bytes() == reference.read_bytes()
    assert sum(jets for jets, kept in reports if not kept) == N
    assert not (tmp_path / "b.arrow.parts").exists()


def test_jets_are_in_the_window_and_half_of_each_class(reference: Path):
    jets = read(reference)
    e, px, py, pz = jet_momenta(jets).T
    assert np.bincount(jets.label).tolist() == [N // 2, N // 2]
    assert ((np.hypot(px, py) > 499.99) & (np.hypot(px, py) < 550.01)).all()
    assert (abs(np.arctanh(pz / e)) < 1.701).all()


def test_a_block_does_not_depend_on_how_many_jets_are_taken_of_it():
    assert_same(make_block("quark", SEED, 0, 5).take(slice(3)), make_block("quark", SEED, 0, 3))


def test_a_killed_simulation_resumes_from_its_finished_blocks(reference: Path, tmp_path: Path):
    out = tmp_path / "c.arrow"
    code = (
        "from pathlib import Path; from hepexp.simulation.simulate import write_sample; "
        "from hepexp.data.datasets.qg.info import INFO\n"
        f"if __name__ == '__main__': write_sample(INFO, {N}, {SEED}, 2, Path({str(out)!r}), block_size={SIZE})"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, str(script)])
    parts = tmp_path / "c.arrow.parts"
    deadline = time.monotonic() + 120
    while not list(parts.glob("[!.]*.arrow")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.5)  # its workers see that it is gone, and end
    finished = {path: path.stat().st_mtime_ns for path in parts.glob("[!.]*.arrow")}
    assert 1 <= len(finished) < 4
    assert not out.exists()
    first = []
    write_sample(INFO, N, SEED, 1, out, lambda jets, was_kept: first.append((jets, was_kept)), SIZE)
    assert first[0] == (SIZE * len(finished), True)
    assert out.read_bytes() == reference.read_bytes()


def test_a_run_killed_while_it_joined_the_blocks_leaves_nothing_behind(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "jets[1].arrow"

    def killed(path: Path, *rest: object) -> None:
        path.with_name(f".{path.stem}.4711.part{path.suffix}").write_bytes(b"half a file")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(simulation.arrow_file, "write", killed)
        patch.setattr(simulation, "make_blocks", lambda *rest: None)
        with pytest.raises(KeyboardInterrupt):
            write_sample(INFO, N, SEED, 1, out, block_size=SIZE)
    assert not out.exists()
    write_sample(INFO, N, SEED, 1, out, block_size=SIZE)
    assert out.read_bytes() == reference.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_process_that_dies_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process_pool, "_make", _die)
    with pytest.raises(HepexpError, match="a simulation process died"):
        write_sample(INFO, 4, SEED, 1, tmp_path / "d.arrow")


def _die(block, layout, parts) -> None:
    os._exit(9)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, INFO.generator)
    monkeypatch.setitem(sys.modules, "fastjet", None)
    with pytest.raises(ConfigError, match=r"fastjet is not installed; pip install 'hepexp\[generate\]'"):
        simulation.generator(INFO)


@pytest.mark.parametrize(("n", "seed", "jobs"), [(1, 1, 1), (10, -1, 1), (10, 1, 0)])
def test_values_out_of_range(tmp_path: Path, n: int, seed: int, jobs: int):
    with pytest.raises(ConfigError, match="must be >="):
        simulate(INFO, n, seed, jobs, lambda *report: None, tmp_path / "e.arrow")


def test_a_file_of_another_sample_is_not_taken_for_this_one(reference: Path):
    assert simulate(INFO, N, SEED, 1, lambda *report: None, reference) == reference
    with pytest.raises(ConfigError, match="contains another sample"):
        simulate(INFO, N, SEED + 1, 1, lambda *report: None, reference)


def test_nor_is_one_of_other_settings(reference: Path, monkeypatch: pytest.MonkeyPatch):
    module = simulation.generator(INFO)
    now = {kind: module.settings(kind) for kind in CLASSES}
    changed = [*now[CLASSES[1]][:-1], "jets = anti-kT, R = 0.3"]
    monkeypatch.setattr(module, "settings", lambda kind: changed if kind == CLASSES[1] else now[kind])
    with pytest.raises(ConfigError, match=r"other settings than those of this version \(.* where this has .*R = 0.3\)"):
        simulate(INFO, N, SEED, 1, lambda *report: None, reference)


def test_a_training_refuses_it_too_and_takes_what_nothing_is_known_of(reference: Path, monkeypatch: pytest.MonkeyPatch):
    data = QuarkGluon(source="generate", n_generate=N, generate_seed=SEED, seed=1)
    monkeypatch.setattr(type(INFO), "generated_path", lambda *rest: reference)
    data.prepare_data()
    monkeypatch.setattr(simulation.generator(INFO), "settings", lambda kind: ["jets = none"])
    with pytest.raises(ConfigError, match=r"other settings than .* \(.* where this has jets = none\)"):
        data.prepare_data()
    monkeypatch.setitem(sys.modules, INFO.generator, None)  # as where Pythia is not installed
    data.prepare_data()


def test_blocks_of_other_settings_are_made_anew(tmp_path: Path, reference: Path):
    """As an interrupted simulation of another version of hepexp has left them."""
    out, parts = tmp_path / "f.arrow", tmp_path / "f.arrow.parts"
    parts.mkdir()
    old, new = (block for block in simulation.plan(INFO.generator, CLASSES, N, SEED, SIZE) if block.number == 0)
    about = {"settings": {old.kind: ["jets = none"]}}
    arrow_file.write(parts / old.file_name, QG_LAYOUT, [make_block(old.kind, SEED + 1, 0, SIZE)], about)
    new.save(parts, QG_LAYOUT)
    reports: list[tuple[int, bool]] = []
    write_sample(INFO, N, SEED, 1, out, lambda *report: reports.append(report), SIZE)
    assert reports[0] == (SIZE, True)
    assert out.read_bytes() == reference.read_bytes()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, ""),
        ({}, ""),
        ({"a": ["x = 1", "y = 2"], "b": ["x = 1"]}, ""),
        ({"a": ["y = 2", "x = 1"]}, "None where this has x = 1"),
        ({"a": ["x = 1", "y = 3"], "b": ["x = 1"]}, "y = 3 where this has y = 2"),
        ({"a": ["x = 1"], "b": ["x = 1"]}, "nothing where this has y = 2"),
        ({"a": [1, None, ["x"]], "b": 5}, "1 where this has x = 1"),
        ({"a": 5}, "5 where this has x = 1"),
        ([1], "1 where this has x = 1"),
        ("x" * 10_000, f"{'x' * 200} where this has x = 1"),
        (7.5, "7.5 where this has x = 1"),
    ],
)
def test_settings_in_a_file_may_be_anything(made: object, said: str):
    now = {"a": ["x = 1", "y = 2"], "b": ["x = 1"]}
    assert simulation._of_other_settings(made, now) == said


@pytest.mark.parametrize("value", [5, None, "quark", [["quark"]], {"quark": 1}])
def test_classes_in_a_file_may_be_anything(value: object, tmp_path: Path):
    path = tmp_path / "a.arrow"
    arrow_file.write(path, QG_LAYOUT, [make_block("quark", SEED, 0, 2)], {"n": N, "seed": SEED, "classes": value})
    with pytest.raises(ConfigError, match="contains another sample"):
        simulate(INFO, N, SEED, 1, lambda *report: None, path)


def test_no_two_blocks_share_a_seed():
    seeds = {block_seed(seed, label, block, 2) for seed in (0, 1, 2) for label in (0, 1) for block in range(2000)}
    assert len(seeds) == 12_000
    assert min(seeds) >= 1
    assert max(seeds) <= 900_000_000


def test_rounding_keeps_sixteen_bits():
    values = np.random.default_rng(0).lognormal(2, 2, 1000)
    assert abs(round_to_bits(values, 16) / values - 1).max() <= 2.0**-16
    assert (round_to_bits(np.array([1.0, 0.75, 500.0]), 16) == [1.0, 0.75, 500.0]).all()


def test_quarks_are_light_and_the_generator_s_settings_are_recorded(reference: Path):
    about = arrow_file.read(reference, QG_LAYOUT).metadata
    assert about["command"] == f"hepexp data generate qg --n {N} --seed {SEED}"
    assert set(about["settings"]) == set(CLASSES)
    assert "WeakBosonAndParton:qg2gmZq = on" in about["settings"]["quark"]
    assert set(about["versions"]) == {"numpy", "pythia8mc", "fastjet", "awkward"}


@pytest.mark.slow
def test_the_shipped_sample_is_what_its_command_makes():
    """The first gluon jets of its first block, among the shuffled rows; the last bits depend on the machine's libm."""
    mini = read(INFO.mini)
    momenta = jet_momenta(mini)
    for momentum in jet_momenta(make_block("gluon", 1, 0, 10)):
        assert np.isclose(momenta, momentum, rtol=1e-6, atol=1e-3).all(1).sum() == 1

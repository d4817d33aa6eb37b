"""Events of hits by Pythia and ACTS: keys, resolutions, determinism, and what is said without ACTS."""

from pathlib import Path

import numpy as np
import pytest

from hepexp.cli.main import main
from hepexp.data.datasets.trackml.generate import FOUND, NOISE, S_ALONG, S_PHI
from hepexp.data.datasets.trackml.info import INFO, simulated_by
from hepexp.data.datasets.trackml.module import TrackML
from hepexp.data.find import known_info
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError
from hepexp.simulation import generic_detector
from hepexp.simulation.pixel_layers import PIXEL_LAYERS
from hepexp.simulation.simulate import simulate, write_sample


@pytest.mark.parametrize(
    ("simulator", "pileup", "message"),
    [
        ("geant4", None, r"dataset.simulator must be one of helices, acts, got 'geant4'"),
        ("helices", 20, r"dataset.pileup is for dataset.simulator=acts; must be null with helices, got 20"),
        ("acts", -1, r"dataset.pileup must be null, or a whole number from 0 to 1,000, got -1"),
        ("acts", 2.5, r"dataset.pileup must be null, or a whole number from 0 to 1,000, got 2.5"),
    ],
)
def test_keys_that_mean_nothing_are_one_line(simulator: str, pileup, message: str):
    with pytest.raises(ConfigError, match=message):
        simulated_by(simulator, pileup)


def test_samples_of_other_simulators_are_other_files():
    acts, crowded = simulated_by("acts", None), simulated_by("acts", 200)
    paths = {info.generated_path(10, 1) for info in (INFO, acts, crowded)}
    assert len(paths) == 3
    assert all(INFO.generated_with(path) == (10, 1) for path in paths)
    command = "hepexp data generate trackml --n 10 --seed 1 data.simulator=acts data.pileup=20"
    assert acts.generate_command(10, 1) == command
    assert TrackML(source="generate", simulator="acts", pileup=3, seed=0).info.options == {"pileup": 3}


def test_who_names_a_simulator_has_its_events_and_not_the_sample():
    assert TrackML(simulator="acts", seed=0).source == "generate"
    assert TrackML(simulator="helices", seed=0).source == "mini"
    assert TrackML(simulator="acts", source="full", seed=0).source == "full"
    with pytest.raises(ConfigError, match=r"dataset.source=mini has no events of dataset.simulator=acts; expected gen"):
        TrackML(simulator="acts", source="mini", seed=0)


def test_the_sample_stands_in_for_the_events_of_a_simulator():
    """As `hepexp predict` opens it, where the events of the training are not."""
    keys = TrackML(simulator="acts", pileup=3, seed=0).sample_keys()
    data = TrackML(**{"simulator": "acts", "pileup": 3, **keys}, seed=0)
    assert (data.source, data.info) == ("mini", INFO)


def test_a_configuration_of_ones_own_chooses_the_simulator_for_all_verbs(tmp_path: Path):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("# Mine.\ndefaults: [trackml]\nsimulator: acts\npileup: 7\n")
    assert known_info("mine", [tmp_path]).variant == {"simulator": "acts", "pileup": 7}
    assert known_info("trackml", [tmp_path]) is INFO
    (tmp_path / "dataset" / "mine.yaml").write_text("# Mine.\ndefaults: [trackml]\nsimulator: acts\npileup: -7\n")
    with pytest.raises(ConfigError, match=r"mine.yaml: dataset.pileup must be null, or a whole number .*, got -7"):
        known_info("mine", [tmp_path])


def test_where_acts_cannot_be_installed_it_is_not_advised(monkeypatch):
    monkeypatch.setattr(generic_detector, "find_spec", lambda name: None)
    monkeypatch.setattr(generic_detector.sys, "platform", "darwin")
    with pytest.raises(ConfigError, match=r"pyacts is .* for Linux only, which this is not \(darwin"):
        generic_detector.require()


def test_what_is_missing_is_said_with_its_extra(monkeypatch, capsys, tmp_path: Path):
    pytest.importorskip("pythia8mc")
    monkeypatch.setattr(generic_detector, "find_spec", lambda name: None)
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(tmp_path))
    assert main(["data", "generate", "trackml", "--n", "4", "data.simulator=acts"]) == 2
    assert "pyacts is not installed; pip install 'hepexp[acts]'" in capsys.readouterr().err
    assert main(["data", "show", "trackml", "data.source=generate", "data.simulator=acts", "--no-pictures"]) == 1
    assert "hepexp data generate trackml --n 500 --seed 1 data.simulator=acts data.pileup=20" in capsys.readouterr().err


def test_no_event_lacks_its_top_pair_where_pythia_gives_one_up():
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.trackml.generate_acts import collisions

    class GivesUp:
        """Each second of its batches is short of a collision."""

        calls = 0

        def nextBatch(self, n: int) -> list[int]:
            self.calls += 1
            return [n] * (n - self.calls % 2)

    assert collisions(GivesUp(), 1) == [[1]]
    assert [len(batch) for batch in collisions(GivesUp(), 7)] == [6, 1]
    assert collisions(GivesUp(), 0) == []


def test_hits_are_smeared_in_the_plane_of_their_module():
    pytest.importorskip("acts")
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.trackml.generate_acts import observe

    modules, random = generic_detector.generic_detector(PIXEL_LAYERS).modules, np.random.default_rng(1)
    module, n = random.integers(0, 4004, 20_000), 20_000
    momentum = random.normal(size=(n, 3))
    hits = generic_detector.Hits(module, np.arange(n), modules.centre[module], momentum)
    event = observe(hits, modules, random)
    real = event["pt"] > 0
    assert abs(real.sum() / n - FOUND) < 4 * np.sqrt(FOUND * (1 - FOUND) / n)
    assert abs((~real).mean() - NOISE) < 0.006
    of = dict(zip(_pt_and_eta(momentum), module, strict=True))  # the module of each hit
    own = np.array([of[pair] for pair in zip(event["pt"][real].tolist(), event["eta"][real].tolist(), strict=True)])
    place = np.stack([event[name][real].astype(float) for name in "xyz"], axis=1)
    residual = modules.local(own, place)
    np.testing.assert_allclose(residual[:, :2].std(0), [S_PHI, S_ALONG], rtol=0.03)
    assert abs(residual[:, :2].mean(0)).max() < 5e-4
    assert abs(residual[:, 2]).max() < 1e-3  # mm; places are rounded


def _pt_and_eta(momentum):
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    pairs = np.stack([pt, np.arcsinh(momentum[:, 2] / pt)], axis=1).astype(np.float32)
    return map(tuple, pairs.tolist())


def test_the_sample_is_the_same_whatever_the_number_of_processes(tmp_path: Path):
    pytest.importorskip("acts")
    pytest.importorskip("pythia8mc")
    info = simulated_by("acts", 0)
    made = []
    for jobs in (1, 2):
        path = tmp_path / f"{jobs}.arrow"
        write_sample(info, 4, 7, jobs, path, block_size=2)
        contents = arrow_file.read(path, info.layout)
        made.append(INFO.check(Ragged.concatenate(contents.chunks), "simulation", 0))
    for name in INFO.layout.elements:
        np.testing.assert_array_equal(made[0][name], made[1][name])
    assert len(made[0]) == 4
    assert len(set(made[0].counts)) > 1
    assert contents.metadata["command"].endswith("data.simulator=acts data.pileup=0")
    assert set(contents.metadata["versions"]) == {"numpy", "pyacts", "pythia8mc", "awkward"}
    assert any("GenericDetector" in line for line in contents.metadata["settings"]["event"])
    with pytest.raises(ConfigError, match="contains another sample"):
        simulate(simulated_by("acts", 5), 4, 7, 1, lambda made, kept: None, tmp_path / "1.arrow")

"""Hits of tracks: TrackML's files and damaged ones, helices by closed forms, and edges by brute force."""

import gzip
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hepexp.cli.main import main
from hepexp.data.datasets.trackml import generate
from hepexp.data.datasets.trackml.graph import LAYER_PAIRS, HitGraph, edges_of_event
from hepexp.data.datasets.trackml.info import INFO
from hepexp.data.datasets.trackml.layout import N_BARREL
from hepexp.data.datasets.trackml.module import TrackML
from hepexp.data.datasets.trackml.reader import read
from hepexp.data.datasets.trackml.windows import BandedLayer
from hepexp.errors import ConfigError, DataError

HITS = """hit_id,x,y,z,volume_id,layer_id,module_id
1,30,0,10,8,2,1
2,70,1,25,8,4,1
3,0,-50,600,9,2,3
4,0,40,-600,7,14,3
5,300,0,0,13,2,1
"""
TRUTH = """hit_id,particle_id,tx,ty,tz,tpx,tpy,tpz,weight
5,9007199254740993,0,0,0,0,0,0,0
4,0,0,0,0,0,0,0,0
3,4503599627370497,0,0,0,0,0,0,0
2,9007199254740993,0,0,0,0,0,0,0
1,9007199254740993,0,0,0,0,0,0,0
"""
PARTICLES = """particle_id,particle_type,vx,vy,vz,px,py,pz,q,nhits
9007199254740993,211,0,0,0,3,4,0,1,3
4503599627370497,211,0,0,0,0,1,2,1,1
"""


def write(folder: Path, event: int = 1000, packed: bool = False, **texts: str | None) -> Path:
    for kind, text in {"hits": HITS, "truth": TRUTH, "particles": PARTICLES, **texts}.items():
        path = folder / f"event{event:09d}-{kind}.csv{'.gz' if packed else ''}"
        if text is not None:
            path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return folder / f"event{event:09d}-hits.csv{'.gz' if packed else ''}"


def test_all_events_of_a_folder_are_read(tmp_path: Path):
    write(tmp_path, 1001, packed=True)
    one, two = read(write(tmp_path))
    for event in (one, two):
        assert event["layer"].tolist() == [0, 1, 11, 4]  # the fifth is in no pixel layer
        assert event["particle"].tolist() == [1, 1, 0, 2]  # 64 bits are told apart, and noise is alone
        np.testing.assert_allclose(event["pt"], [5, 5, 1, 0])
        np.testing.assert_allclose(event["eta"], [0, 0, np.arcsinh(2), 0], rtol=1e-6)


def test_hits_without_truth_can_only_be_predicted(tmp_path: Path):
    path = write(tmp_path, truth=None)
    with pytest.raises(DataError, match=r"no truth of these hits; expected event000001000-truth.csv beside it"):
        list(read(path))
    (event,) = read(path, needs_label=False)
    assert (event["particle"] == -1).all()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"hits": HITS.replace("layer_id", "layer")}, r"column layer_id missing"),
        ({"truth": TRUTH.replace("particle_id", "particle")}, r"truth.csv: column particle_id missing"),
        ({"hits": HITS.replace("30,0,10", "abc,0,10")}, r"column x holds what is no number"),
        ({"truth": TRUTH.rsplit("\n", 2)[0] + "\n"}, r"truth.csv: no hit_id 1; expected a row for each"),
        ({"particles": PARTICLES.rsplit("\n", 2)[0] + "\n"}, r"particles.csv: no particle_id 4503599627370497"),
        ({"hits": HITS.replace(",8,", ",13,").replace(",7,", ",13,").replace(",9,", ",13,")}, r"no hits in the pixel"),
        ({"hits": HITS.replace("30,0,10", "1e9,0,10")}, r"has a hit with x = 1e\+09; expected -20000 to 20000 mm"),
    ],
)
def test_what_is_no_event_is_one_line(tmp_path: Path, texts: dict, message: str):
    with pytest.raises(DataError, match=message):
        list(read(write(tmp_path, **texts)))


def test_a_single_event_tests_networks_and_trains_none(tmp_path: Path, monkeypatch, capsys):
    for name, folder in (("HEPEXP_DATA_DIR", "data"), ("HEPEXP_RUNS_DIR", "runs")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "data" / "trackml").mkdir(parents=True)
    write(tmp_path / "data" / "trackml", 1, packed=True)
    assert main(["train", "task=track_in", "data.source=full"]) == 1
    said = capsys.readouterr().err
    assert "dataset=trackml: training and test of source full share 1 of 1 events; train with another" in said
    assert not (tmp_path / "runs" / "hepexp").exists()


def test_another_name_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"not named as TrackML's hits; expected a name such as"):
        list(read(tmp_path / "a.csv"))


def test_hits_of_a_helix_are_on_its_circle_and_advance_along_the_beam_with_the_arc():
    pt, eta = np.array([0.7, 2.0]), np.array([0.4, 2.2])
    r, phi, z, path = generate.crossings(pt, eta, np.array([0.3, -2.0]), np.array([1.0, -1.0]), np.array([5.0, -30.0]))
    radius = pt / (0.3 * generate.FIELD) * 1000  # mm
    for i, (start, charge, z0) in enumerate([(0.3, 1, 5.0), (-2.0, -1, -30.0)]):
        there = np.isfinite(r[i])
        assert there.sum() >= 4
        x, y = r[i, there] * np.cos(phi[i, there]), r[i, there] * np.sin(phi[i, there])
        centre = radius[i] * np.array([np.sin(start), -np.cos(start)]) * charge  # to the right of a positive particle
        np.testing.assert_allclose(np.hypot(x - centre[0], y - centre[1]), radius[i])
        arc = 2 * radius[i] * np.arcsin(r[i, there] / (2 * radius[i]))
        np.testing.assert_allclose(z[i, there], z0 + arc * np.sinh(eta[i]))
        np.testing.assert_allclose(path[i, there], arc * np.cosh(eta[i]))


def test_the_simulation_is_the_same_for_the_same_seed_and_passes_the_check():
    one, two = (INFO.check(generate.make_block("event", 3, 0, 2), "simulation", 0) for _ in range(2))
    for name in INFO.layout.elements:
        np.testing.assert_array_equal(one[name], two[name])
    assert 0.03 < (one["pt"] == 0).mean() < 0.07


def brute_force(r, phi, z, layer, dphi_dr: float, z0: float) -> set[tuple[int, int]]:
    found = set()
    for i, j in product(range(len(r)), repeat=2):
        if (layer[i], layer[j]) not in LAYER_PAIRS or r[i] == r[j]:
            continue
        dphi = abs((phi[j] - phi[i] + np.pi) % (2 * np.pi) - np.pi)
        per_r = (z[j] - z[i]) / (r[j] - r[i])
        if dphi >= dphi_dr * abs(r[j] - r[i]) or abs(z[i] - r[i] * per_r) >= z0:
            continue
        if layer[i] + 1 < N_BARREL <= layer[j] and (layer == layer[i] + 1).any():
            barrel = r[layer == layer[i] + 1].mean()
            if barrel < r[j] and abs(z[i] + (barrel - r[i]) * per_r) < generate.HALF_LENGTH:
                continue
        found.add((i, j))
    return found


@pytest.mark.parametrize(("dphi_dr", "z0"), [(0.0006, 200.0), (0.006, 275.0), (0.1, 1000.0)])
def test_edges_are_those_of_all_pairs(dphi_dr: float, z0: float):
    event = generate.make_block("event", 1, 0, 1)
    some = np.random.default_rng(0).permutation(event.counts[0])[:350]
    x, y, z = (event[name][some].astype(np.float64) for name in "xyz")
    hits = np.hypot(x, y), np.arctan2(y, x), z, event["layer"][some]
    edges = edges_of_event(*hits, dphi_dr, z0)
    assert len(set(map(tuple, edges.T.tolist()))) == edges.shape[1] > 20
    assert set(map(tuple, edges.T.tolist())) == brute_force(*hits, dphi_dr, z0)


def test_candidates_are_few_beside_all_pairs():
    event = generate.event(np.random.default_rng(1), 2000)
    x, y, z = (event[name].astype(np.float64) for name in "xyz")
    r, phi = np.hypot(x, y), np.arctan2(y, x)
    inner, outer = (np.flatnonzero(event["layer"] == layer) for layer in (2, 3))
    layer = BandedLayer.of(3, outer, r[outer], phi[outer], z[outer])
    place, n = layer.near(r[inner], phi[inner], z[inner], 0.0006, 200.0)
    edges = edges_of_event(r, phi, z, event["layer"], 0.0006, 200.0)
    between = np.isin(edges[0], inner) & np.isin(edges[1], outer)
    found = set(zip(np.repeat(inner, n).tolist(), layer.hit[place].tolist(), strict=True))
    assert set(map(tuple, edges[:, between].T.tolist())) <= found
    assert len(found) == len(place) < 3 * between.sum() < 0.03 * len(inner) * len(outer)


def test_a_cut_by_truth_leaves_hits_of_high_pt():
    events = generate.make_block("event", 1, 0, 1)
    honest, cut = HitGraph().encode(events), HitGraph(pt_min=1.5).encode(events)
    assert cut.counts[0] == (events["pt"] > 1.5).sum() < honest.counts[0]


def test_an_event_without_edges_and_limits_of_nothing_are_one_line():
    events = generate.make_block("event", 1, 0, 1)
    with pytest.raises(DataError, match=r"has no edges; expected at least one: loosen dataset.graph.dphi_dr"):
        HitGraph(pt_min=5000).encode(events)
    with pytest.raises(ConfigError, match=r"dataset.graph.z0 must be > 0 and < 1e6, got 0"):
        HitGraph(z0=0)


def test_the_sample_gives_a_model_its_shape():
    TrackML(**TrackML(source="mini", seed=0).sample_keys(), seed=0).setup()

"""Every data set, in every representation that it has: what a batch holds, and that no way of making it changes it."""

import ast
import inspect
import itertools
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.batch import Batch
from hepexp.config import schema
from hepexp.data.datasets.electron_photon.module import ElectronPhoton
from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.mnist.module import Mnist
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.data.datasets.qg_images.module import QuarkGluonImages
from hepexp.data.datasets.rotated_points.module import RotatedPoints
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.formats.open_file import open_file
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.store.images import to_dense
from hepexp.data.transforms.four_momenta import JetClassParticles
from hepexp.data.transforms.particle_selection import HardestParticles
from hepexp.errors import ConfigError
from tests.data.small import REPRESENTATIONS, SAMPLES, use_small_samples

JETS = ("particles", "image", "graph", "features")
EACH = [(data_set, name) for data_set, names in REPRESENTATIONS.items() for name in names]
every_representation = pytest.mark.parametrize(
    ("data_set", "representation"), EACH, ids=lambda x: getattr(x, "__name__", x)
)


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_samples(monkeypatch)


def ready(data_set: type, representation: str | None = None, **keys):
    data = data_set(**{"source": "mini", "seed": 1, "batch_size": 16, **keys})
    if representation:
        data.represent_as(representation)
    data.setup()
    return data


def assert_equal(one: Batch, other: Batch) -> None:
    assert type(one) is type(other)
    assert one.tensors().keys() == other.tensors().keys()
    for name, a in one.tensors().items():
        b = getattr(other, name)
        assert a.dtype == b.dtype
        assert torch.equal(a, b), name


@pytest.mark.parametrize("data_set", REPRESENTATIONS, ids=lambda data_set: data_set.__name__)
def test_its_keys_are_read_from_the_source_as_python_sees_them(data_set):
    found = schema.signature(f"{data_set.__module__}.{data_set.__name__}")
    seen = dict(inspect.signature(data_set).parameters)
    assert found.runtime == ("seed",)
    assert seen.pop("seed").default is inspect.Parameter.empty
    defaults = {key: ast.literal_eval(parameter.default) for key, parameter in found.parameters.items()}
    assert defaults == {key: parameter.default for key, parameter in seen.items()}


def test_jets_have_every_representation():
    for data_set in (QuarkGluon, TopTagging, JetClass, QuarkGluonImages):
        assert set(REPRESENTATIONS[data_set]) == set(JETS)
    for data_set in (ElectronPhoton, Mnist):
        assert set(REPRESENTATIONS[data_set]) == {"image", "graph"}
    assert set(REPRESENTATIONS[RotatedPoints]) == {"features"}


@every_representation
def test_a_split_that_is_not_cached_gives_the_same_batches(data_set, representation, monkeypatch):
    cached = ready(data_set, representation)
    monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", 0)
    from_store = ready(data_set, representation)
    for positions in ([3], [7, 1, 4, 0]):
        assert_equal(cached.splits["train"][positions], from_store.splits["train"][positions])


@every_representation
def test_a_batch_does_not_depend_on_where_it_is_built(data_set, representation):
    examples = ready(data_set, representation).splits["train"]
    sent = pickle.loads(pickle.dumps(examples))  # what a worker process gets
    assert_equal(examples[[5, 2, 9]], sent[[5, 2, 9]])


@pytest.mark.parametrize("representation", JETS)
def test_batches_built_by_workers_are_the_same_in_the_same_order(representation):
    here, there = (ready(TopTagging, representation, num_workers=n).train_dataloader() for n in (0, 2))
    assert len(here) == len(there) > 1
    for one, other in zip(here, there, strict=True):
        assert_equal(one, other)


@every_representation
def test_an_example_is_the_same_alone_and_among_others(data_set, representation):
    data = ready(data_set, representation)
    together, alone = data.splits["train"][[4, 8]], data.splits["train"][[8]]
    assert together.index[1] == alone.index[0]
    assert together.label[1] == alone.label[0] == data.store.label[alone.index[0]]
    if representation in ("image", "features"):
        name = {"image": "image", "features": "features"}[representation]
        assert torch.equal(getattr(together, name)[1], getattr(alone, name)[0])
    elif representation == "graph":
        assert torch.equal(together.x[together.graph == 1], alone.x)
    else:
        name = {"particles": "p4", "cloud": "points"}[representation]
        both, single = getattr(together, name), getattr(alone, name)
        assert torch.equal(both[1, : single.shape[1]], single[0])
        assert not both[1, single.shape[1] :].any()


@every_representation
def test_the_sizes_that_a_model_is_told_are_those_of_a_batch(data_set, representation):
    data = ready(data_set, representation)
    spec, batch = data.spec, data.splits["val"][[0, 1, 2]]
    found = {
        "particles": lambda: batch.scalars.shape[2] == spec.n_scalars,
        "image": lambda: batch.image.shape[1:] == spec.image_shape,
        "graph": lambda: batch.x.shape[1] == spec.n_node_features,
        "features": lambda: batch.features.shape[1] == spec.n_features,
        "cloud": lambda: batch.points.shape[2] == spec.n_point_features,
    }
    assert found[representation]()
    assert spec.n_classes == len(data.class_names)


@every_representation
def test_numbers_are_finite_and_edges_stay_within_their_graph(data_set, representation):
    for batch in ready(data_set, representation).loader_of("val"):
        assert all(values.isfinite().all() for values in batch.tensors().values())
        if representation == "graph":
            assert torch.equal(batch.graph[batch.edge_index[0]], batch.graph[batch.edge_index[1]])


# ---- keys of the data sets


def test_chosen_classes_get_labels_in_the_order_given():
    data = ready(JetClass, classes=["Tbqq", "QCD"])
    names = data.info.classes
    assert data.spec.class_names == ("Tbqq", "QCD")
    for batch in itertools.chain(data.train_dataloader(), data.loader_of("test")):
        was = data.store.label[batch.index.numpy()]
        assert set(was) <= {names.index("Tbqq"), names.index("QCD")}
        np.testing.assert_array_equal(batch.label, was == names.index("QCD"))


def test_extras_are_standardised_over_the_training_examples():
    data = ready(QuarkGluonImages, extras=["m0", "pt"])
    examples = data.splits["train"]
    extras = examples[list(range(len(examples)))].extras
    assert data.spec.n_extras == 2
    np.testing.assert_allclose(extras.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(extras.std(0, correction=0), 1, atol=1e-5)
    stored = data.store.take(examples.rows)["m0"]
    assert np.corrcoef(extras[:, 0], stored)[0, 1] == pytest.approx(1, abs=1e-6)


def test_an_extra_that_never_changes_is_zero(monkeypatch):
    made = SAMPLES[JetClass](60)
    name = next(iter(made.extras))
    made.extras[name][:] = 80.3
    monkeypatch.setattr(JetClass, "info", replace(JetClass.info, mini=lambda: made))
    data = ready(JetClass, extras=[name])
    assert not data.splits["train"][[0, 1, 2]].extras.any()


def test_n_particles_keeps_the_hardest_of_each_jet():
    data = ready(JetClass, n_particles=4)
    batch = data.splits["train"][[0, 1, 2, 3]]
    expected = HardestParticles(4)(JetClassParticles()(data.store.take(batch.index.numpy())))
    assert batch.mask.shape[1] == 4
    np.testing.assert_array_equal(batch.p4[batch.mask], expected["p4"])


def test_n_particles_counts_the_jet_s_own_beside_the_beams():
    data = ready(TopTagging, n_particles=3, beams=True)
    assert data.spec.has_beams
    assert not ready(TopTagging, n_particles=3).spec.has_beams
    batch = data.splits["train"][list(range(8))]
    stored = data.store.take(batch.index.numpy()).counts
    np.testing.assert_array_equal(batch.mask.sum(1), np.minimum(stored, 3) + 2)
    np.testing.assert_allclose(batch.p4[:, 0], [[2**0.5, 0, 0, 1]] * 8)


@pytest.mark.parametrize(
    ("data_set", "image", "pixels"),
    [
        (TopTagging, JetImage(n_pixels=10**6), "1 x 1,000,000 x 1,000,000"),
        (QuarkGluonImages, PixelImage(pad_to=10**6), "3 x 1,000,000 x 1,000,000"),
        (QuarkGluonImages, PixelImage(resize_to=10**6), "3 x 1,000,000 x 1,000,000"),
    ],
)
def test_images_that_do_not_fit_into_memory_are_refused(data_set, image, pixels):
    with pytest.raises(ConfigError, match=f"a batch of 16 images of {pixels} pixels needs .* GB of memory"):
        ready(data_set, "image", image=image)


def test_channels_and_crop_choose_what_is_read():
    data = ready(QuarkGluonImages, "image", channels=["hcal", "tracks"], crop=40, image=PixelImage("none"))
    batch = data.splits["train"][[0, 1]]
    dense = to_dense(data.store.take(batch.index.numpy()), (3, 125, 125))
    np.testing.assert_array_equal(batch.image, dense[:, [2, 0], 42:82, 42:82])
    assert data.spec.channel_names == ("hcal", "tracks")
    assert data.spec.pixel_unit == "as stored"


@pytest.mark.parametrize("representation", JETS)
def test_a_crop_that_leaves_nothing_of_an_image_still_gives_a_batch(representation):
    data = ready(QuarkGluonImages, representation, channels=["hcal"], crop=1)
    for batch in data.loader_of("val"):
        assert all(values.isfinite().all() for values in batch.tensors().values())
        if representation == "particles":
            assert (batch.mask.sum(1) == 1).all()
        if representation == "graph":
            assert batch.graph.tolist() == list(range(len(batch)))


def test_all_pairs_of_a_jet_are_joined_when_asked():
    data = ready(QuarkGluon, "graph", graph=ParticleGraph(edges="all"))
    batch = data.splits["train"][[0, 1, 2]]
    n = torch.bincount(batch.graph)
    assert batch.edge_index.shape[1] == (n * (n - 1)).sum()


@pytest.mark.parametrize(
    ("data_set", "keys", "message"),
    [
        (JetClass, {"classes": ["Hbb", "top"]}, "dataset.classes: unknown 'top'"),
        (JetClass, {"classes": ["Hbb", "Hbb"]}, "dataset.classes must name each only once"),
        (JetClass, {"extras": ["tau5"]}, "dataset.extras: unknown 'tau5'"),
        (TopTagging, {"n_particles": 0}, "dataset.n_particles must be >= 1, got 0"),
        (QuarkGluonImages, {"n_particles": 0}, "dataset.n_particles must be >= 1, got 0"),
        (ElectronPhoton, {"channels": ["charge"]}, "dataset.channels must be one or more of energy, time"),
        (Mnist, {"crop": 29}, "dataset.crop must be between 1 and 28, got 29"),
        (Mnist, {"source": "generate"}, "dataset.source must be one of auto, full, mini, got 'generate'"),
        (RotatedPoints, {"source": "full"}, "dataset.source must be one of auto, mini, generate, got 'full'"),
    ],
)
def test_requests_that_cannot_be_met(data_set, keys, message):
    with pytest.raises(ConfigError, match=message):
        data_set(**{"source": "mini", "seed": 1, **keys})


# ---- the samples that ship


SHIPPED = [data_set for data_set in SAMPLES if isinstance(data_set.info.mini, Path)]


@pytest.mark.parametrize("data_set", SHIPPED, ids=lambda data_set: data_set.__name__)
def test_a_shipped_sample_is_physics_and_has_as_many_of_each_class(data_set, monkeypatch):
    monkeypatch.undo()
    info = data_set.info
    if not info.mini.is_file():
        pytest.skip(f"{info.mini.name} is not made yet")
    store = open_file(info, info.mini)  # looks at every example
    used = [info.classes.index(name) for name in data_set(source="mini", seed=1).class_names]
    counts = np.bincount(store.label, minlength=len(info.classes))[used]
    assert counts.min() > 0
    assert counts.sum() == len(store)
    assert counts.max() - counts.min() <= 0.1 * counts.max()
    command = store.metadata[0]["command"]
    made_by = f"hepexp data generate {info.name} --n {len(store)} " if info.generator else f"{len(store):,} of "
    assert command.startswith(made_by)


def test_all_that_ships_is_at_most_50_megabytes(monkeypatch):
    monkeypatch.undo()
    shipped = [data_set.info.mini for data_set in SHIPPED]
    assert sum(path.stat().st_size for path in shipped if path.is_file()) < 50e6

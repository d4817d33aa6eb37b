"""The scales that a data set learns from its training examples belong to the model that was trained with them."""

import pytest
import torch

from hepexp.data.datasets.electron_photon.module import ElectronPhoton
from hepexp.data.datasets.qg.module import QuarkGluon


def ready(kind, representation: str, n_train: int, **options):
    data = kind(source="mini", n_train=n_train, seed=1, **options)
    data.represent_as(representation)
    data.setup()
    return data


@pytest.mark.parametrize(
    ("kind", "representation", "value"),
    [(QuarkGluon, "features", "features"), (ElectronPhoton, "image", "image"), (ElectronPhoton, "graph", "x")],
)
def test_training_scales_replace_those_of_other_examples(kind, representation, value):
    trained, other = ready(kind, representation, 60), ready(kind, representation, 1000)
    rows = list(range(20))
    expected, own = (getattr(data.splits["test"][rows], value) for data in (trained, other))
    assert not torch.equal(own, expected)
    other.load_state_dict(trained.state_dict())
    assert torch.equal(getattr(other.splits["test"][rows], value), expected)


def test_extras_are_scaled_as_in_training():
    from hepexp.data.datasets.qg_images.module import QuarkGluonImages

    trained, other = (ready(QuarkGluonImages, "image", n, extras=["pt", "m0"]) for n in (60, 500))
    assert not torch.equal(other.splits["test"][[0]].extras, trained.splits["test"][[0]].extras)
    other.load_state_dict(trained.state_dict())
    assert torch.equal(other.splits["test"][[0]].extras, trained.splits["test"][[0]].extras)


def test_particles_have_no_scales():
    assert set(ready(QuarkGluon, "particles", 60).state_dict()) == {"extras.mean", "extras.std"}

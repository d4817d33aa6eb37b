"""`model.head=new`: what a model takes from another one's weights, and what starts afresh."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.head import head_of, is_within
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.pfn import PFN
from hepexp.models.weights import load_body, load_weights

SIZES = {"phi_sizes": [8, 8], "f_sizes": [6]}


def pfn(n_classes: int, n_scalars: int = 0, seed: int = 0, **options) -> PFN:
    torch.manual_seed(seed)
    return PFN(n_scalars=n_scalars, use_scalars=n_scalars > 0, n_classes=n_classes, **SIZES, **options)


@pytest.fixture
def file(tmp_path) -> str:
    """Weights of a network with three classes."""
    path = str(tmp_path / "weights.pt")
    torch.save(pfn(3, seed=1).state_dict(), path)
    return path


@pytest.mark.parametrize("n_classes", [3, 10])
def test_the_body_is_taken_and_the_head_is_fresh_whether_it_would_fit_or_not(file, n_classes):
    model, untouched, source = pfn(n_classes), pfn(n_classes).state_dict(), torch.load(file)
    said, fresh = load_body(model, file)
    for name, tensor in model.state_dict().items():
        expected = untouched if is_within(name, "f.2") else source
        assert torch.equal(tensor, expected[name]), name
    body, head = 3 * 8 + 8 + 8 * 8 + 8 + 8 * 6 + 6, 6 * n_classes + n_classes
    assert said == f"{body} parameters from {file}; fresh: {head} in f.2"
    assert fresh == ["f.2.weight", "f.2.bias"]


def test_other_scalars_leave_the_first_layer_fresh(file):
    model = pfn(2, n_scalars=5)
    said, fresh = load_body(model, file)
    assert fresh == ["phi.0.weight", "phi.0.bias", "f.2.weight", "f.2.bias"]
    assert "; fresh: 86 in phi.0, f.2" in said  # (3 + 5) 8 + 8, and 6 x 2 + 2
    assert torch.equal(model.phi[0].bias, pfn(2, n_scalars=5).phi[0].bias)  # it would fit, but belongs to the weights
    assert torch.equal(model.phi[2].weight, torch.load(file)["phi.2.weight"])


def test_weights_of_which_nothing_fits_are_refused(file):
    other = LorentzNet(n_scalars=1, n_classes=2, n_hidden=4, n_blocks=1)
    said = r"nothing in .*weights.pt fits this LorentzNet by name and shape; it has phi.0.weight \(8, 3\), expected emb"
    with pytest.raises(ConfigError, match=said):
        load_body(other, file)


def test_without_a_new_head_the_mismatch_names_it(file):
    with pytest.raises(ConfigError, match=r"f.2.weight .* has shape \(3, 6\), this model's has \(10, 6\); model.head="):
        load_weights(pfn(10), file)
    other = LorentzNet(n_scalars=1, n_classes=2, n_hidden=4, n_blocks=1)
    with pytest.raises(ConfigError, match=r"expected those of LorentzNet$"):  # nothing would be taken
        load_weights(other, file)


def test_a_declared_head_has_several_layers():
    assert head_of(LorentzNet(n_scalars=1, n_classes=2, n_hidden=4, n_blocks=1)) == "graph_dec"
    assert head_of(pfn(2)) == "f.2"  # its last layer with parameters

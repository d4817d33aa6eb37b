"""trainer.channels_last: the same outputs and gradients from another layout in memory, which convolutions keep."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.config.compose import Composer
from hepexp.learning.channels_last import channels_last
from hepexp.learning.components import build_components
from tests.data.small import use_small_samples
from tests.examples import EXAMPLES
from tests.models.conformance import Case
from tests.models.test_conformance import CASES

LAST = torch.channels_last
OF_IMAGES = [case for case in CASES if case.input == "image"]


@pytest.mark.parametrize("case", OF_IMAGES, ids=lambda case: case.text)
def test_outputs_and_gradients_do_not_depend_on_the_layout(case: Case):
    batch, plain = EXAMPLES["image"].random(4), case.build().eval()
    model = copy.deepcopy(plain)
    channels_last(model)
    expected, logits = plain(batch), model(batch)
    assert_close(logits, expected, rtol=1e-10, atol=1e-12)
    for output in (expected, logits):
        output.square().sum().backward()
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert_close(one.grad, other.grad, rtol=1e-8, atol=1e-10)


def test_every_convolution_of_a_network_gets_and_gives_channels_last():
    (case,) = [case for case in OF_IMAGES if case.text == "cnn convs_per_stage=2"]
    model, seen = case.build().eval(), []
    channels_last(model)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.is_contiguous(memory_format=LAST)
            layer.register_forward_hook(lambda layer, inputs, output: seen.append((inputs[0], output)))
    batch = EXAMPLES["image"].random(4)
    model(batch)
    assert len(seen) == 6
    assert all(x.is_contiguous(memory_format=LAST) and not x.is_contiguous() for pair in seen for x in pair)
    assert batch.image.is_contiguous()  # that of the data set stays


class OfJets(nn.Module):
    """Layers of one and of three dimensions, and a matrix with four axes, on particles."""

    def __init__(self):
        super().__init__()
        self.line, self.space = nn.Conv1d(4, 2, 1), nn.Conv3d(4, 2, 1)
        self.table = nn.Parameter(torch.randn(2, 3, 4, 5))

    def forward(self, batch):
        x = batch.p4.float().mT
        return self.line(x).mean(2) + self.space(x[..., None, None]).mean((2, 3, 4))


def test_what_is_no_convolution_of_images_stays_as_it_is():
    model, batch = OfJets(), EXAMPLES["particles"].random(4)
    before, expected = {name: p.stride() for name, p in model.named_parameters()}, model(batch)
    channels_last(model)
    assert {name: p.stride() for name, p in model.named_parameters()} == before
    assert torch.equal(model(batch), expected)


def test_the_key_lays_out_the_model_of_a_run(monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    use_small_samples(monkeypatch)
    words = ["model=cnn", "dataset=mnist", "trainer.channels_last=true", "trainer.accelerator=cpu"]
    weight = build_components(Composer([]).compose(words)).module.model.features[4].weight
    assert weight.is_contiguous(memory_format=LAST)

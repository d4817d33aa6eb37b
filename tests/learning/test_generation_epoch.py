"""What is compared of generated examples after an epoch, also where they are no numbers."""

import math

import numpy as np
import torch
from torch import nn

from hepexp.data.datasets.qm9.module import QM9
from hepexp.evaluation.evaluators.generation import GenerationEvaluator
from hepexp.evaluation.options import EvaluationOptions
from hepexp.learning.generation import Generation
from hepexp.losses.diffusion import Diffusion


class Constant(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, batch, t):
        return torch.where(batch.mask[..., None], self.value, 0).expand_as(batch.points)


def test_an_epoch_that_generates_no_numbers_is_none_that_is_kept():
    """Its distance is NaN, also of observables of elements."""
    data = QM9(source="mini", seed=1, n_train=40, n_val=20, n_test=20)
    data.setup()
    options = EvaluationOptions()
    generation = Generation(Diffusion(n_levels=10, steps=2, val_steps=2), data, options)
    evaluator = GenerationEvaluator().with_options(options, data.spec)
    found = {}
    for value in (0.0, math.nan):
        outputs = generation.of_epoch(Constant(value), np.arange(20))
        found[value] = evaluator.quick(outputs | {"loss": np.zeros(20)})["w1"]
    assert found[0.0] > 0
    assert math.isnan(found[math.nan])

"""Toy experiments with random numbers in their batches: two views of each example, or augmentation."""

from __future__ import annotations

import torch

from hepexp.data.representations.representation import Particles
from hepexp.data.views.augmentation import Augmentation
from hepexp.data.views.views import Views
from hepexp.learning.components import Components
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from tests.learning.toy import ToyModel, toy_components


def components_with_views(**trainer) -> Components:
    """Rotated and smeared pairs of particles; keywords go to the trainer."""
    made = toy_components(**trainer)
    torch.manual_seed(0)
    made.module = ExperimentModule(ToyModel(), SupervisedContrastive(projector=()), AdamW(lr=1e-2), seed=1)
    made.module.draw_views = Views(rotate=180, smear=0.2).of(Particles())
    made.module.references = made.data.val_dataloader
    return made


def components_with_augmentation(**trainer) -> Components:
    """Rotated and smeared training examples; keywords go to the trainer."""
    made = toy_components(**trainer)
    made.module.augment = Augmentation(rotate=180, smear=0.2).of(Particles())
    return made

"""Random views in a training: which are drawn when, and what is evaluated."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.learning import contracts
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.pair import PairLoss
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from tests.data.small import use_small_samples
from tests.learning.test_contracts import SMALL
from tests.learning.views import components_with_views

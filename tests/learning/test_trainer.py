import pytest

from hepexp.errors import ConfigError
from hepexp.learning.optimizers import SGD, AdamW
from hepexp.learning.trainer import TrainerOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_epochs": -1}, "trainer.max_epochs must be >= 0, got -1"),
        ({"patience": 0}, "trainer.patience must be >= 1, got 0"),
        ({"devices": 0}, "trainer.devices must be >= 1, got 0"),
        ({"gradient_clip": -1.0}, "trainer.gradient_clip must be > 0, got -1.0"),
        ({"devices": 2}, "needs trainer.strategy=ddp"),
    ],
)
def test_values_out_of_range_are_named(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainerOptions(**values)


@pytest.mark.parametrize(
    ("values", "batches", "epochs", "patience"),
    [
        ({"max_epochs": 10, "min_steps": 900, "patience": 3}, 100, 10, 3),  # 1,000 steps are enough
        ({"max_epochs": 10, "min_steps": 900, "patience": 3}, 30, 30, 9),
        ({"max_epochs": 10, "min_steps": 900, "patience": None, "accumulate": 4}, 7, 450, None),
        ({"max_epochs": 0, "min_steps": 900, "patience": 3}, 30, 0, 3),  # evaluates only
        ({"max_epochs": 10, "patience": 3}, 1, 10, 3),
    ],
)
def test_a_small_training_split_is_passed_more_often(values, batches, epochs, patience):
    options = TrainerOptions(**values)
    options.lengthen(batches)
    assert (options.max_epochs, options.patience) == (epochs, patience)


def test_a_missing_gpu_is_one_line():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match=r"^trainer: [^\n]*$"):
        TrainerOptions(accelerator="gpu").build([])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AdamW(lr=0.0), "optimizer.lr must be > 0"),
        (lambda: AdamW(weight_decay=-1.0), "optimizer.weight_decay must be >= 0"),
        (lambda: AdamW(betas=[0.9]), "optimizer.betas must be two numbers"),
        (lambda: SGD(momentum=-0.1), "optimizer.momentum must be >= 0"),
        (
            lambda: SGD(schedule="step"),
            "optimizer.schedule must be one of constant, cosine, warmup_cosine, ",
        ),
    ],
)
def test_bad_optimisers_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()

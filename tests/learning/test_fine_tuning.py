"""Fine-tuning: frozen parameters stay as they are to the last bit, rates have their factors, a resume is exact."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.fine_tuning import Names, fine_tuning, frozen_at_random, spare_fresh
from hepexp.learning.fit import fit
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import SGD, AdamW
from tests.learning.toy import ToyModel, ToyObjective, toy_components

# of the toy model: layers.0 is a linear layer, layers.1 a batch norm, layers.4 the output
BODY_NAMES = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]


def module_with(**options) -> ExperimentModule:
    torch.manual_seed(0)
    return ExperimentModule(ToyModel(), ToyObjective(), AdamW(lr=1e-2, weight_decay=0.1, **options), seed=1)


def trained(folder, epochs: int = 1, resume_from=None, after=lambda row, epoch: None, **options):
    """A toy module after some epochs with these options of the optimiser."""
    components = toy_components(max_epochs=epochs)
    components.module = module_with(**options)
    fit(components, folder, Interrupts(), after, resume_from)
    return torch.load(folder.last)["state_dict"]


def changed(before, after) -> set[str]:
    return {name.removeprefix("model.") for name in before if not torch.equal(before[name], after[name])}


def test_frozen_parameters_and_statistics_do_not_change_by_a_bit_and_others_do(folder):
    start = module_with().state_dict()
    assert changed(start, trained(folder, freeze=["body"])) == {"layers.4.weight", "layers.4.bias"}
    every = changed(start, trained(folder))
    assert every >= {"layers.1.running_mean", "layers.1.running_var", *BODY_NAMES}


def test_layers_are_trained_from_their_epoch_on(folder):
    states = {}

    def keep(row, epoch):
        states[epoch] = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    components = toy_components(max_epochs=3)
    module = components.module = module_with(freeze="body", unfreeze={2: "layers.0", 3: ["layers.1"]})
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    fit(components, folder, Interrupts(), keep)
    first, second, third = (states[epoch] for epoch in sorted(states))
    head = {"layers.4.weight", "layers.4.bias"}
    statistics = {"layers.1.running_mean", "layers.1.running_var", "layers.1.num_batches_tracked"}
    assert changed(start, first) == head
    assert changed(first, second) == head | {"layers.0.weight", "layers.0.bias"}
    assert changed(second, third) == head | set(BODY_NAMES) | statistics


def test_groups_have_the_base_rate_times_their_factors_along_the_whole_schedule():
    module = module_with(lr_factor={"body": 0.1, "layers.0.bias": 0.5})
    groups = module.fine_tuning.groups(module.named_parameters(), 1e-2)
    optimizer, scheduler = module.optimizer.build(groups, total_steps=35)
    names = {id(parameter): name.removeprefix("model.") for name, parameter in module.named_parameters()}
    found = [[names[id(p)] for p in group["params"]] for group in optimizer.param_groups]
    assert found == [
        ["layers.4.weight", "layers.4.bias"],
        ["layers.0.bias"],
        ["layers.0.weight", "layers.1.weight", "layers.1.bias"],
    ]
    for _ in range(35):
        base = optimizer.param_groups[0]["lr"]
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([base, 0.5 * base, 0.1 * base])
        optimizer.step()
        scheduler.step()


def test_a_step_of_plain_descent_is_scaled_by_the_factor():
    """x - lr factor gradient, for a gradient of one."""
    torch.manual_seed(0)
    module = ExperimentModule(ToyModel(), ToyObjective(), SGD(lr=0.1, lr_factor={"body": 0.25}), seed=1).double()
    before = {name: tensor.clone() for name, tensor in module.named_parameters()}
    optimizer, _ = module.optimizer.build(module.fine_tuning.groups(module.named_parameters(), 0.1), 10)
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, parameter in module.named_parameters():
        step = 0.1 if name.startswith("model.layers.4") else 0.025
        torch.testing.assert_close(before[name] - parameter, torch.full_like(parameter, step))


def test_a_resumed_run_equals_one_that_was_never_stopped(folder):
    options = {"freeze": "body", "unfreeze": {2: "layers.0"}, "lr_factor": {"layers.0": 0.1}}
    whole = trained(folder, epochs=3, **options)

    class Stopped(Exception):
        pass

    def stop_after_two(row, epoch):
        if len(seen) == 1:
            raise Stopped
        seen.append(epoch)

    seen: list[int] = []
    with pytest.raises(Stopped):
        trained(folder, epochs=3, after=stop_after_two, **options)
    assert changed(whole, torch.load(folder.last)["state_dict"])
    assert changed(whole, trained(folder, epochs=3, resume_from=folder.last, **options)) == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"freeze": ["layer.0"]},
            r"optimizer.freeze: no parameter of the model fits 'layer.0'; did you mean layers.0\?",
        ),
        ({"lr_factor": {"bdy": 0.1}}, r"optimizer.lr_factor: .* fits 'bdy'; did you mean body\?"),
        (
            {"freeze": "layers.0", "unfreeze": {2: "layers.1"}},
            r"optimizer.unfreeze.2: layers.1 is not frozen; name it in",
        ),
        ({"freeze": ["body", "head"]}, "optimizer.freeze leaves nothing to train"),
        ({"freeze": "body", "unfreeze": {1: "body"}}, r"names epochs from 2 on \(the first is 1\), got 1"),
        ({"lr_factor": {"body": 0.0}}, "optimizer.lr_factor.body must be > 0, got 0.0; optimizer.freeze stops it"),
    ],
)
def test_wrong_patterns_are_one_line(options, said):
    with pytest.raises(ConfigError, match=said):
        module_with(**options)


def test_patterns_select_by_name_and_never_the_objective_unless_it_is_named():
    names = ["model.a.0.weight", "model.a.0.bias", "model.a.10.bias", "model.out.bias", "objective.temperature"]
    named = Names(names, "out")
    assert named.of("a.0", "") == names[:2]
    assert named.of("*.bias", "") == names[1:4]
    assert named.of("a.*.bias", "") == names[1:3]
    assert named.of(["body"], "") == names[:3]
    assert named.of(["*"], "") == names[:4]
    assert named.of("objective.temperature", "") == named.of("objective", "") == names[4:]


def test_fresh_layers_are_trained_whatever_is_frozen(folder):
    """And what is left is written out, so that it means the same without knowing what was fresh."""
    model = ToyModel()
    fresh = ["layers.0.weight", "layers.0.bias", "layers.4.weight", "layers.4.bias"]
    optimizer = AdamW(freeze="body", unfreeze={2: ["layers.0"], 3: "layers.1"})
    assert spare_fresh(optimizer, model, ToyObjective(), fresh) == [
        "trained although optimizer.freeze names them, as they are fresh: layers.0"
    ]
    assert (optimizer.freeze, optimizer.unfreeze) == (["layers.1"], {3: ["layers.1"]})
    start = module_with().state_dict()
    assert changed(start, trained(folder, freeze=optimizer.freeze)) == {*fresh}
    untouched = AdamW(freeze="layers.1")
    assert spare_fresh(untouched, model, ToyObjective(), fresh) == []
    assert untouched.freeze == "layers.1"


def test_a_factor_on_the_rate_is_not_for_fresh_layers_unless_it_is_for_them_alone():
    """A resumed run reads what is left without knowing what was fresh, and has the same rates."""
    model, fresh = ToyModel(), ["layers.0.weight", "layers.0.bias", "layers.4.weight", "layers.4.bias"]
    optimizer = AdamW(lr=1e-2, lr_factor={"body": 0.1, "head": 50, "layers.1.bias": 0.5})
    assert spare_fresh(optimizer, model, ToyObjective(), fresh) == ["at the full rate, as they are fresh: layers.0"]
    assert optimizer.lr_factor == {"layers.1.weight": 0.1, "layers.4": 50, "layers.1.bias": 0.5}
    module = module_with(lr_factor=optimizer.lr_factor)
    rates = {
        id(p): group["lr"]
        for group in module.fine_tuning.groups(module.named_parameters(), 1e-2)
        for p in group["params"]
    }
    found = {name.removeprefix("model."): rates[id(p)] for name, p in module.named_parameters()}
    assert found == pytest.approx(
        dict(zip([*BODY_NAMES, "layers.4.weight", "layers.4.bias"], [1e-2, 1e-2, 1e-3, 5e-3, 0.5, 0.5], strict=True))
    )
    as_typed = AdamW(lr_factor={"head": 50})
    assert spare_fresh(as_typed, model, ToyObjective(), ["layers.4.weight", "layers.4.bias"]) == []
    assert as_typed.lr_factor == {"head": 50}


def test_layers_frozen_with_random_weights_are_named():
    model = ToyModel()
    assert frozen_at_random(AdamW(freeze="body"), model, ToyObjective()) == ["layers.0", "layers.1"]
    assert frozen_at_random(AdamW(), model, ToyObjective()) == []


def test_layers_are_named_by_the_largest_submodule_without_others():
    names = ["model.a.0.weight", "model.a.0.bias", "model.a.1.bias", "model.head.b", "objective.t"]
    named = Names(names, "out")
    assert named.layers(names[:2]) == ["a.0"]
    assert named.layers(names[1:3]) == ["a.0.bias", "a.1"]
    assert named.layers(names) == ["a", "head.b", "objective"]


def test_without_options_the_optimiser_has_the_parameters_as_they_are():
    module = module_with()
    assert list(map(id, module.fine_tuning.groups(module.named_parameters(), 1.0))) == list(
        map(id, module.parameters())
    )
    assert fine_tuning(module.optimizer, module).starts == {}

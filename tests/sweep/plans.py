"""A plan and a study to try things on."""

from dataclasses import replace

from hepexp.sweep.study import Plan

PLAN = Plan(
    base=["model=pfn"],
    space={"optimizer.lr": "log(1e-4,1e-2)"},
    metrics=["val/auc"],
    directions=["maximize"],
    trials=4,
    sampler="tpe",
    pruner="none",
    seed=1,
    experiment="e",
    max_epochs=3,
)
GRID = replace(PLAN, space={"optimizer.lr": "choice(1e-3,2e-3)", "seed": "int(1,3)"}, sampler="grid", trials=6)


def distributions(plan):
    return {dimension.key: dimension.distribution for dimension in plan.dimensions}

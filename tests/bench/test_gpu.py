"""`hepexp bench gpu` before it meets a GPU: the whole command on a CPU, and its models on a device without data."""

import json
import time
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import DeviceType
from torch.fx.experimental import _config

from hepexp.bench import gpu, gpu_measure
from hepexp.bench.gpu_cases import cases
from hepexp.bench.gpu_worker import Job, Worker
from hepexp.bench.synchronisations import STEP, count, synchronisations, total
from hepexp.cli import bench
from hepexp.errors import ConfigError
from tests.bench import processes
from tests.devices import on_one_device

CPU = torch.device("cpu")


class InThisProcess:
    """A worker that saves the time in which another process imports torch."""

    def rows(self, job: Job, seconds: float):
        case = cases(job.quick)[job.case]
        yield from gpu_measure.measure(job.case, case, job.mode, torch.device(job.device), time.monotonic() + job.until)

    def stop(self) -> None:
        pass


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(gpu, "Worker", InThisProcess)
    monkeypatch.setattr(torch, "compile", lambda model: model)  # which takes minutes


def test_the_whole_command_in_tiny_sizes(here, monkeypatch, capsys):
    few = partial(gpu.rows, names=("lorentznet", "q4_l1_b1024"))
    monkeypatch.setattr(gpu, "rows", few)
    assert bench.main(["gpu", "--device", "cpu", "--quick", "--budget", "5m", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    cases_of = {row["case"]: [r["implementation"] for r in rows if r["case"] == row["case"]] for row in rows}
    jets = ["hepexp", "edge-list"], ["float32", "bf16", "compile"]
    circuits = ["hepexp", "default.qubit"], ["float32", "compile"]  # nothing in them is rounded to bfloat16
    assert cases_of == {
        f"{name} {what} {mode}": implementations
        for name, (implementations, modes) in (("lorentznet", jets), ("q4_l1_b1024", circuits))
        for mode in modes
        for what in ("training", "inference")
    }
    assert all(row["per_second"] > 0 and row["batch"] > 0 for row in rows), [row.get("note") for row in rows]
    assert "figures say nothing about a GPU" in err
    by_key = {(row["case"], row["implementation"]): row for row in rows}
    assert by_key["lorentznet training float32", "edge-list"]["waits"] == {"aten::nonzero": 4}
    assert by_key["lorentznet training float32", "hepexp"]["synchronisations"] == 0
    assert 0 < by_key["lorentznet training bf16", "hepexp"]["difference"] < gpu_measure.TOLERANCE["bf16"]
    assert by_key["lorentznet training compile", "hepexp"]["compile_seconds"] >= 0


@pytest.mark.parametrize("name", cases(quick=True))
def test_the_references_are_the_same_functions(name):
    """In float64, which `measure` compares before it times anything."""
    case = cases(quick=True)[name]
    (first, *_) = gpu_measure.measure(name, case, "float32", CPU, until=0)
    assert first["per_second"] > 0, first


def test_a_model_of_other_logits_is_not_timed():
    with pytest.raises(gpu_measure.HepexpError, match=r"differ from ours in float32 by 1\.0e-01 of their size"):
        gpu_measure._check("bf16", torch.ones(3), torch.ones(3) * 1.1)
    assert gpu_measure._check("bf16", torch.ones(4), torch.tensor([1.0, 1, 1, 1.02])) == pytest.approx(0.01)


@pytest.mark.parametrize("name", [name for name in cases() if "_l" not in name])
def test_nothing_of_a_step_comes_from_the_cpu(name):
    """In the sizes that are measured on a GPU; references may read back where something is not zero."""
    case = cases()[name]
    models = [case.tagger.ours()]
    if case.tagger.named not in ("escnn", "default.qubit"):  # whose steps also read numbers back
        models.append(case.tagger.reference(models[0]))
    batch = case.batch(2).to("meta")
    for model, is_reference in zip(models, (False, True), strict=False):
        model.to("meta").train()
        with on_one_device(), _config.patch(meta_nonzero_assume_all_nonzero=is_reference):
            case.loss(model(batch), batch).backward()


@pytest.mark.parametrize("name", ["lorentznet", "particlenet", "q4_l1_b1024"])
def test_on_a_gpu_a_model_is_compiled_as_a_whole(name):
    case = cases(quick=True)[name]
    model, batch = case.tagger.ours().to("meta").eval(), case.batch(4).to("meta")
    torch._dynamo.reset()
    with torch.no_grad():
        found = torch.compile(model, backend="eager", fullgraph=True)(batch)  # raises if the graph would break
        assert found.shape == model(batch).shape


def test_what_fails_is_a_row_and_the_rest_goes_on(here, monkeypatch):
    def full(step, n, device):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(gpu_measure, "seconds_of", full)
    found = gpu.rows("cpu", "1m", quick=True, names=["q4_l1_b1024"], modes=["float32"], tell=lambda text: None)
    assert [row["note"] for row in found] == ["out of memory with 32 examples"] * 4
    assert {row["per_second"] for row in found} == {None}
    bench._show(found)


def test_what_hangs_or_dies_costs_its_own_time_only():
    worker = Worker(processes.serve)
    try:
        for name, error, text in (
            ("hangs", TimeoutError, "stopped after 1 s"),
            ("dies", ChildProcessError, r"its process died \(exit code 3\)"),
        ):
            found = []
            with pytest.raises(error, match=text):
                found.extend(worker.rows(Job(name, "float32", "cpu", True, 1), 1 if name == "hangs" else 30))
        assert [row["per_second"] for row in worker.rows(Job("runs", "bf16", "cpu", True, 1), 30)] == [2.0]
    finally:
        worker.stop()


def test_what_was_found_before_a_case_hung_is_kept(monkeypatch):
    monkeypatch.setattr(gpu, "Worker", partial(Worker, processes.serve))
    monkeypatch.setattr(gpu, "SHORTEST", 1)
    monkeypatch.setattr(gpu, "LEAST", 0.1)
    monkeypatch.setattr(gpu, "ENDING", 2)
    small = cases(quick=True)["q4_l1_b1024"]
    monkeypatch.setattr("hepexp.bench.gpu_cases.cases", lambda quick: {"hangs": small, "runs": small, "walks": small})
    found = gpu.rows("cpu", "6s", modes=["float32"], tell=lambda text: None)
    assert [(row["case"], row["per_second"]) for row in found] == [
        ("hangs training float32", 2.0),
        ("runs training float32", 2.0),
        ("walks training float32", 2.0),
    ]
    assert found[0]["note"].startswith("after this, stopped after")


def test_a_budget_that_is_spent_leaves_cases_out():
    said: list[str] = []
    found = gpu.rows("cpu", "1s", quick=True, names=["part"], modes=["float32"], tell=said.append)
    assert not any("s left" in line for line in said)
    assert found == [
        {"case": "part training float32", "implementation": "hepexp", "per_second": None, "note": "no time left"}
    ]


def test_what_reads_back_is_counted():
    x = torch.arange(4.0)

    def step() -> None:
        x[x > 1].sum().item()

    assert synchronisations(step, CPU) == {"aten::_local_scalar_dense": 1, "aten::nonzero": 1}
    assert synchronisations(lambda: x.sum(), CPU) == {}


def event(name: str, start: float, end: float, device=DeviceType.CPU) -> SimpleNamespace:
    return SimpleNamespace(name=name, time_range=SimpleNamespace(start=start, end=end), device_type=device)


def test_on_a_gpu_the_waits_within_the_step_are_counted():
    events = [
        event("cudaDeviceSynchronize", 0, 1),  # the profiler's own
        event(STEP, 2, 9),
        event(STEP, 3, 12, DeviceType.CUDA),
        event("cudaLaunchKernel", 3, 4),
        event("cudaMemcpyAsync", 4, 5),
        event("cudaStreamSynchronize", 5, 6),
        event("Memcpy DtoH (Device -> Pageable)", 10, 11, DeviceType.CUDA),
        event("cudaDeviceSynchronize", 10, 12),  # ours, after the step
    ]
    found = count(events, is_gpu=True)
    assert found == {"cudaStreamSynchronize": 1, "Memcpy DtoH": 1}
    assert total(found) == 1
    assert count([event(STEP, 0, 1)], is_gpu=True) is None  # a profiler that sees nothing of the GPU


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["taggers", "--quick"], "--quick is an option of: hepexp bench gpu"),
        (["gpu", "--budget", "soon"], "--budget must be a duration such as 90m, 1h30m or 01:30:00, got 'soon'"),
    ],
)
def test_wrong_requests_are_refused(args, message):
    with pytest.raises(ConfigError, match=message):
        bench.main(args)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="--device cuda: PyTorch finds no GPU on this machine"):
        bench.main(["gpu", "--device", "cuda"])

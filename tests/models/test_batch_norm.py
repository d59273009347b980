from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.objectives.processes import own_rows, run_processes
from tests.objectives.reference import relative_error
from vicreg_core.models.batch_norm import GlobalBatchNorm, _NormaliseGlobally, synchronise_batch_norm

CASES: dict[str, tuple[type[nn.Module], tuple[int, ...], dict[str, Any]]] = {
    "1d": (nn.BatchNorm1d, (13, 5), {}),
    "1d, large mean": (nn.BatchNorm1d, (13, 5), {"momentum": 0.3}),
    "2d": (nn.BatchNorm2d, (13, 5, 3, 2), {"eps": 1e-3}),
    "3d": (nn.BatchNorm3d, (13, 5, 2, 3, 2), {}),
    "no affine": (nn.BatchNorm1d, (13, 5), {"affine": False}),
    "plain average": (nn.BatchNorm1d, (13, 5), {"momentum": None}),
    "no running statistics": (nn.BatchNorm1d, (13, 5), {"track_running_stats": False}),
}


def build(case: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A norm with weights of its own, its input and the gradient of its output."""
    kind, shape, options = CASES[case]
    norm = kind(5, **options).double()
    generator = np.random.default_rng(5)
    for parameter in norm.parameters():
        parameter.data.copy_(torch.from_numpy(generator.normal(size=5)))
    offset = 1e6 if case == "1d, large mean" else 1.0
    x, grad = (torch.from_numpy(generator.normal(size=shape)) for _ in range(2))
    return norm, x + offset, grad


def step(norm: nn.Module, x: Tensor, grad: Tensor) -> dict[str, Any]:
    """Two passes in training mode and one in evaluation mode."""
    x = x.clone().requires_grad_()
    norm(x.detach() / 2)
    output = norm(x)
    output.backward(grad)
    return {
        "output": output.detach(),
        "input": x.grad,
        "gradients": [parameter.grad for parameter in norm.parameters()],
        "state": dict(norm.state_dict()),
        "evaluated": norm.eval()(x.detach()) if norm.track_running_stats else None,
    }


def in_processes(rank: int, processes: int) -> dict[str, Any]:
    rows = own_rows(rank, processes)
    results: dict[str, Any] = {}
    for case in CASES:
        norm, x, grad = build(case)
        results[case] = step(synchronise_batch_norm(norm, "cpu"), x[rows], grad[rows])
    single = torch.ones(1 if rank == 0 else 0, 5)
    with pytest.raises(ValueError, match="2 values a channel or more, got 1"):
        GlobalBatchNorm(5)(single)
    norm, x, grad = build("1d")
    lacking = slice(13 * (rank == 1))
    results["lacking"] = step(synchronise_batch_norm(norm, "cpu"), x[lacking], grad[lacking])
    half = GlobalBatchNorm(5)(x[rows].bfloat16())
    results["half"] = (half.dtype, half.detach().float())
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return run_processes(in_processes, 4, tmp_path_factory.mktemp("processes"))


def check(found: list[dict[str, Any]], expected: dict[str, Any], tolerance: float) -> None:
    """All processes together did what one did."""
    for part in ("output", "input"):
        together = torch.cat([result[part] for result in found])
        assert relative_error([together], [expected[part]]) < tolerance, part
    for i, gradient in enumerate(expected["gradients"]):
        total = torch.stack([result["gradients"][i] for result in found]).sum(dim=0)
        assert relative_error([total], [gradient]) < tolerance
    for result in found:
        assert result["state"].keys() == expected["state"].keys()
        for name, value in expected["state"].items():
            assert relative_error([result["state"][name]], [value]) < tolerance, name
            assert torch.equal(result["state"][name], found[0]["state"][name]), name


@pytest.mark.distributed
@pytest.mark.parametrize("case", CASES)
def test_unequal_processes_equal_one(results: list[dict[str, Any]], case: str) -> None:
    expected = step(*build(case))
    found = [result[case] for result in results]
    check(found, expected, 1e-8 if case == "1d, large mean" else 1e-10)
    if expected["evaluated"] is not None:
        together = torch.cat([result["evaluated"] for result in found])
        assert relative_error([together], [expected["evaluated"]]) < 1e-8


@pytest.mark.distributed
def test_a_process_may_hold_no_row(results: list[dict[str, Any]]) -> None:
    check([result["lacking"] for result in results], step(*build("1d")), 1e-10)


@pytest.mark.distributed
def test_half_input_gives_half_output(results: list[dict[str, Any]]) -> None:
    _, x, _ = build("1d")
    expected = nn.BatchNorm1d(5)(x.bfloat16().float()).detach()
    assert all(result["half"][0] == torch.bfloat16 for result in results)
    together = torch.cat([result["half"][1] for result in results])
    torch.testing.assert_close(together, expected, rtol=1e-2, atol=1e-2)


def test_conversion_keeps_parameters_state_and_mode() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 5, 1), nn.Sequential(nn.BatchNorm2d(5, eps=0.1, momentum=None)), nn.ReLU()
    )
    model(torch.randn(4, 3, 2, 2))
    model[1].eval()
    keys, parameters = list(model.state_dict()), list(model.parameters())
    norm = model[1][0]
    converted = synchronise_batch_norm(model, "cpu")
    assert converted is model
    assert isinstance(model[1][0], GlobalBatchNorm)
    assert not model[1][0].training
    assert model[0].training
    assert (model[1][0].eps, model[1][0].momentum) == (0.1, None)
    assert list(model.state_dict()) == keys
    assert all(new is old for new, old in zip(model.parameters(), parameters, strict=True))
    assert model[1][0].running_mean is norm.running_mean
    assert synchronise_batch_norm(model, "cpu")[1][0] is model[1][0]


def test_a_norm_itself_is_converted_and_gpus_get_torchs_own() -> None:
    assert isinstance(synchronise_batch_norm(nn.BatchNorm1d(3), "cpu"), GlobalBatchNorm)
    assert isinstance(synchronise_batch_norm(nn.Sequential(nn.BatchNorm1d(3)), "cuda")[0], nn.SyncBatchNorm)
    assert isinstance(
        synchronise_batch_norm(nn.Sequential(nn.InstanceNorm1d(3)), "cpu")[0], nn.InstanceNorm1d
    )


@pytest.mark.parametrize("case", CASES)
def test_alone_it_is_torchs_batch_norm(case: str) -> None:
    norm, x, grad = build(case)
    expected = step(build(case)[0], x, grad)
    found = step(GlobalBatchNorm.of(norm), x, grad)
    assert torch.equal(found["output"], expected["output"])
    assert torch.equal(found["input"], expected["input"])
    assert all(torch.equal(found["state"][name], value) for name, value in expected["state"].items())


def test_unlike_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected an input \(n, 5\) or \(n, 5, ...\), got \(4, 3\)"):
        GlobalBatchNorm(5)(torch.ones(4, 3))


def test_state_loads_across_kinds(tmp_path: Path) -> None:
    norm, x, _ = build("1d")
    norm(x)
    torch.save(norm.state_dict(), tmp_path / "norm.pt")
    own = GlobalBatchNorm(5).double()
    own.load_state_dict(torch.load(tmp_path / "norm.pt", weights_only=True))
    assert torch.equal(own.eval()(x), norm.eval()(x))


def flat_and_maps() -> list[Tensor]:
    """float32 rows, and feature maps in the memory format in which torch's own sums are least exact."""
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(1301, 6, generator=generator) + 3
    maps = torch.randn(13, 6, 40, 25, generator=generator) + 3
    return [rows, maps.to(memory_format=torch.channels_last), maps.bfloat16()]


def normalised(processes: int = 1, rank: int = 0) -> list[tuple[Tensor, ...]]:
    found = []
    for x in flat_and_maps():
        ends = torch.linspace(0, 1, processes + 1).pow(1.3).mul(len(x)).int().tolist()
        weight, bias = torch.linspace(0.5, 2, 6), torch.linspace(-1, 1, 6)
        found.append(_NormaliseGlobally.apply(x[ends[rank] : ends[rank + 1]], weight, bias, 1e-5))
    return found


def normalised_in_processes(rank: int, processes: int) -> list[tuple[Tensor, ...]]:
    return normalised(processes, rank)


@pytest.mark.distributed
def test_float32_does_not_depend_on_how_rows_are_shared(tmp_path: Path) -> None:
    """Bitwise: a ReLU behind the norm makes a finite difference of a rounding error at its kink."""
    results = run_processes(normalised_in_processes, 3, tmp_path)
    for case, expected in enumerate(normalised()):
        output, mean, variance, count = expected
        assert torch.equal(torch.cat([result[case][0] for result in results]), output)
        for result in results:
            assert torch.equal(torch.stack(result[case][1:3]), torch.stack([mean, variance]))
            assert float(result[case][3]) == float(count)
        wide = flat_and_maps()[case].double().transpose(0, 1).flatten(1)
        assert relative_error([mean, variance], [wide.mean(1), wide.var(1, correction=0)]) < 1e-7

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.objectives.processes import own_rows, run_processes
from vicreg_core import distributed
from vicreg_core.errors import DataError, VicregError


def refuse() -> None:
    raise DataError("no such folder")


def collectives(rank: int, processes: int) -> dict[str, Any]:
    rows = torch.arange(26.0).view(13, 2)
    counts = [len(range(13)[own_rows(r, processes)]) for r in range(processes)]
    equal = torch.full((2, 3), float(rank))
    lacking = rows[: 3 * (rank == 0)]
    with pytest.raises(VicregError) as caught:
        distributed.on_first(refuse)
    distributed.barrier()
    return {
        "place": (distributed.rank(), distributed.world_size(), distributed.is_distributed()),
        "sum": distributed.all_reduce_sum(torch.tensor([1.0, rank])),
        "unequal": distributed.gather_rows(rows[own_rows(rank, processes)], counts),
        "equal": distributed.gather_rows(equal, [2] * processes),
        "lacking": distributed.gather_rows(lacking, [3] + [0] * (processes - 1)),
        "integers": distributed.gather_integers([rank, 7], torch.device("cpu")),
        "object": distributed.broadcast_object({"of": rank}),
        "on_first": distributed.on_first(lambda: f"from {rank}"),
        "refusal": (type(caught.value), str(caught.value), caught.value.exit_code),
    }


@pytest.mark.distributed
def test_collectives(tmp_path: Path) -> None:
    processes, rows = 2, torch.arange(26.0).view(13, 2)
    for rank, result in enumerate(run_processes(collectives, processes, tmp_path)):
        assert result["place"] == (rank, processes, True)
        assert result["sum"].tolist() == [processes, sum(range(processes))]
        assert torch.equal(result["unequal"], rows)
        assert torch.equal(result["lacking"], rows[:3])
        assert result["equal"][:, 0].tolist() == [r for r in range(processes) for _ in range(2)]
        assert result["integers"] == [[r, 7] for r in range(processes)]
        assert result["object"] == {"of": 0}
        assert result["on_first"] == "from 0"
        assert result["refusal"] == (DataError if rank == 0 else VicregError, "no such folder", 2)


def test_one_process_is_the_identity() -> None:
    tensor: Tensor = torch.ones(3, 2)
    assert (distributed.rank(), distributed.world_size(), distributed.is_distributed()) == (0, 1, False)
    assert distributed.all_reduce_sum(tensor) is tensor
    assert distributed.gather_rows(tensor, [3]) is tensor
    assert distributed.gather_integers([4], torch.device("cpu")) == [[4]]
    assert distributed.broadcast_object("x") == "x"
    assert distributed.on_first(lambda: 3) == 3
    distributed.barrier()
    with pytest.raises(DataError, match="no such folder"):
        distributed.on_first(refuse)

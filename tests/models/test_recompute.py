"""Activation checkpointing changes memory and time, and nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tests.training.toy import MLP, make_trainer
from vicreg_core.errors import RecipeError
from vicreg_core.models.recompute import blocks_of, recompute_blocks


class Block(nn.Module):
    """A residual block with everything that a second pass could get wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(
            nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.5)
        )

    def forward(self, x, scale=1.0):
        return x + scale * self.inside(x)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), nn.Sequential(Block(), Block()), nn.BatchNorm1d(8), Block())


def step(module: nn.Module) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    output = module(torch.randn(16, 8, requires_grad=True))
    output.square().sum().backward()
    gradients = {f"gradient {name}": each.grad for name, each in module.named_parameters()}
    return {"output": output.detach(), **gradients, **module.state_dict()}


def test_values_gradients_dropout_and_running_statistics_are_bitwise_the_same():
    plain, recomputed = network(), network()
    assert recompute_blocks(recomputed) == 3
    expected, found = step(plain), step(recomputed)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_blocks_run_again_going_back_and_only_then():
    module, calls = network(), []
    recompute_blocks(module)
    module[3].inside[0].register_forward_hook(lambda *_: calls.append(1))
    step(module)
    assert len(calls) == 2
    with torch.no_grad():
        module(torch.randn(4, 8))
    assert len(calls) == 3


def test_a_copy_is_of_itself():
    module = network()
    recompute_blocks(module)
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
        twin.eval()
        assert not twin(torch.ones(4, 8)).any()
    assert step(module)["output"].any()


def test_what_a_block_is():
    found = list(blocks_of(network()))
    assert [type(each).__name__ for each in found] == ["Block"] * 3
    assert not list(blocks_of(nn.Sequential(nn.Linear(2, 2), nn.ReLU())))
    assert not list(blocks_of(nn.Linear(2, 2)))


def test_an_encoder_without_blocks_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="toy/mlp is not built of blocks"):
        make_trainer(
            tmp_path, build_encoder=lambda: MLP(0.0), train={"activation_checkpointing": True, "steps": 2}
        )

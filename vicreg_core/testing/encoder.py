"""The conformance tests of encoders."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vicreg_core.contracts import Batch, Encoder
from vicreg_core.models.joint_embedding import JointEmbedding
from vicreg_core.models.projector import build_projector
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.plugins.component import Kind
from vicreg_core.testing.base import ComponentConformance
from vicreg_core.testing.comparison import difference, rows_of
from vicreg_core.testing.requirement import require
from vicreg_core.training.collapse import COMPLETE_STD
from vicreg_core.training.diagnostics import diagnose

_ROWS, _STEPS = 8, 20
_BATCH_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


class EncoderConformance(ComponentConformance):
    """What the core relies on in an encoder: inherit, and name it in :attr:`component`."""

    kind: ClassVar[Kind] = "encoder"
    lr: ClassVar[float] = 1e-3
    """Learning rate (AdamW) of the few training steps."""
    batch_size: ClassVar[int] = 64
    """Samples in each of them."""

    def test_a_batch_gives_finite_rows_of_the_promised_width(self) -> None:
        """``(B, embedding_dim)`` floating, in training and in evaluation."""
        encoder, batch = self.bench.build_encoder(), self._batch()
        width = getattr(encoder, "embedding_dim", None)
        require(isinstance(width, int) and width > 0, f"embedding_dim: expected a width, got {width!r}")
        for mode in (True, False):
            output = encoder.train(mode)(batch)
            require(isinstance(output, Tensor), f"expected a tensor, got {type(output).__name__}")
            expected = (len(self._rows()), width)
            seen = tuple(output.shape)
            require(seen == expected, f"embedding_dim is {width}: expected shape {expected}, got {seen}")
            require(output.is_floating_point(), f"expected floating representations, got {output.dtype}")
            require(bool(output.isfinite().all()), "representations are not finite")

    def test_a_gradient_reaches_every_parameter(self) -> None:
        """What gets none is not trained; freeze it with ``requires_grad_(False)`` if that is meant."""
        encoder = self.bench.build_encoder().train()
        output: Tensor = encoder(self._batch())
        require(output.requires_grad, "the representations do not depend on any trained parameter")
        weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
        (output.float() * weights).sum().backward()
        trained = {name: p for name, p in encoder.named_parameters() if p.requires_grad}
        without = [name for name, p in trained.items() if p.grad is None or not bool(p.grad.any())]
        require(not without, f"no gradient reaches {', '.join(without)}")

    def test_evaluation_is_deterministic_and_changes_nothing(self) -> None:
        """Two passes agree whatever the state of the generators, and no buffer moves."""
        encoder, batch = self.bench.build_encoder().eval(), self._batch()
        before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
        first, second = _seeded(encoder, batch, 0), _seeded(encoder, batch, 1)
        require(torch.equal(first, second), "two passes over one batch in evaluation mode differ")
        after = encoder.state_dict()
        moved = [name for name, tensor in before.items() if not torch.equal(tensor, after[name])]
        require(not moved, f"a pass in evaluation mode changes {', '.join(moved)}")

    def test_a_representation_does_not_depend_on_its_batch(self) -> None:
        """In evaluation mode, rows alone and in another order are the rows of the whole."""
        encoder, rows = self.bench.build_encoder().eval(), self._rows()
        some = list(range(len(rows)))[::-2]
        whole, batch = _seeded(encoder, self._batch(), 0), self.bench.view([rows[i] for i in some], None)
        reason = difference(rows_of(whole, some), _seeded(encoder, batch, 0), tolerance=1e-3)
        require(not reason, f"representations depend on the batch they are made in: {reason}")

    def test_training_differs_only_by_dropout_and_batch_norm(self) -> None:
        """With modules of those kinds set to evaluation, the training mode gives the same."""
        encoder, batch = self.bench.build_encoder(), self._batch()
        expected = _seeded(encoder.eval(), batch, 0)
        encoder.train()
        for module in encoder.modules():
            if module is not encoder and _may_differ(module):
                module.eval()
        with _WithoutDropout():
            trained = _seeded(encoder, batch, 0)
        reason = difference(expected, trained, tolerance=1e-3)
        require(not reason, f"training mode differs by more than dropout and batch norm: {reason}")

    def test_its_weights_can_be_saved_and_loaded(self) -> None:
        """An encoder of other weights, built as a saved model is, gives the same with this one's state."""
        encoder, batch = self.bench.build_encoder(seed=0), self._batch()
        other = self.bench.build_encoder(seed=1, for_weights=encoder)
        try:
            other.load_state_dict(encoder.state_dict())
        except RuntimeError as error:
            require(False, f"the state of one encoder does not load into another: {error}")
        same = torch.equal(_seeded(encoder.eval(), batch, 0), _seeded(other.eval(), batch, 0))
        require(same, "its state_dict lacks something that representations depend on: a buffer?")

    def test_twenty_steps_lower_the_loss_without_collapse(self) -> None:
        """VICReg on a batch of the recipe's samples, a fresh pair of views each step."""
        rows = self.bench.rows(self.batch_size)
        steps = [[self.bench.view(rows, view, epoch) for view in (0, 1)] for epoch in range(_STEPS)]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            losses, embeddings = _train(self.bench.build_encoder(), self.lr, steps)
        first, last = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
        require(
            last < first,
            f"the loss does not fall in {_STEPS} steps: from {first:.4g} to {last:.4g}",
        )
        std = diagnose(embeddings).std_median
        require(std > COMPLETE_STD, f"collapse: the embeddings' median standard deviation is {std:.2g}")

    def _rows(self) -> list[int]:
        return self.bench.rows(_ROWS)

    def _batch(self) -> Batch:
        return self.bench.view(self._rows(), None)


def _seeded(encoder: Encoder, batch: Batch, seed: int) -> Tensor:
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        output: Tensor = encoder(batch)
        return output


def _may_differ(module: nn.Module) -> bool:
    """Norms over the batch, and what drops whole paths and calls itself so."""
    name = type(module).__name__.lower()
    return isinstance(module, _BATCH_NORMS) or "drop" in name or "stochasticdepth" in name


class _WithoutDropout(TorchFunctionMode):
    """Makes every dropout the identity, those that are functions inside a module included."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            args = (*args[:4], 0.0, *args[5:]) if len(args) > 4 else args
            kwargs.update({"dropout_p": 0.0} if len(args) <= 4 else {})
        elif "dropout" in name:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def _train(encoder: Encoder, lr: float, steps: list[list[Batch]]) -> tuple[list[float], Tensor]:
    """The loss of each step, and the embeddings of the last one's first view."""
    model = JointEmbedding(encoder, build_projector(encoder.embedding_dim, (64, 64))).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer, criterion, losses = torch.optim.AdamW(parameters, lr=lr), VICRegLoss(), []
    outputs = None
    for views in steps:
        outputs = model(views)
        loss = criterion(outputs.embeddings)
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert outputs is not None
    return losses, outputs.embeddings[0].detach()

"""The passes of a step through the model: of the whole batch, or in micro-batches with the same gradient."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vicreg_core.contracts import Batch
from vicreg_core.contracts.keys import mix_int
from vicreg_core.data.batch import to_channels_last
from vicreg_core.data.sampler import Share
from vicreg_core.distributed import average_gradients, broadcast_tensors, world_size
from vicreg_core.errors import RecipeError
from vicreg_core.models.batch_norm import running_statistics_kept
from vicreg_core.models.joint_embedding import JointEmbedding, ViewOutputs
from vicreg_core.models.precision import Precision
from vicreg_core.recipes.schema import TrainSection

# torch 2.14 renamed the option, and warns of the old name.
_RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
_OWN_BUFFERS: dict[str, Any] = {"forward_sync_buffers" if _RENAMED else "broadcast_buffers": False}


class Passes:
    """One pass forward over all views of the batch, whose graph the loss goes back through.

    Args:
        model: on its device; under DDP where there are several processes.
        precision: of the forward pass.
        device: of the model.
        compiled: compile it.
    """

    def __init__(
        self, model: JointEmbedding, precision: Precision, device: torch.device, *, compiled: bool
    ) -> None:
        self.model, self.precision = model, precision
        self.module = self._module(device)
        if compiled:
            self.module.compile()

    def _module(self, device: torch.device) -> nn.Module:
        """What is compiled and timed."""
        if world_size() == 1:
            return self.model
        devices = [device.index] if device.type == "cuda" else None
        # Buffers are batch norm's running statistics, which the global statistics keep equal already.
        return DistributedDataParallel(self.model, device_ids=devices, **_OWN_BUFFERS)

    def outputs(self, views: list[Batch], seed: int) -> ViewOutputs:
        """The outputs for all views, through which a loss can be taken back.

        Args:
            views: this process's rows of each.
            seed: of what the model draws, such as dropout.
        """
        # All randomness inside the model hangs on the step alone, so no generator state belongs to the run.
        torch.manual_seed(seed)
        with self.precision.autocast():
            outputs: ViewOutputs = self.module(views)
        return outputs

    def finish(self) -> None:
        """What is left to do for the gradient of the weights once the loss has been taken back."""

    def of_average(self, model: JointEmbedding, views: list[Batch]) -> ViewOutputs:
        """The outputs of a moving average of the model, without a gradient."""
        with torch.no_grad(), self.precision.autocast():
            outputs: ViewOutputs = model(views)
        return outputs


class MicroPasses(Passes):
    """The encoder a part of the rows at a time, twice, so that memory holds the graph of one part alone.

    First without a graph, for the representations of the whole batch; projector and loss run on those as
    ever, and leave the gradient of each representation; then each part is encoded again, with a graph, and
    takes its gradient back. So the gradient is that of the whole batch, which accumulating the gradients of
    several losses is not. Both passes draw the same dropout. The idea is that of gradient caching (Gao et
    al., "Scaling deep contrastive learning batch size under memory limited setup", arXiv:2101.06983).

    A batch norm in the *encoder* normalises by the statistics of the part, and its running statistics take
    one step a part. Part ``i`` of ``k`` holds every ``k``-th row of the global batch from the ``i``-th on, so
    that it does not depend on how many processes there are.

    Args:
        share: of the batch, which says the rows of each part that this process has.
        parts: how many.
    """

    def __init__(
        self,
        model: JointEmbedding,
        precision: Precision,
        device: torch.device,
        *,
        compiled: bool,
        share: Share,
        parts: int,
    ) -> None:
        super().__init__(model, precision, device, compiled=compiled)
        self.rows = [slice((part - share.bounds[0]) % parts, None, parts) for part in range(parts)]
        self._channels_last = model.encoder.channels_last
        # What DDP does at its start, whose part this takes.
        broadcast_tensors([*model.parameters(), *model.buffers()])

    def _module(self, device: torch.device) -> nn.Module:
        return self.model.encoder

    def outputs(self, views: list[Batch], seed: int) -> ViewOutputs:
        """Those of the whole batch; a loss goes back through the projector to the representations."""
        self._views, self._seed = views, seed
        with running_statistics_kept(self.model.encoder):
            self._leaves = [self._joined(self.model, view) for view in range(len(views))]
        for leaves in self._leaves:
            for leaf in leaves:
                leaf.requires_grad_()
        return self._projected(self.model, self._leaves)

    def finish(self) -> None:
        """Take the gradient of the representations, and of feature maps, back through the encoder."""
        for view, leaves in enumerate(self._leaves):
            for part, rows in enumerate(self.rows):
                made = self.encoded(self.model, view, part)
                pairs = [
                    (own, leaf.grad[rows])
                    for own, leaf in zip(made, leaves, strict=True)
                    if leaf.grad is not None
                ]
                torch.autograd.backward([own for own, _ in pairs], [grad for _, grad in pairs])
        del self._leaves, self._views
        average_gradients(self.model.parameters())

    def of_average(self, model: JointEmbedding, views: list[Batch]) -> ViewOutputs:
        """In the same parts."""
        with torch.no_grad():
            return self._projected(model, [self._joined(model, view) for view in range(len(views))])

    def encoded(self, model: JointEmbedding, view: int, part: int) -> list[Tensor]:
        """Representations and feature maps of the rows of one part in one view."""
        torch.manual_seed(mix_int(self._seed, view, part))
        rows = _rows_of(self._views[view], self.rows[part])
        with self.precision.autocast():
            representations, maps = model.represent(to_channels_last(rows) if self._channels_last else rows)
        return [representations, *maps]

    @torch.no_grad()
    def _joined(self, model: JointEmbedding, view: int) -> list[Tensor]:
        """The same of all rows, in their order, without a graph."""
        joined, size = list[Tensor](), _size(self._views[view])
        for part, rows in enumerate(self.rows):
            made = self.encoded(model, view, part)
            if not joined:
                joined = [each.new_empty(size, *each.shape[1:]) for each in made]
            for whole, own in zip(joined, made, strict=True):
                whole[rows] = own
        return joined

    def _projected(self, model: JointEmbedding, encoded: Sequence[Sequence[Tensor]]) -> ViewOutputs:
        representations = [each[0] for each in encoded]
        with self.precision.autocast():
            embeddings = [model.projector(each) for each in representations]
        return ViewOutputs(representations, embeddings, [each[1:] for each in encoded if each[1:]])


def build_passes(
    train: TrainSection, model: JointEmbedding, share: Share, precision: Precision, device: torch.device
) -> Passes:
    """The passes of a recipe's ``train.micro_batch``.

    Raises:
        RecipeError: a micro-batch is too small for every process to have a row of it.
    """
    micro = train.micro_batch or train.batch_size
    parts = -(-train.batch_size // micro)
    if parts == 1:
        return Passes(model, precision, device, compiled=train.compile)
    if parts > train.batch_size // share.world_size:
        least = -(-train.batch_size // (train.batch_size // share.world_size))
        raise RecipeError(
            f"train.micro_batch={micro} is shared by {share.world_size} processes, and some would have no "
            f"row of it; set it to {least} or more"
        )
    return MicroPasses(model, precision, device, compiled=train.compile, share=share, parts=parts)


def _rows_of(batch: Batch, rows: slice) -> Batch:
    """Some rows of views, whose tensors all have a row a sample."""
    if isinstance(batch, dict):
        return {name: tensor[rows] for name, tensor in batch.items()}
    return batch[rows]


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values()))) if isinstance(batch, dict) else len(batch)

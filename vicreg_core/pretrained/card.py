"""The model card: what a person finds beside the weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vicreg_core.pretrained.manifest import Manifest


def model_card(manifest: Manifest) -> str:
    """Markdown that says what the model is, how to use it and what it does not promise."""
    facts = json.dumps(manifest.facts, indent=2)
    training = "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in manifest.training.items())
    return f"""\
---
library_name: vicreg-suite
tags: [self-supervised-learning, vicreg]
---

# {manifest.encoder.name}, trained by VICReg

An encoder that turns a sample into a vector of {manifest.embedding_dim} numbers. It learned from unlabelled
data to give alike vectors to views of one sample, while every dimension keeps its spread and none copies
another (VICReg, arXiv:2105.04906). The projector of training is not part of it.

## Use

```python
from vicreg_core import load

model = load("path/to/this/folder")
vectors = model.encode(items)  # (n, {manifest.embedding_dim}) float32
```

It needs {_distributions(manifest)}; the folder holds no code.

## Training

{training}
- encoder: {manifest.encoder.name} {_options(manifest.encoder.options)}
- views: {manifest.augmentation.name} {_options(manifest.augmentation.options)}

The data it was trained on:

```json
{facts}
```

## Limits

The vectors ignore what the views above change at random. What that is worth on other data is to be measured:
`vicreg evaluate` on the run shows it beside an untrained encoder and raw features.
"""


def _distributions(manifest: Manifest) -> str:
    named = {
        f"vicreg-suite {manifest.suite}",
        manifest.encoder.distribution,
        manifest.augmentation.distribution,
    }
    return ", ".join(sorted(named))


def _options(options: dict[str, object]) -> str:
    return f"`{json.dumps(options)}`" if options else ""

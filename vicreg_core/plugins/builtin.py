"""The core's own components, which arrive by the same door as any plugin's."""

from __future__ import annotations

from vicreg_core.plugins import ObjectiveSpec, hookimpl


@hookimpl
def vicreg_objectives() -> list[ObjectiveSpec]:
    """VICReg itself."""
    return [
        ObjectiveSpec(
            name="vicreg",
            target="vicreg_core.objectives.component:build_vicreg",
            config="vicreg_core.objectives.config:VICRegConfig",
            summary="invariance, variance and covariance of the views' embeddings (arXiv:2105.04906)",
        )
    ]

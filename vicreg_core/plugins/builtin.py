"""The core's own components, which arrive by the same door as any plugin's."""

from __future__ import annotations

from vicreg_core.plugins import ObjectiveSpec, ProtocolSpec, family, hookimpl

_objective = family(ObjectiveSpec, "vicreg_core.objectives")
_learned = family(ObjectiveSpec, "vicreg_core.objectives.learned")
_protocol = family(ProtocolSpec, "vicreg_core.evaluation.protocols")


@hookimpl
def vicreg_objectives() -> list[ObjectiveSpec]:
    """VICReg itself, and those it is compared and mixed with."""
    return [
        _objective(
            "vicreg",
            "component:build_vicreg",
            "VICRegConfig",
            "invariance, variance and covariance of the views' embeddings (arXiv:2105.04906)",
        ),
        _objective(
            "info-nce",
            "component:build_info_nce",
            "InfoNCEConfig",
            "contrastive, with all negatives of the global batch (SimCLR, arXiv:2002.05709)",
        ),
        _objective(
            "supcon",
            "component:build_supcon",
            "SupConConfig",
            "contrastive, classes as positives (arXiv:2004.11362)",
            needs=("labels",),
        ),
        _objective(
            "barlow-twins",
            "component:build_barlow_twins",
            "BarlowTwinsConfig",
            "the cross-correlation of two views drawn to the identity (arXiv:2103.03230)",
        ),
        _objective(
            "sigreg",
            "component:build_sigreg",
            "SIGRegConfig",
            "invariance, and each random projection drawn to a Gaussian (LeJEPA, arXiv:2511.08544)",
        ),
        *_learned_objectives(),
    ]


def _learned_objectives() -> list[ObjectiveSpec]:
    return [
        _learned("simsiam", "component:build_simsiam", "SimSiamConfig", "a predictor (arXiv:2011.10566)"),
        _learned(
            "byol",
            "component:build_byol",
            "BYOLConfig",
            "a predictor of a moving average's embeddings (arXiv:2006.07733)",
            needs=("moving_average",),
        ),
        _learned(
            "supervised",
            "component:build_supervised",
            "SupervisedConfig",
            "cross-entropy on the samples that have labels",
            needs=("labels",),
        ),
        _learned(
            "vcreg",
            "component:build_vcreg",
            "VCRegConfig",
            "variance and covariance of feature maps and representation (arXiv:2306.13292)",
            needs=("feature_maps",),
        ),
        _learned(
            "adversarial-prior",
            "component:build_adversarial_prior",
            "AdversarialPriorConfig",
            "a discriminator tells embeddings from a normal prior (arXiv:1511.05644)",
        ),
        _learned(
            "reconstruction",
            "component:build_reconstruction",
            "ReconstructionConfig",
            "a decoder rebuilds the sample without noise",
            needs=("clean",),
        ),
        _learned(
            "local",
            "component:build_local",
            "LocalConfig",
            "VICReg on matched local features (VICRegL, arXiv:2210.01571)",
            needs=("feature_maps",),
        ),
    ]


@hookimpl
def vicreg_protocols() -> list[ProtocolSpec]:
    """Protocols that any modality can be scored by; recipes name them without ``core/``."""
    return [
        _protocol("knn", "knn:WeightedKNN", None, "weighted k nearest neighbours"),
        _protocol("linear", "linear:LinearProbe", "LinearConfig", "a linear classifier on frozen features"),
        _protocol(
            "label-fractions",
            "label_fractions:LabelFractions",
            "LabelFractionsConfig",
            "the linear probe on small draws of the labels",
        ),
        _protocol(
            "few-labels",
            "few_labels:FewLabels",
            "FewLabelsConfig",
            "few labels, drawn or suggested, decided as vicreg fit does",
        ),
        _protocol("finetune", "finetune:Finetune", "FinetuneConfig", "the encoder trained on with labels"),
        _protocol("clustering", "clustering:Clustering", None, "whether k-means finds the classes"),
        _protocol("retrieval", "retrieval:Retrieval", None, "whether neighbours are of the same class"),
        _protocol("rank", "rank:RankDiagnostics", None, "directions in use; needs no labels"),
        _protocol(
            "robustness", "robustness:Robustness", None, "the linear probe on samples in a worse state"
        ),
    ]

"""Trained encoders as the folders other libraries open."""

from vicreg_text.export.sentence_transformers import export_sentence_transformers
from vicreg_text.export.transformers import export_transformers

__all__ = ["export_sentence_transformers", "export_transformers"]

"""The exported encoder: a folder that is written, read and used."""

from vicreg_core.pretrained.model import PretrainedEncoder, load, save_pretrained

__all__ = ["PretrainedEncoder", "load", "save_pretrained"]

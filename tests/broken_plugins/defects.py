"""One small plugin for each way in which a plugin can be broken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.broken_plugins.planting import plant
from vicreg_core.plugins.status import PluginState

_ENCODER = """
from vicreg_core.plugins import EncoderSpec, hookimpl

@hookimpl
def {hook}():
    return {returned}
"""
_SPEC = "EncoderSpec(name='net', target='{module}:net', summary='a net'{more})"


@dataclass(frozen=True)
class Defect:
    """A broken plugin and what discovery must say of it; its entry point is ``broken-<name>``."""

    name: str
    source: str
    state: PluginState
    says: str

    @property
    def module(self) -> str:
        return f"broken_{self.name.replace('-', '_')}"

    @property
    def plugin(self) -> str:
        return f"broken-{self.name}"

    def plant(self, site: Path) -> None:
        plant(site, f"dist-{self.plugin}", {self.plugin: self.module}, {self.module: self.source})


def _plugin(hook: str = "vicreg_encoders", returned: str | None = None, more: str = "") -> str:
    spec = _SPEC.format(module="broken", more=more)
    return _ENCODER.format(hook=hook, returned=returned or f"[{spec}]")


DEFECTS = (
    Defect(
        "import",
        "raise RuntimeError('the moon is full')",
        PluginState.IMPORT_FAILED,
        "importing broken_import raised RuntimeError: the moon is full",
    ),
    Defect(
        "dependency",
        "import a_module_nobody_has",
        PluginState.IMPORT_FAILED,
        "raised ModuleNotFoundError: No module named 'a_module_nobody_has'",
    ),
    Defect("exit", "raise SystemExit(3)", PluginState.IMPORT_FAILED, "raised SystemExit: 3"),
    Defect(
        "hook",
        _plugin(returned="1 / 0"),
        PluginState.HOOK_FAILED,
        "vicreg_encoders() raised ZeroDivisionError: division by zero",
    ),
    Defect(
        "type",
        _plugin(returned="{'net': 'broken:net'}"),
        PluginState.INVALID,
        "vicreg_encoders() returned dict, expected a list of EncoderSpec",
    ),
    Defect(
        "nothing",
        _plugin(returned="None"),
        PluginState.INVALID,
        "vicreg_encoders() returned NoneType, expected a list of EncoderSpec",
    ),
    Defect(
        "item",
        _plugin(hook="vicreg_datasets"),
        PluginState.INVALID,
        "vicreg_datasets() returned a list with EncoderSpec, expected DatasetSpec",
    ),
    Defect(
        "spec",
        _plugin(returned="[EncoderSpec(name='net', target='broken.net', summary='a net')]"),
        PluginState.HOOK_FAILED,
        "raised ValueError: target of component 'net': expected 'module:qualname', got 'broken.net'",
    ),
    Defect(
        "field",
        _plugin(more=", api='1'"),
        PluginState.INVALID,
        "checking what vicreg_encoders() returned raised TypeError",
    ),
    Defect(
        "twice",
        _plugin(returned=f"[{_SPEC.format(module='broken', more='')}] * 2"),
        PluginState.DUPLICATE,
        "vicreg_encoders() names 'net' more than once",
    ),
    Defect(
        "misspelt",
        _plugin(hook="vicreg_encoder"),
        PluginState.UNKNOWN_HOOK,
        "there is no hook 'vicreg_encoder'; did you mean 'vicreg_encoders'?",
    ),
    Defect(
        "unmarked",
        "def vicreg_encoders():\n    return []\n",
        PluginState.UNKNOWN_HOOK,
        "vicreg_encoders() is not marked with @hookimpl",
    ),
    Defect(
        "argument",
        _plugin().replace("vicreg_encoders()", "vicreg_encoders(config)"),
        PluginState.INVALID,
        "registering its hooks raised PluginValidationError",
    ),
    Defect(
        "newer",
        _plugin(more=", api=99"),
        PluginState.NEEDS_NEWER_SUITE,
        "it needs a newer vicreg-suite: 'net' is written for api 99, and this suite has api 1",
    ),
)

from __future__ import annotations

import sys
import warnings

import pytest

from vicreg_core.errors import PluginError
from vicreg_core.plugins import EncoderSpec
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.loading import load_config, load_target

MODULES = {
    "loading_good": """
from pydantic import BaseModel
class Outer:
    class Net: ...
class Config(BaseModel): ...
""",
    "loading_lacks_extra": "import a_module_nobody_has.inner\n",
    "loading_lacks_other": "import another_module_nobody_has\n",
    "loading_from": "from json import no_such_name\n",
    "loading_exits": "raise SystemExit(1)\n",
    "loading_rude": "import warnings\nwarnings.showwarning = print\nNet = object\n",
}


@pytest.fixture(autouse=True)
def modules(tmp_path, monkeypatch):
    for name, source in MODULES.items():
        tmp_path.joinpath(f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def component(target: str, config: str | None = None, requires: tuple[str, ...] = ()) -> Component:
    spec = EncoderSpec(
        name="net", target=target, config=config, summary="a net", requires=requires, extra="dist-mine[net]"
    )
    return Component("encoder", "mine/net", "dist-mine 1.0", spec)


def test_targets_and_configs_resolve_to_nested_names():
    found = component("loading_good:Outer.Net", config="loading_good:Config")
    assert load_target(found) is sys.modules["loading_good"].Outer.Net
    assert load_config(found) is sys.modules["loading_good"].Config
    assert load_config(component("loading_good:Outer")) is None


def test_a_missing_module_that_is_required_is_a_missing_extra():
    with pytest.raises(PluginError, match=r"which is not installed: pip install 'dist-mine\[net\]'"):
        load_target(component("loading_lacks_extra:Net", requires=("a_module_nobody_has",)))


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("loading_lacks_other:Net", "ModuleNotFoundError: No module named 'another_module_nobody_has'"),
        ("loading_lacks_extra.inner:Net", "ModuleNotFoundError"),
        ("loading_from:Net", "ImportError: cannot import name 'no_such_name'"),
        ("loading_exits:Net", "SystemExit: 1"),
        ("loading_good:Nett", "AttributeError: module 'loading_good' has no attribute 'Nett'"),
        ("loading_good:__name__", "is a str, which cannot be called"),
    ],
)
def test_anything_else_is_a_bug_of_the_distribution(target, says):
    with pytest.raises(PluginError) as caught:
        load_target(component(target, requires=("json",)))
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"a bug in dist-mine 1.0: '{target}' of encoder 'mine/net'")


def test_a_config_that_is_no_model_is_a_bug():
    with pytest.raises(PluginError, match=r"'loading_good:Outer'.* is not a pydantic model"):
        load_config(component("loading_good:Outer.Net", config="loading_good:Outer"))


def test_importing_a_component_leaves_warnings_alone():
    before = warnings.showwarning
    assert load_target(component("loading_rude:Net")) is object
    assert warnings.showwarning is before

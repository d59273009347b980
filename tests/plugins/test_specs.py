from __future__ import annotations

import doctest

import pytest

from vicreg_core.plugins import EncoderSpec, RecipeFolder, hookspecs, specs, suggest


@pytest.mark.parametrize("module", [hookspecs, specs, suggest], ids=lambda module: module.__name__)
def test_examples_in_docstrings_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "Net"}, "name of component 'Net': expected lower-case"),
        ({"name": "a/net"}, "name of component 'a/net': expected lower-case"),
        ({"target": "module.Net"}, "target of component 'net': expected 'module:qualname'"),
        ({"config": "module"}, "config of component 'net': expected 'module:qualname'"),
        ({"summary": " "}, "summary of component 'net': expected one line"),
        ({"summary": "two\nlines"}, "summary of component 'net': expected one line"),
        ({"requires": ("torchvision")}, "requires of component 'net': expected a tuple"),
        ({"requires": ("a.b",), "extra": "a"}, "requires of component 'net': expected a tuple"),
        ({"requires": ("a",)}, "extra of component 'net': .* say what to pip install"),
    ],
)
def test_a_spec_says_what_is_wrong_with_it(given, message):
    with pytest.raises(ValueError, match=message):
        EncoderSpec(**{"name": "net", "target": "module:Net", "summary": "a net", **given})


@pytest.mark.parametrize("package", ["", "my-package", "my_package/recipes"])
def test_a_recipe_folder_needs_an_importable_package(package):
    with pytest.raises(ValueError, match="package of a recipe folder: expected an importable name"):
        RecipeFolder(package=package)

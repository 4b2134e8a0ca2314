"""Every example in a docstring does what it shows."""

import doctest
import importlib
import pkgutil

import pytest

import batchfold

MODULES = [
    module.name
    for module in pkgutil.walk_packages(batchfold.__path__, "batchfold.")
    if not module.name.startswith("batchfold.cli")
]


@pytest.mark.parametrize("name", ["batchfold", *MODULES])
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

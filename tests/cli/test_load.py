"""Loading a function: what Lambda can import, the command can, wherever it is started."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from batchfold.cli.command import app as command
from batchfold.cli.load import loaded
from batchfold.testing import sqs_event

HANDLE = "\ndef handle(event, context):\n    return found\n"
"""Ends a module that has found something by importing it."""


@pytest.fixture(name="project")
def folder_that_is_not_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path / "project"
    for name in ("stock", "models"):
        sys.modules.pop(name, None)


def write(project: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)


def found_by(file: Path | str) -> Any:
    """What the function `handle` of a file returns."""
    with loaded(f"{file}:handle") as handle:
        return handle({}, None)


@pytest.mark.parametrize(
    "line", ["from .stock import found", "from orders.stock import found", "from stock import found"]
)
@pytest.mark.parametrize("started_in", [".", "orders", ".."])
def test_a_file_of_a_package_finds_its_neighbours_by_all_three_names(
    project: Path, monkeypatch: pytest.MonkeyPatch, line: str, started_in: str
) -> None:
    """The last one is for a function whose root is the package's folder, as in the templates of AWS SAM."""
    write(project, {"orders/__init__.py": "", "orders/stock.py": "found = 12", "orders/app.py": line + HANDLE})
    monkeypatch.chdir(project / started_in)
    assert found_by(project / "orders" / "app.py") == 12
    assert found_by(os.path.relpath(project / "orders" / "app.py")) == 12


def test_a_package_in_a_package_is_imported_from_the_outermost_one(project: Path) -> None:
    app = "from ...common import found as one\nfrom shop.common import found as other\nfound = (one, other, __name__)"
    packages = dict.fromkeys(["shop/__init__.py", "shop/orders/__init__.py", "shop/orders/v1/__init__.py"], "")
    write(project, packages | {"shop/common.py": "found = object()", "shop/orders/v1/app.py": app + HANDLE})
    one, other, name = found_by(project / "shop/orders/v1/app.py")
    assert one is other
    assert name == "shop.orders.v1.app"


def test_neighbours_know_the_module_by_both_names_as_one(project: Path) -> None:
    app = "before = object()\nimport models" + HANDLE.replace("found", "len({before, *models.found})")
    models = "from app import before as one\nfrom orders.app import before as other\nfound = one, other"
    write(project, {"orders/__init__.py": "", "orders/models.py": models, "orders/app.py": app})
    assert found_by(project / "orders/app.py") == 1


def test_a_module_that_its_own_package_imports_is_run_once(project: Path) -> None:
    app = "from . import runs as found\nfound.append(1)" + HANDLE
    write(project, {"orders/__init__.py": "runs = []\nfrom .app import handle", "orders/app.py": app})
    assert found_by(project / "orders/app.py") == [1]


def test_a_function_may_be_the_packages_own(project: Path) -> None:
    write(project, {"orders/__init__.py": "from .stock import found" + HANDLE, "orders/stock.py": "found = __name__"})
    assert found_by(project / "orders/__init__.py") == "orders.stock"


def test_a_module_of_a_package_hides_none_of_the_standard_library(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "netrc", raising=False)
    app = "import netrc\nfound = netrc.__file__" + HANDLE
    write(project, {"orders/__init__.py": "", "orders/netrc.py": "", "orders/app.py": app})
    assert not Path(found_by(project / "orders/app.py")).is_relative_to(project)


def test_a_package_with_the_name_of_an_imported_one_is_none_but_its_file_runs(project: Path) -> None:
    app = "from stock import found" + HANDLE
    write(project, {"json/__init__.py": "1 / 0", "json/app.py": app, "json/stock.py": "found = 12"})
    assert found_by(project / "json/app.py") == 12


@pytest.mark.parametrize(
    "line", ["from .stock import found", "from functions.orders.stock import found", "from stock import found"]
)
def test_in_the_working_directory_a_folder_is_a_package_without_init_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    write(project, {"functions/orders/stock.py": "found = 12", "functions/orders/app.py": line + HANDLE})
    monkeypatch.chdir(project)
    assert found_by("functions/orders/app.py") == 12


@pytest.mark.parametrize("folder", [".aws-sam/build/Orders", "orders-v1.0", "1"])
def test_a_folder_may_have_a_name_that_is_no_packages(
    project: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    write(project, {f"{folder}/app.py": "from stock import found" + HANDLE, f"{folder}/stock.py": "found = 12"})
    monkeypatch.chdir(project)
    assert found_by(f"{folder}/app.py") == 12
    write(project, {f"{folder}/__init__.py": ""})
    assert found_by(f"{folder}/app.py") == 12


def test_in_the_end_nothing_of_the_function_is_left(project: Path) -> None:
    app = "from .stock import found" + HANDLE
    write(project, {"orders/__init__.py": "", "orders/stock.py": "found = 12", "orders/app.py": app})
    path, modules = list(sys.path), dict(sys.modules)
    found_by(project / "orders/app.py")
    assert (sys.path, sys.modules) == (path, modules)


def test_what_a_package_raises_is_told_from_where_the_users_code_begins(project: Path) -> None:
    event = json.dumps(sqs_event("one"))
    write(project, {"orders/__init__.py": "1 / 0", "orders/app.py": HANDLE, "event.json": event})
    arguments = ["run", f"{project}/orders/app.py:handle", "--event", f"{project}/event.json"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    _, first, *_, last = result.stderr.splitlines()
    assert first.endswith('orders/__init__.py", line 1, in <module>')
    assert last.endswith("app.py raised ZeroDivisionError")


def test_a_file_may_have_a_name_that_is_no_modules(project: Path) -> None:
    write(project, {"app.v2.py": "from stock import found" + HANDLE, "stock.py": "found = 12"})
    assert found_by(project / "app.v2.py") == 12
    write(project, {"__init__.py": ""})
    assert found_by(project / "app.v2.py") == 12

"""The import rules of the house, asserted in fresh interpreters and in the source text."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "batchfold"
HEAVY = (
    "pydantic",
    "beartype",
    "asyncio",
    "boto3",
    "logging.config",
    "concurrent.futures",
    "dataclasses",
    "typer",
    "rich",
    "click",
    "hypothesis",
    "returns.io",
    "returns.future",
    "returns.context",
)
MAY_IMPORT = {
    "core": {"core"},
    "sources": {"core", "sources"},
    "shell": {"core", "sources", "shell"},
}


def imported_in_a_fresh_interpreter(program: str) -> set[str]:
    report = f"import sys; before = set(sys.modules); {program}; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def batchfold_imports(path: Path) -> set[str]:
    """The packages of batchfold that a module imports anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] if "." in name else "" for name in names if name.split(".")[0] == "batchfold"}
    return found


def modules_of(package: str) -> list[Path]:
    return sorted((PACKAGE / package).rglob("*.py"))


MODELS = {
    f"sources.{path.stem}"
    for path in modules_of("sources")
    if "\nfrom pydantic import " in path.read_text(encoding="utf-8")
}
"""The modules of envelopes, which are pydantic models."""

EVERY_NAME = f"import batchfold; [getattr(batchfold, name) for name in batchfold.__all__ if batchfold._HOME[name] not in {MODELS}]"


@pytest.mark.parametrize("program", ["import batchfold", EVERY_NAME])
def test_import_batchfold_leaves_out_what_is_heavy(program: str) -> None:
    """Not only the package itself: every public name but the envelopes, which are pydantic models."""
    assert not imported_in_a_fresh_interpreter(program) & set(HEAVY)


def test_envelopes_alone_are_models() -> None:
    """A module that imports pydantic at its top says so; nothing else may."""
    assert {
        "sources.cloudwatch_logs",
        "sources.envelopes",
        "sources.s3_notifications",
        "sources.table_changes",
    } == MODELS
    for name in MODELS:
        assert "This module imports pydantic." in (PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")


def test_what_is_not_asked_for_is_not_imported() -> None:
    first_program = imported_in_a_fresh_interpreter(
        "from batchfold import PartialResponse, SqsRecord, process_batch, sqs"
    )
    others = ("sources.kinesis", "sources.dynamodb", "sources.kafka", "shell.lambda_handler", "shell.side_by_side")
    assert not first_program & {f"batchfold.{name}" for name in others}


def test_a_source_without_a_type_leaves_pydantic_out() -> None:
    program = "import batchfold as b; b.sqs(), b.kinesis(), b.dynamodb(), b.kafka(), b.sqs(decode=str)"
    assert "pydantic" not in imported_in_a_fresh_interpreter(program)


def test_pydantic_comes_with_a_type() -> None:
    assert "pydantic" in imported_in_a_fresh_interpreter("import batchfold; batchfold.sqs(list[int])")


def test_a_synchronous_batch_leaves_asyncio_out() -> None:
    program = (
        "import batchfold, returns.result as r;"
        "event = {'Records': [{'messageId': 'm', 'eventSource': 'aws:sqs', 'body': ''}]};"
        "f = batchfold.as_lambda_handler(lambda record: r.Success(None), batchfold.sqs());"
        "assert f(event, None) == {'batchItemFailures': []}"
    )
    assert not imported_in_a_fresh_interpreter(program) & {"asyncio", "concurrent.futures", "pydantic"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_dependencies_point_downwards(package: str) -> None:
    for path in modules_of(package):
        assert batchfold_imports(path) <= MAY_IMPORT[package], path


@pytest.mark.parametrize("package", ["core", "sources", "shell", "powertools", "cli"])
def test_nothing_imports_testing_but_itself(package: str) -> None:
    for path in modules_of(package):
        assert "testing" not in batchfold_imports(path) or package == "cli", path


@pytest.mark.parametrize("path", [*modules_of("core")], ids=lambda path: path.name)
def test_core_imports_only_returns_and_pure_parts_of_the_standard_library(path: Path) -> None:
    """And pydantic_core, inside functions that are reached by those alone who use pydantic."""
    pure = {
        "__future__",
        "binascii",
        "collections",
        "contextlib",
        "functools",
        "heapq",
        "operator",
        "typing",
        "typing_extensions",
        "returns",
        "batchfold",
        "pydantic_core",
        "inspect",
        "types",
    }
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.module.split(".")[0] in pure
        elif isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= pure


def test_each_file_imports_alone() -> None:
    """No module depends on another one having been imported first."""
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for package in MAY_IMPORT
        for path in modules_of(package)
    ]
    program = ";".join(f"importlib.import_module({name!r})" for name in names)
    imported_in_a_fresh_interpreter(f"import importlib; {program}")

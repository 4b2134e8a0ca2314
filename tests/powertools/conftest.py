"""Both libraries, each as one thing that has the names of `batchfold.powertools`."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import batchfold.powertools

NAMES: list[str] = vars(batchfold.powertools)["__all__"]  # hidden from the checkers, with what looks names up
THEIR_MODULES = (
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.batch.base",
    "aws_lambda_powertools.utilities.batch.exceptions",
    "aws_lambda_powertools.utilities.batch.types",
    "aws_lambda_powertools.warnings",
    "aws_lambda_powertools.utilities.data_classes.sqs_event",
    "aws_lambda_powertools.utilities.data_classes.kinesis_stream_event",
    "aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event",
    "aws_lambda_powertools.utilities.data_classes.kafka_event",
    "aws_lambda_powertools.utilities.parser.models",
    "aws_lambda_powertools.utilities.data_classes.s3_event",
    "aws_lambda_powertools.utilities.data_classes.sns_event",
    "aws_lambda_powertools.utilities.parser.models.dynamodb",
    "aws_lambda_powertools.utilities.parser.models.kafka",
)


@pytest.fixture(scope="session")
def ours() -> Any:
    return batchfold.powertools


@pytest.fixture(scope="session")
def theirs() -> Any:
    """Their names, gathered in a module `powertools_names` from which programs can import them."""
    pytest.importorskip("aws_lambda_powertools")
    import_module("pydantic")  # their types depend on whether it is there already
    names = ModuleType("powertools_names")
    for module in map(import_module, THEIR_MODULES):
        vars(names).update({name: getattr(module, name) for name in NAMES if hasattr(module, name)})
    sys.modules[names.__name__] = names
    return names


@pytest.fixture(scope="session", params=["batchfold", "Powertools"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("ours" if request.param == "batchfold" else "theirs")

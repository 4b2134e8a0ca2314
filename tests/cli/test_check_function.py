"""`batchfold check --function`: the mapping beside the source and the options that the function was made with."""

from pathlib import Path

import pytest
from tests.cli.check_scenes import (
    DYNAMODB,
    KAFKA,
    KINESIS,
    PIPE_OF_KINESIS,
    PIPE_OF_SQS,
    SQS,
    Template,
    changed,
    check_template,
    names,
)

from batchfold.cli.check_made import Made, NotCalledError, made_by

FIFO = changed(SQS, {"Source.FifoQueue": True})
WINDOWED = changed(KINESIS, {"Connection.TumblingWindowInSeconds": 60})

CODE = """
from types import SimpleNamespace

from batchfold import (
    UnexpectedEventError, by_item_key, by_message_group, by_partition_key, dynamodb, each_record, kafka, kinesis, pipes, sqs,
    windowed
)


def lambda_handler(event, context): ...


lambda_handler.batchfold = SimpleNamespace(source=SOURCE, raise_on=RAISE_ON)
"""


def make(folder: Path, source: str, raise_on: str = "None") -> Made:
    code = CODE.replace("SOURCE", source).replace("RAISE_ON", raise_on)
    (folder / "app.py").write_text(code)
    return made_by(f"{folder}/app.py:lambda_handler")


@pytest.mark.parametrize(
    ("rule", "mapped", "source"),
    [
        ("source", SQS, "kinesis()"),
        ("source", KINESIS, "dynamodb()"),
        ("source", KAFKA, "sqs()"),
        ("source", PIPE_OF_SQS, "sqs()"),
        ("source", SQS, "pipes(sqs())"),
        ("window-source", WINDOWED, "kinesis()"),
        ("window-source", KINESIS, "windowed(kinesis(), dict[str, int])"),
        ("fifo-lane", FIFO, "sqs()"),
        ("fifo-lane", FIFO, "sqs(lane=each_record)"),
        ("stream-lane", KINESIS, "kinesis(lane=each_record)"),
        ("stream-lane", DYNAMODB, "dynamodb(lane=each_record)"),
    ],
)
def test_a_function_that_does_not_fit_its_mapping_breaks_a_rule(
    tmp_path: Path, rule: str, mapped: Template, source: str
) -> None:
    assert names(check_template(tmp_path, mapped, make(tmp_path, source))) == [rule]


@pytest.mark.parametrize(
    ("mapped", "source"),
    [
        (SQS, "sqs()"),
        (FIFO, "sqs(lane=by_message_group)"),
        (KINESIS, "kinesis()"),
        (KINESIS, "kinesis(lane=by_partition_key)"),
        (WINDOWED, "windowed(kinesis(), dict[str, int])"),
        (DYNAMODB, "dynamodb(lane=by_item_key)"),
        (KAFKA, "kafka()"),
        (KAFKA, "kafka(lane=each_record)"),
        (PIPE_OF_SQS, "pipes(sqs())"),
        (PIPE_OF_KINESIS, "pipes(kinesis(lane=each_record))"),
    ],
)
def test_a_function_that_fits_its_mapping_breaks_none(tmp_path: Path, mapped: Template, source: str) -> None:
    found = check_template(tmp_path, mapped, make(tmp_path, source))
    assert (names(found), found.open) == ([], [])


@pytest.mark.parametrize("source", ["sqs()", "sqs().replace(raise_on='never')"])
def test_a_function_that_raises_for_any_failure_wants_no_partial_response(tmp_path: Path, source: str) -> None:
    made = make(tmp_path, source, "'any_failure'")
    assert names(check_template(tmp_path, SQS, made)) == ["raise-on"]
    assert names(check_template(tmp_path, changed(SQS, {"Connection.FunctionResponseTypes": None}), made)) == []


def test_a_source_may_say_when_to_raise(tmp_path: Path) -> None:
    made = make(tmp_path, "sqs().replace(raise_on='any_failure')")
    assert names(check_template(tmp_path, SQS, made)) == ["raise-on"]


def test_a_function_that_does_not_say_what_it_was_made_with_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def lambda_handler(event, context): ...")
    found = check_template(tmp_path, FIFO, made_by(f"{tmp_path}/app.py:lambda_handler"))
    assert names(found) == []
    assert [question.rule.name for question in found.open] == ["source"]


def two_functions(folder: Path) -> Template:
    """A template in which another function has the same handler, in another folder, and a mapping that it does not fit."""
    content = changed(SQS, {"Function.CodeUri": "."})
    resources = content["Resources"]
    resources["Function"]["Type"] = "AWS::Serverless::Function"
    resources["Other"] = changed(content, {"Function.CodeUri": "other"})["Resources"]["Function"]
    settings = {"Connection.FunctionName": {"Ref": "Other"}, "Connection.EventSourceArn": "arn:aws:kinesis:::stream/s"}
    resources["OfOther"] = changed(KINESIS, settings)["Resources"]["Connection"]
    (folder / "other").mkdir()
    (folder / "other" / "app.py").write_text("")
    return content


def test_only_the_mappings_that_call_the_function_are_compared_with_it(tmp_path: Path) -> None:
    content = two_functions(tmp_path)
    assert names(check_template(tmp_path, content, make(tmp_path, "sqs()"))) == []
    assert names(check_template(tmp_path, content, make(tmp_path / "other", "sqs()"))) == ["source"]


def test_without_the_folder_the_handler_tells_which_function_it_is(tmp_path: Path) -> None:
    nested = changed(SQS, {"Function.Handler": "src/app.lambda_handler"})
    assert names(check_template(tmp_path, nested, make(tmp_path, "kinesis()"))) == ["source"]


def test_a_function_that_nothing_calls_is_an_error(tmp_path: Path) -> None:
    other = changed(SQS, {"Function.Handler": "other.lambda_handler"})
    with pytest.raises(NotCalledError, match=r"handler app\.lambda_handler"):
        check_template(tmp_path, other, make(tmp_path, "sqs()"))

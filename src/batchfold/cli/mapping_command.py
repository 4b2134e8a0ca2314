"""The command `batchfold mapping`: print a right mapping to copy.

Everything that decides which snippet is printed is in this file. The snippets pass `batchfold check`.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, TypeAlias

import typer

from batchfold.cli import mapping_cdk, mapping_sam, mapping_terraform
from batchfold.cli.report import write, writing

MappingSource: TypeAlias = Literal["sqs", "kinesis", "dynamodb", "kafka"]
MappingFormat: TypeAlias = Literal["sam", "cdk", "terraform"]

_QUEUES: Mapping[MappingFormat, Callable[..., str]] = {
    "sam": mapping_sam.sqs,
    "cdk": mapping_cdk.sqs,
    "terraform": mapping_terraform.sqs,
}
_OTHERS: Mapping[tuple[MappingSource, MappingFormat], Callable[[], str]] = {
    ("kinesis", "sam"): mapping_sam.kinesis,
    ("kinesis", "cdk"): mapping_cdk.kinesis,
    ("kinesis", "terraform"): mapping_terraform.kinesis,
    ("dynamodb", "sam"): mapping_sam.dynamodb,
    ("dynamodb", "cdk"): mapping_cdk.dynamodb,
    ("dynamodb", "terraform"): mapping_terraform.dynamodb,
    ("kafka", "sam"): mapping_sam.kafka,
    ("kafka", "cdk"): mapping_cdk.kafka,
    ("kafka", "terraform"): mapping_terraform.kafka,
}


def snippet(source: MappingSource, form: MappingFormat, *, fifo: bool = False) -> str:
    """Return a mapping of the source, with the function, and where failures end."""
    return _QUEUES[form](fifo=fifo) if source == "sqs" else _OTHERS[source, form]()


def mapping(
    source: Annotated[MappingSource, typer.Argument(help="What the function reads.")],
    *,
    form: Annotated[MappingFormat, typer.Option("--format", help="The language to write it in.")] = "sam",
    fifo: Annotated[bool, typer.Option("--fifo", help="The queue is FIFO.")] = False,
) -> None:
    """Print a right mapping to copy.

    Lambda reads the partial response, retries end, and what fails goes where it can be found. `batchfold check` has
    nothing against it.
    """
    if fifo and source != "sqs":
        raise typer.BadParameter(f"--fifo is for queues, got it with {source}")
    with writing("the mapping"):
        write(snippet(source, form, fifo=fifo))

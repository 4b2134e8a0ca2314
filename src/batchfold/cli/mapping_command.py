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

_LANGUAGES: Mapping[MappingFormat, tuple[Callable[..., str], Mapping[str, str]]] = {
    "sam": (mapping_sam.sqs, mapping_sam.STREAMS),
    "cdk": (mapping_cdk.sqs, mapping_cdk.STREAMS),
    "terraform": (mapping_terraform.sqs, mapping_terraform.STREAMS),
}


def snippet(source: MappingSource, form: MappingFormat, *, fifo: bool = False) -> str:
    """Return a mapping of the source, with the function, and where failures end."""
    sqs, streams = _LANGUAGES[form]
    return sqs(fifo=fifo) if source == "sqs" else streams[source]


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

"""What the translator raises."""

from collections.abc import Sequence

class ExceptionWithMessage(Exception):  # noqa: N818  # its name in the package
    """An objection."""

    @property
    def message(self) -> str: ...

class InvalidDocumentException(ExceptionWithMessage):
    """All objections to a template."""

    @property
    def causes(self) -> Sequence[ExceptionWithMessage]: ...

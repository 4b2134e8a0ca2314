"""From SAM's resources to CloudFormation's."""

from typing import Any

from boto3.session import Session
from samtranslator.parser.parser import Parser

class Metrics:
    """Measures of the translator, for AWS."""

    def publish(self) -> None: ...

class Translator:
    """The translator."""

    metrics: Metrics

    def __init__(
        self, managed_policy_map: dict[str, str] | None, sam_parser: Parser, *, boto_session: Session | None = None
    ) -> None: ...
    def translate(self, sam_template: dict[str, Any], parameter_values: dict[str, Any]) -> dict[str, Any]: ...

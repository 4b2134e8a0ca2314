"""The linter as a function."""

from cfnlint.config import ManualArgs
from cfnlint.match import Match

def lint(
    s: str, rules: None = None, regions: list[str] | None = None, config: ManualArgs | None = None
) -> list[Match]: ...

"""The results of `batchfold check`: findings, and what it could not tell.

Everything that a rule consists of is in this file: its name, its weight, the question that it asks of a connection, and
the three answers that there are: nothing to say (`None`), `Broken`, and `Unknown`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from batchfold.cli.check_model import Connection, Kind, Part, Place, Unknown
from batchfold.cli.check_remedies import Remedy

Level: TypeAlias = Literal["error", "warning"]
"""An error loses records, or is refused by AWS; a warning repeats, delays or blocks them."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule is broken."""

    says: str
    """The setting as it is, in a sentence."""
    why: str
    """The consequence, in a sentence."""
    remedy: Remedy
    at: Part | None = None
    """The part whose setting it is; left out, it is the mapping or the pipe."""
    setting: str = ""
    """The setting, for its line."""


Answer: TypeAlias = Broken | Unknown | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A connection, and everything else that a rule may look at."""

    connection: Connection
    siblings: Sequence[Connection] = ()
    """All connections of the file, this one too."""
    made: object = None
    """The parts that the function was made with, if `--function` names the one that is called here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, known to users by its name."""

    name: str
    level: Level
    summary: str
    """The demand of the rule, in a sentence."""
    ask: Callable[[Subject], Answer]
    pages: dict[Kind, str]
    """AWS's page for each source."""

    def page(self, kind: Kind) -> str:
        """Return the address of AWS's page."""
        return self.pages.get(kind) or next(iter(self.pages.values()))


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken, and where."""

    rule: Rule
    connection: Connection
    broken: Broken

    @property
    def place(self) -> Place:
        """The position to look at."""
        part = self.broken.at or self.connection.part
        return part.place_of(self.broken.setting)

    @property
    def resource(self) -> str:
        """The resource to change."""
        return self.broken.at.name if self.broken.at is not None else self.connection.label

    @property
    def write(self) -> str:
        """The lines to write, in the language of the file."""
        return self.broken.remedy.text(self.broken.at or self.connection.part)


@dataclass(frozen=True, slots=True)
class Open:
    """A question that the file does not answer."""

    rule: Rule
    connection: Connection
    why: str

    @property
    def place(self) -> Place:
        """The position to look at."""
        return self.connection.part.place


def judged(subject: Subject, rules: Sequence[Rule]) -> list[Finding | Open]:
    """Return what the rules find out about a connection."""
    found: list[Finding | Open] = []
    for rule in rules:
        answer = rule.ask(subject)
        if isinstance(answer, Broken):
            found.append(Finding(rule, subject.connection, answer))
        elif isinstance(answer, Unknown):
            found.append(Open(rule, subject.connection, answer.why))
    return found

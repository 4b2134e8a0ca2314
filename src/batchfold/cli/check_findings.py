"""A rule of `batchfold check`, and the two results that it may have: a finding, and a question that stays open.

Everything that a rule consists of is in this file: its name, its weight, and the question that it asks of a connection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from batchfold.cli.check_made import Made
from batchfold.cli.check_model import Connection, Kind, NotKnownError, Part, Place
from batchfold.cli.check_remedies import Remedy

GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg"

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


@dataclass(frozen=True, slots=True)
class Subject:
    """A connection, and everything else that a rule may look at."""

    connection: Connection
    siblings: Sequence[Connection]
    """All connections of the file, this one too."""
    made: Made | None
    """The parts that the function was made with, if `--function` names the one that is called here."""


Ask: TypeAlias = Callable[[Subject], Broken | None]
"""The question of a rule. It raises `NotKnownError` where the file does not answer it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, known to users by its name."""

    name: str
    level: Level
    summary: str
    """The demand of the rule, in a sentence."""
    pages: Mapping[Kind, str]
    """AWS's page for each source; the first one is that of all others."""
    ask: Ask


class Rules(list[Rule]):
    """Rules in the order in which they are asked, each added by decorating the function that asks its question."""

    def add(self, name: str, level: Level, summary: str, pages: Mapping[Kind, str]) -> Callable[[Ask], Ask]:
        """Return a decorator that adds a rule and leaves the function as it is."""

        def add(ask: Ask) -> Ask:
            self.append(Rule(name, level, summary, pages, ask))
            return ask

        return add


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken, and where."""

    rule: Rule
    connection: Connection
    broken: Broken

    @property
    def part(self) -> Part:
        """The part to change."""
        return self.broken.at or self.connection.part

    @property
    def place(self) -> Place:
        """The position to look at."""
        return self.part.place_of(self.broken.setting)

    @property
    def resource(self) -> str:
        """The resource to change."""
        return self.connection.label if self.broken.at is None else self.broken.at.name

    @property
    def sentences(self) -> str:
        """The resource, its setting and the consequence."""
        return f"{self.resource}: {self.broken.says} {self.broken.why}"

    @property
    def write(self) -> str:
        """The lines to write, in the language of the file."""
        return self.broken.remedy.text(self.part)

    @property
    def page(self) -> str:
        """The address of AWS's page."""
        pages = self.rule.pages
        return pages.get(self.connection.kind) or next(iter(pages.values()))

    @property
    def text(self) -> str:
        """Everything that there is to say, for a program that shows it beside the line."""
        return f"{self.sentences}\nWrite:\n{self.write}\nSee {self.page}"


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
        try:
            broken = rule.ask(subject)
        except NotKnownError as error:
            found.append(Open(rule, subject.connection, str(error)))
        else:
            if broken is not None:
                found.append(Finding(rule, subject.connection, broken))
    return found

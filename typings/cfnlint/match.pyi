"""A complaint about a template."""

class Rule:
    """What complains."""

    id: str

class Match:
    """A complaint."""

    linenumber: int
    message: str
    rule: Rule

"""Where segments are kept: in the thread."""

class Context:
    def __init__(self, context_missing: str = "LOG_ERROR") -> None: ...

"""Event loops that run while they are running."""

from asyncio import AbstractEventLoop

def apply(loop: AbstractEventLoop | None = None) -> None: ...

"""Where segments are kept: in the task."""

from asyncio import AbstractEventLoop

from aws_xray_sdk.core.context import Context

class AsyncContext(Context):
    def __init__(
        self,
        context_missing: str = "LOG_ERROR",
        *,
        loop: AbstractEventLoop | None = None,
        use_task_factory: bool = True,
    ) -> None: ...

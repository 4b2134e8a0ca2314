"""The recorder, which makes segments and subsegments."""

from contextlib import AbstractContextManager
from typing import Protocol

from aws_xray_sdk.core.context import Context

class Entity:
    """A segment or a subsegment."""

    name: str
    id: str
    subsegments: list[Subsegment]

class Segment(Entity): ...

class Subsegment(Entity):
    parent_segment: Segment

class Emitter(Protocol):
    def send_entity(self, entity: Entity) -> object: ...

class Recorder:
    def configure(
        self,
        *,
        service: str | None = None,
        sampling: bool | None = None,
        context: Context | None = None,
        emitter: Emitter | None = None,
    ) -> None: ...
    def in_segment(self, name: str) -> AbstractContextManager[Segment]: ...
    def in_subsegment(self, name: str) -> AbstractContextManager[Subsegment | None]: ...
    def get_trace_entity(self) -> Entity | None: ...
    def set_trace_entity(self, trace_entity: Entity | None) -> None: ...
    def clear_trace_entities(self) -> None: ...

xray_recorder: Recorder

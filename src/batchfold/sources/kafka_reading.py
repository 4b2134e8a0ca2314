"""Reading an event of Kafka: its records stand in lists, one for each partition of a topic."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from batchfold.core._guards import is_list, is_mapping
from batchfold.core.records import KafkaItemId, RawRecord
from batchfold.sources.reading import a_kind_of, check_event_source, checked_event, quoted, refuse

_NAME = "Kafka"
_EVENT_SOURCES = ("aws:kafka", "aws:SelfManagedKafka")

_topic_of = itemgetter("topic")
_partition_of = itemgetter("partition")
_offset_of = itemgetter("offset")


def read_kafka(delivered: object) -> tuple[Sequence[RawRecord], Sequence[KafkaItemId]]:
    """Read an event of Amazon MSK or of a self-managed cluster; a `ReadEvent`.

    Records arrive in the order of the mapping and of the lists in it. The topic and the partition of a record must be
    those of the key that lists it: the response names a record by that key and its offset.
    """
    event = checked_event(delivered, _NAME)
    check_event_source(event, _EVENT_SOURCES, _NAME, "the event")
    lists = event.get("records")
    if not is_mapping(lists):
        found = a_kind_of(lists) if "records" in event else "an event without 'records'"
        refuse(f"expected an event of {_NAME}, with a mapping of lists of records under 'records', found {found}")
    raws: list[RawRecord] = []
    item_ids: list[KafkaItemId] = []
    for key, listed in lists.items():
        where = f"records[{quoted(key)}]"
        if not is_list(listed):
            refuse(f"expected {where} of an event of {_NAME} to be a list of records, found {a_kind_of(listed)}")
        # all at once first, one by one only where something is off, as for the other sources
        offsets = _offsets_if_all_is_well(key, listed)
        if offsets is None:
            offsets = [_checked_offset(key, f"{where}[{position}]", raw) for position, raw in enumerate(listed)]
        raws += listed
        item_ids.extend({"partition": key, "offset": offset} for offset in offsets)
    return raws, item_ids


def _offsets_if_all_is_well(key: object, raws: Sequence[Any]) -> list[int] | None:
    try:
        topics = set(map(_topic_of, raws))
        partitions = list(map(_partition_of, raws))
        offsets = list(map(_offset_of, raws))
    except (KeyError, TypeError, IndexError):
        return None
    types = {*map(type, partitions), *map(type, offsets)}
    if not ({*map(type, raws)} <= {dict} and {*map(type, topics)} <= {str} and types <= {int} and all(topics)):
        return None
    pairs = set(zip(map(_topic_of, raws), partitions, strict=True))
    well = all(partition >= 0 and f"{topic}-{partition}" == key for topic, partition in pairs)
    return offsets if well and min(offsets, default=0) >= 0 else None


def _checked_offset(key: object, where: str, raw: object) -> int:
    if not is_mapping(raw):
        refuse(f"expected {where} of an event of {_NAME} to be a mapping, found {a_kind_of(raw)}")
    topic, partition, offset = raw.get("topic"), raw.get("partition"), raw.get("offset")
    if not isinstance(topic, str) or not topic:
        refuse(f"expected 'topic' of {where} to be text that is not empty, found {quoted(topic)}")
    for name, number in (("partition", partition), ("offset", offset)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            refuse(f"expected {name!r} of {where} to be a whole number from 0 on, found {quoted(number)}")
    if f"{topic}-{partition}" != key:
        refuse(
            f"expected {where} to be listed under its own topic and partition, {quoted(f'{topic}-{partition}')}: "
            "which of the two would name it to Lambda cannot be told"
        )
    checked: int = raw["offset"]
    return checked

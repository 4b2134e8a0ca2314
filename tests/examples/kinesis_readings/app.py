"""Keep the highest reading of each sensor, from a Kinesis stream. The function raises, and `safe` makes it a handler."""

from dataclasses import dataclass

from returns.result import safe

from batchfold import KinesisRecord, as_lambda_handler, kinesis

highest: dict[str, float] = {}


@dataclass(frozen=True)
class Reading:
    sensor: str
    celsius: float


class BrokenSensorError(Exception): ...


def keep(record: KinesisRecord[Reading]) -> None:
    reading = record.data
    if reading.celsius < -273.15:
        raise BrokenSensorError(reading.sensor)
    highest[reading.sensor] = max(reading.celsius, highest.get(reading.sensor, reading.celsius))


# a second is kept for what is being handled; what was not started by then comes back
lambda_handler = as_lambda_handler(safe(keep), kinesis(Reading), reserve_ms=1_000)

"""Fields: times of any unit, and numbers of any size."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchfold.core.faults import PayloadError
from batchfold.sources.fields import moment_from, moment_from_ms, number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001  # given a zone right here


@given(moments)
def test_a_time_is_read_from_seconds_milliseconds_microseconds_and_nanoseconds(moment: datetime) -> None:
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    milliseconds = microseconds // 1_000
    assert moment_from(microseconds) == moment
    assert moment_from(microseconds * 1_000) == moment
    assert moment_from(milliseconds) == EPOCH + timedelta(milliseconds=milliseconds)
    assert moment_from_ms(str(milliseconds)) == EPOCH + timedelta(milliseconds=milliseconds)
    assert moment_from(microseconds // 1_000_000) == moment.replace(microsecond=0)
    assert abs(moment_from(microseconds / 1_000_000) - moment) <= timedelta(microseconds=1)


@pytest.mark.parametrize("number_that_is_none", [float("inf"), float("-inf"), float("nan"), 1e305, -1e305])
def test_a_time_that_is_not_finite_is_refused(number_that_is_none: float) -> None:
    with pytest.raises(PayloadError, match="not finite"):
        moment_from(number_that_is_none)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20))
def test_a_number_is_whole_or_exact(value: Decimal) -> None:
    read = number(str(value))
    assert read == value
    assert isinstance(read, int) == (value == value.to_integral_value())


@pytest.mark.parametrize("digits", ["1E+999999999", "-9E+1000000"])
def test_a_number_of_a_few_characters_never_fills_the_memory(digits: str) -> None:
    assert number(digits) == Decimal(digits)


@pytest.mark.parametrize("digits", ["", "s3cr3t", "1,5", "--1"])
def test_text_that_is_no_number_is_refused_without_a_quote(digits: str) -> None:
    with pytest.raises(PayloadError, match="expected a number, found another text") as caught:
        number(digits)
    assert caught.value.__context__ is None

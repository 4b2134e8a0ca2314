"""Transform clicks on their way to S3: without bots, one line each, partitioned by country. Others are kept as they came."""

from pydantic import BaseModel
from returns.result import Failure, Result, Success

from batchfold import Dropped, FirehoseOut, FirehoseRecord, as_lambda_handler, firehose

COUNTRIES = {"de": "Germany", "fr": "France"}


class Click(BaseModel):
    path: str
    country: str
    agent: str


class UnknownCountryError(Exception): ...


def transform(record: FirehoseRecord[Click]) -> Result[FirehoseOut | Dropped, UnknownCountryError]:
    click = record.data
    if "bot" in click.agent:
        return Success(Dropped())
    if click.country not in COUNTRIES:
        return Failure(UnknownCountryError(click.country))
    line = click.model_dump_json(exclude={"agent"}) + "\n"
    return Success(FirehoseOut(line.encode(), partition_keys={"country": COUNTRIES[click.country]}))


# what fails, or would not parse, is ProcessingFailed: Firehose writes it to the error output, as it came
lambda_handler = as_lambda_handler(transform, firehose(Click))

"""Powertools' Logger: structured keys for each record, and batchfold's own lines in the same form."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from returns.result import Result, Success

from batchfold import SqsRecord, as_lambda_handler, sqs

logger = Logger(service="orders", level="INFO")
copy_config_to_registered_loggers(logger, include={"batchfold"})


def reserve(record: SqsRecord[int]) -> Result[int, str]:
    with logger.append_context_keys(message_id=record.message_id):
        logger.info("reserving")
        return Success(record.body)


lambda_handler = as_lambda_handler(reserve, sqs(int))

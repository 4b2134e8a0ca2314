"""What returns has already: `safe` for exceptions, `map` and `alt` for values and errors, `lash` for another try."""

from returns.result import Result, safe

from batchfold import SqsRecord, as_lambda_handler, sqs

stock = {"pen": 3}
elsewhere = {"ink": 1}


class OutOfStock(Exception): ...  # noqa: N818  # it is no error of ours


@safe(exceptions=(KeyError,))
def take(name: str) -> int:
    return stock[name]


@safe(exceptions=(KeyError,))
def order_elsewhere(error: KeyError) -> int:
    return elsewhere[error.args[0]]


def reserve(record: SqsRecord) -> Result[str, OutOfStock]:
    left = take(record.body).lash(order_elsewhere)  # pyright: ignore[reportUnknownMemberType]  # returns leaves Any in it
    return left.map(lambda count: f"{record.body}: {count}").alt(lambda error: OutOfStock(error.args[0]))


lambda_handler = as_lambda_handler(reserve, sqs())

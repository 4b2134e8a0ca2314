"""What a cold start pays: programs that import, and build what a Lambda function needs at its top level."""

_MODEL = """
from pydantic import BaseModel
class Order(BaseModel):
    id: str
    quantity: int
"""

IMPORTS = [
    (
        "import and a source",
        "import batchfold; batchfold.sqs()",
        "from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType; BatchProcessor(EventType.SQS)",
        0.40,
    ),
    (
        "import and a source with a model",
        f"{_MODEL}\nimport batchfold\nbatchfold.sqs(Order)",
        f"""{_MODEL}
from pydantic import Json
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
class Message(SqsRecordModel):
    body: Json[Order]
BatchProcessor(EventType.SQS, model=Message)
""",
        0.75,
    ),
]
"""Name, our program, the peer's, and the most that ours may take of it, both above an empty interpreter."""

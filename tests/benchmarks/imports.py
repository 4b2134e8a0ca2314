"""What a cold start pays: programs that import, and build what a Lambda function needs at its top level."""

_MODEL = """
from pydantic import BaseModel
class Order(BaseModel):
    id: str
    quantity: int
"""

_EVENT = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": ""}]}

IMPORTS = [
    (
        "import and a source",
        "import batchfold; batchfold.sqs()",
        "from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType; BatchProcessor(EventType.SQS)",
        0.5,  # 15 ms of it is `logging`, which Lambda's runtime has imported already
    ),
    (
        "a whole function and its first call",
        f"""from returns.result import Success
from batchfold import as_lambda_handler, sqs
def handle(record):
    return Success(None)
lambda_handler = as_lambda_handler(handle, sqs())
lambda_handler({_EVENT}, None)
""",
        f"""from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
processor = BatchProcessor(EventType.SQS)
def handle(record):
    return None
def lambda_handler(event, context):
    return process_partial_response(event, handle, processor, context)
lambda_handler({_EVENT}, None)
""",
        0.6,
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

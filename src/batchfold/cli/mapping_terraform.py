"""A right mapping for each source in Terraform's language: the mapping, the source, where failures end, and the policies.

Terraform grants nothing by itself, so the statements that the function's role needs are written out.
"""

_FUNCTION = """\
resource "aws_lambda_function" "function" {
  function_name = "function"
  runtime       = "python3.13"
  handler       = "app.lambda_handler"
  filename      = "function.zip"
  timeout       = 30
  role          = aws_iam_role.function.arn
}

resource "aws_iam_role" "function" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/POLICY"
}

"""

_TO_DEAD_LETTERS = """\
resource "aws_iam_role_policy" "dead_letters" {
  role = aws_iam_role.function.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = aws_sqs_queue.dead_letters.arn
    }]
  })
}

"""

_DEAD_LETTERS = """\
resource "aws_sqs_queue" "dead_letters" {
  name                      = "dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest that there is
}
"""

_OF_STREAM = """\
  starting_position = "TRIM_HORIZON"
  batch_size        = 100

  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  maximum_retry_attempts         = 10

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

"""


def _function(policy: str) -> str:
    return _FUNCTION.replace("POLICY", policy)


def sqs(*, fifo: bool) -> str:
    """Return the resources for a queue."""
    queue = f"""\
resource "aws_sqs_queue" "queue" {{
  name                       = "queue"
  visibility_timeout_seconds = 180 # six times the function's timeout, plus the batching window if there is one
  redrive_policy = jsonencode({{
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  }})
}}

{_DEAD_LETTERS}"""
    if fifo:
        queue = queue.replace(
            '  name                       = "queue"\n',
            '  name                       = "queue.fifo"\n  fifo_queue                 = true\n',
        ).replace(
            '  name                      = "dead-letters"\n',
            '  name                      = "dead-letters.fifo"\n  fifo_queue                = true\n',
        )
    return f"""\
resource "aws_lambda_event_source_mapping" "queue" {{
  event_source_arn        = aws_sqs_queue.queue.arn
  function_name           = aws_lambda_function.function.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
}}

{_function("AWSLambdaSQSQueueExecutionRole")}{queue}"""


STREAMS = {
    "kinesis": f"""\
resource "aws_lambda_event_source_mapping" "stream" {{
  event_source_arn  = aws_kinesis_stream.stream.arn
  function_name     = aws_lambda_function.function.arn
{_OF_STREAM}\
{_function("AWSLambdaKinesisExecutionRole")}{_TO_DEAD_LETTERS}\
resource "aws_kinesis_stream" "stream" {{
  name = "stream"
  stream_mode_details {{
    stream_mode = "ON_DEMAND"
  }}
}}

{_DEAD_LETTERS}""",
    "dynamodb": f"""\
resource "aws_lambda_event_source_mapping" "changes" {{
  event_source_arn  = aws_dynamodb_table.table.stream_arn
  function_name     = aws_lambda_function.function.arn
{_OF_STREAM}\
{_function("AWSLambdaDynamoDBExecutionRole")}{_TO_DEAD_LETTERS}\
resource "aws_dynamodb_table" "table" {{
  name             = "table"
  billing_mode     = "PAY_PER_REQUEST"
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {{
    name = "id"
    type = "S"
  }}
}}

{_DEAD_LETTERS}""",
    "kafka": f"""\
variable "cluster_arn" {{
  type = string
}}

variable "topic" {{
  type = string
}}

resource "aws_lambda_event_source_mapping" "topic" {{
  event_source_arn = var.cluster_arn
  function_name    = aws_lambda_function.function.arn
  topics           = [var.topic]

  provisioned_poller_config {{ # Lambda reads partial responses of Kafka in provisioned mode only
    minimum_pollers = 1
    maximum_pollers = 2
  }}

{_OF_STREAM}\
{_function("AWSLambdaMSKExecutionRole")}{_TO_DEAD_LETTERS}# the cluster's VPC needs an endpoint for SQS
{_DEAD_LETTERS}""",
}
"""A file of resources for each of the other sources."""

"""A right mapping for each source as a SAM template: the function, the mapping, the source, and where failures end.

SAM gives the function the policies that reading the source and writing to the destination need; a cluster of Kafka may
demand more.
"""

_HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
"""

_FUNCTION = """\
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.lambda_handler
      CodeUri: src/
      Timeout: 30
      Events:
"""

_DEAD_LETTERS = """\
  DeadLetters:
    Type: AWS::SQS::Queue
    Properties:
      MessageRetentionPeriod: 1209600 # 14 days, the longest that there is
"""

_RETRIES = """\
            FunctionResponseTypes:
              - ReportBatchItemFailures
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 10
            DestinationConfig:
              OnFailure:
                Type: SQS
                Destination: !GetAtt DeadLetters.Arn
"""


def sqs(*, fifo: bool) -> str:
    """Return a template for a queue."""
    is_fifo = "      FifoQueue: true\n" if fifo else ""
    dead_letters = _DEAD_LETTERS.replace("    Properties:\n", f"    Properties:\n{is_fifo}")
    return f"""{_HEAD}{_FUNCTION}\
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Queue.Arn
            BatchSize: 10
            FunctionResponseTypes:
              - ReportBatchItemFailures
  Queue:
    Type: AWS::SQS::Queue
    Properties:
{is_fifo}\
      VisibilityTimeout: 180 # six times the function's timeout, plus the batching window if there is one
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt DeadLetters.Arn
        maxReceiveCount: 5
{dead_letters}"""


STREAMS = {
    "kinesis": f"""{_HEAD}{_FUNCTION}\
        Stream:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Stream.Arn
            StartingPosition: TRIM_HORIZON
            BatchSize: 100
{_RETRIES}\
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      StreamModeDetails:
        StreamMode: ON_DEMAND
{_DEAD_LETTERS}""",
    "dynamodb": f"""{_HEAD}{_FUNCTION}\
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 100
{_RETRIES}\
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - AttributeName: id
          AttributeType: S
      KeySchema:
        - AttributeName: id
          KeyType: HASH
      StreamSpecification:
        StreamViewType: NEW_AND_OLD_IMAGES
{_DEAD_LETTERS}""",
    "kafka": f"""{_HEAD}\
Parameters:
  Cluster:
    Type: String
    Description: The ARN of the cluster
  Topic:
    Type: String
{_FUNCTION}\
        Topic:
          Type: MSK # with IAM authentication, the function needs policies for kafka-cluster too
          Properties:
            Stream: !Ref Cluster
            Topics:
              - !Ref Topic
            StartingPosition: TRIM_HORIZON
            BatchSize: 100
            ProvisionedPollerConfig: # Lambda reads partial responses of Kafka in provisioned mode only
              MinimumPollers: 1
              MaximumPollers: 2
{_RETRIES}\
  # the cluster's VPC needs an endpoint for SQS
{_DEAD_LETTERS}""",
}
"""A template for each of the other sources."""

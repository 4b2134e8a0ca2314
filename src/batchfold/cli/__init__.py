"""The `batchfold` command: call a Lambda function on an event, and tell what becomes of each record."""

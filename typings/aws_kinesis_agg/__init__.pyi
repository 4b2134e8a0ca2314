"""The part of aws_kinesis_agg that is used."""

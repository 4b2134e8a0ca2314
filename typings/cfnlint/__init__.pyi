"""The part of cfn-lint that is used: its decoder, and the linter in tests."""

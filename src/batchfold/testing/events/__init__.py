"""Events as AWS documents them, from plain payloads. Nothing in them is random, and no clock is read."""

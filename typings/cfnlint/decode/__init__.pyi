"""The decoder: JSON or YAML to plain values whose texts, lists and mappings know their positions."""

from cfnlint.match import Match

def decode_str(s: str) -> tuple[object, list[Match]]: ...

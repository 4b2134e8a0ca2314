"""The part of SAM's translator that is used."""

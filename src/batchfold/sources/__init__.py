"""The sources: from events to typed records. Pure, like the core; the only package that batchfold imports here."""

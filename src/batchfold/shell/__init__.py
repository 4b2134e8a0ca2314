"""The imperative edge: what runs a batch, watches the time, logs, raises, and stands between Lambda and a handler."""

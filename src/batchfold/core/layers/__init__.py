"""Layers: functions from handler to handler, one idea a file. `pipe` hands a handler through them."""

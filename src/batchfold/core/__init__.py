"""The pure part: outcomes and faults, lanes, the schedule, the fold, the batch, and composition.

Nothing in here reads a clock, starts a thread, logs or does I/O.
"""

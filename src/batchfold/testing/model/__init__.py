"""A model of Lambda's event source mapping: what it delivers, how it reads the answer, what comes back and when.

It is pure: a state and an answer make the next state. Its time is a number, and nothing in it is random.
"""

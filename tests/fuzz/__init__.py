"""Whatever others write, lbcheck reads it or says in a sentence why not: hypotheses, tried with thousands of documents.

`pytest tests/fuzz` tries the same few thousand each time, in less than a minute. `make fuzz` tries others, round after
round, until it is stopped or something breaks. What broke once is kept in `corpus/`, and tried each time.
"""

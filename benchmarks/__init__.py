"""Benchmarks: ``python -m benchmarks [NAME ...]``; one JSON line each, beside a raw line measured in the same process.

Figures mean something only as ratios to their raw line, on the machine and in the minute that they were taken in.
Nothing here is asserted by the tests.
"""

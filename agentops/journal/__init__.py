"""The journal: every run, as the blocks that the kernel made of it, in one SQLite file.

Append-only: blocks and payloads are written once and never changed. What can be asked of a run (its decisions,
messages, effects, costs) is a plain SQL view over the blocks, so that any SQLite tool can read it; see `schema`.

`schema` holds all SQL that makes the file; `sqlite` is the one writer and reader; `lease` says which process may go
on with a run; `failures` turns SQLite's errors into ours. This folder may import the kernel's records and everything
below, and knows nothing of how runs are driven.
"""

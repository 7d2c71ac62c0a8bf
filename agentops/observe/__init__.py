"""Observing: what a run's blocks say, told so that a person can follow it.

What lives here: the decision path from question to answer (`path`, drawn by `tree` in the words of `words`), what a
run used (`costs`), one line per notable event (`progress`), and structlog's set-up (`logs`). `told` makes any
recorded value safe and short enough to be shown.

All of it reads: blocks come in as plain iterables, payloads through a callable, and nothing is written but text. It
may import the kernel's records and what lies below; it must never import the journal, the runtime, click or rich, and
never let a control character from a record reach a terminal.
"""

"""The kernel: agents as coroutines, stepped by hand, without any input or output.

Nothing in this folder imports an event loop, a clock, a database or a network. A `Kernel` takes one *delivery* (the
start of a run, the outcome of an effect, a tick of the clock, a cancellation, a person's answer), runs every agent
until none can move, and returns a `Reaction`: the records of all that happened, as bytes, and the requests that
somebody outside should now perform. The same deliveries in the same order give the same bytes; that is all that
replay, resume, fork and back-test rest on.

Read in this order: `records` (what is remembered), `effects` (what a handler may await), `agent` (what a user
writes), `fiber` and `process` (what runs), `kernel` (the loop), then `cancelling`, `failing`, `model_loop`.

This folder may import `agentops.messages` and `agentops.errors`, and nothing that reaches outside the process.
"""

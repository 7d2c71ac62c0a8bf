"""The runtime: the shell around the kernel, where the outside world is.

It performs what kernels request, feeds the outcomes back one by one, and writes the journal, under asyncio or trio.

`definition` says what a run is made of; `engine` is the loop that steps, commits and releases; `perform` calls tools
and models; `live` is one run as its caller sees it; `rebuild` brings a run back from the journal, for replay and
resume; `divergence` says where a replay went another way; `guard` hides the event loop from handlers.

May import everything but the command line, `app` and `playbook`.
"""

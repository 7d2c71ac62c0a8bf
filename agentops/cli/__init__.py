"""The command line: the outer shell. Results on stdout, progress on stderr, an exit code that says what happened.

One file a command group; `main` knows their names and imports each when it is called, so that ``agentops --help``
costs little more than importing click. `shell` holds what holds for every command (global options, output, errors),
`driving` drives a run until it ends, waits or is interrupted. May import everything; is imported by nobody.

Exit codes, from ``AgentOpsError.exit_code``:

===  ==================================================================================
0    done
1    the run failed, or something is broken
2    usage, or invalid input: playbook, inputs, documents, run id, journal
3    a budget stopped the run
4    a guardrail or a permission did
5    the run waits for a person's approval
6    a replay diverged
130  interrupted
===  ==================================================================================
"""

"""Tools: those that come with agentops, and the process that a tool may be given for itself.

What lives here
    ``isolated``     runs a tool of ``isolation="process"``: one call, one fresh interpreter, killed whole
    ``guard``        the program between agentops and that interpreter: it kills what the call leaves behind
    ``inside``       the program in that interpreter: takes limits upon itself, finds the function, calls it
    ``confinement``  network and files kept away through bubblewrap, and `isolation_report`, which says where not
    ``files``        ``read_file``, ``write_file``, ``list_files``, on ``below``: paths that cannot leave their root
    ``fetch``        ``fetch_url``, on ``urls`` and ``addresses``: what may be asked for, and where it may be
    ``python``       ``run_python``

What it may import: the kernel, messages, errors. What it must never do: reach for a path or an address that it has
not opened or checked itself, start a shell, hand its environment on, or be silent about a protection that is missing.
"""

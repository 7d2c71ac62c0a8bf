"""Playbooks: what a person writes in YAML to say which agents do what, in which order, within which limits.

The way of a playbook, one module a stage::

    yaml_source   bytes -> plain data and the line and column of everything
    schema        the shape: which keys there are (pydantic); `shape_errors` says what is wrong in the file's words
    plan          parsed steps; `expressions` and `parser` hold the little language of references and conditions
    check         names, order and types; `shapes` compares types, `graph` (networkx) looks at ways and circles
    compile       a checked plan with its agents -> what a run is built from; `conductor` is the agent that runs it

Beside it: `inputs` (typed inputs from text), `agents` (loads ``agents/*.py`` by path), `loader` (finds playbooks).

Everything here happens before a run, without a model, except the conductor, which is an agent like any other and uses
the public face only. May import everything below the app layer; must never import the command line.
"""

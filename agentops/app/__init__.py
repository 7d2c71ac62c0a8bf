"""The one place of wiring: settings, catalog, supervisor, models and runtime are put together here, and nowhere else.

`settings` says where each setting comes from; `workspace` finds the files; `app` makes definitions of runs from
playbooks, and from the headers of recorded runs; `embed` is the same for a program in a few lines.
"""

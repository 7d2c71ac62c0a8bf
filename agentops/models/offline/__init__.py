"""``offline/extractive``: the embedded default. It quotes; it does not write.

No key, no network, no weights, no randomness: given a question and material it finds the sentences of the material
that answer the question, and returns them word for word with the ids of the items they stand in. It understands
nothing, and says so on every page ("extractive, no language model"). What it is asked for, it takes from the
request's structure, never from its wording, so that no instruction can steer it, whoever wrote it:

- the *question* is the material's own ``question`` where it has one, else the prompt; its *claim*, a statement to be
  checked, is the material's ``claim``;
- an *item* is any object of the material with a ``text`` (its ``id``, ``document`` and ``heading`` are used where
  given), and any other string of some length; one that names its ``evidence`` was chosen before, and is only ordered;
- the *answer's shape* is the request's JSON Schema; a field's role in it is declared with `agentops.kernel.roles`.

The way of a request: `reading` (request to question and items), `prose` (items to sentences), `rank` (relevance),
`graph` (centrality), `select` (a few sentences that differ), `fill` (the schema), with `support` for judging a claim;
`model` puts it behind the model protocol. Methods and their sources stand in those files.

This folder imports the messages, errors and kernel values, and never does I/O.
"""

from __future__ import annotations

from agentops.models.offline.model import LABEL, NAME, ExtractiveModel

__all__ = ["LABEL", "NAME", "ExtractiveModel"]

"""Model providers: each turns a `ModelRequest` into a `ModelReply`, once, and says honestly what it is.

What lives here
    ``base``      the `Model` protocol and `ModelSettings`
    ``registry``  `open_model("provider/name", settings)`: the one way to get a model
    ``openai``    any endpoint of the chat-completions dialect (``openai_*``: request, schema, answer, wire)
    ``scripted``  answers by script, for tests
    ``offline``   extractive: no language model, no key, no network
    ``prices``    what a model costs; unknown is never free

What it may import: the supervisor and what lies below it. What it must never do: retry (that is a decision, so it is
the kernel's), read the environment, tell the time, or put a key into an error, a log or a record.
"""

"""Reading text without understanding it: words, blocks and sentences, with exact offsets.

What lives here is pure: strings in, spans out. It imports nothing of agentops, so that retrieval, the offline model
and the critic can share one notion of a word and of a sentence. It must never read a file, and never return text
that is not a slice of what it was given.

- `agentops.text.words`: tokens, stems, stop words.
- `agentops.text.blocks`: headings, paragraphs, list items, code, tables: the structure of Markdown and plain text.
- `agentops.text.sentences`: the sentences of a text.
"""

from __future__ import annotations

from agentops.text.blocks import Block, blocks, heading_title
from agentops.text.sentences import Sentence, sentences
from agentops.text.words import STOP_WORDS, stem, terms, words

__all__ = ["STOP_WORDS", "Block", "Sentence", "blocks", "heading_title", "sentences", "stem", "terms", "words"]

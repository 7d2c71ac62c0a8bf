"""The worst case of a model call, known before it is made: what is reserved, and how much output fits.

Tokens are counted without a tokenizer, upwards. Over English, code and JSON, tokenizers in use gave 3.3 to 5.3
characters a token, so a third of the characters is above all of them. Characters outside ASCII are cut finer (most
CJK characters and emoji are a token or two each), so each of them counts half a token more per UTF-8 byte beyond its
first. Text without any language (long random strings) can still take more: that shows as overrun when settled.
"""

from __future__ import annotations

from agentops.kernel.chat import ChatMessage, ModelRequest, Price
from agentops.kernel.gate import Amount
from agentops.messages import encode

__all__ = ["count_request", "count_text", "fit_output", "worst_case"]

_PER_REQUEST = 16
_PER_MESSAGE = 8
_PER_MATERIAL = 24
_PER_TOOL = 16
"""Tokens for what a provider wraps around the parts: roles, labels and fences."""


def count_text(text: str) -> int:
    """Tokens that this text takes, estimated upwards."""
    length = len(text)
    if text.isascii():
        return -(-length // 3)
    extra = len(text.encode("utf-8", "surrogatepass")) - length
    return -(-length // 3) + -(-extra // 2)


def _count_message(message: ChatMessage) -> int:
    count = _PER_MESSAGE + count_text(message.text)
    if message.material:
        count += _PER_MATERIAL + count_text(message.material)
    if message.use_id:
        count += count_text(message.use_id)
    for use in message.uses:
        count += _PER_MESSAGE + count_text(use.id) + count_text(use.name) + count_text(use.arguments)
    return count


def count_request(request: ModelRequest) -> int:
    """Input tokens of a request, estimated upwards: messages, tools and schema, with all that frames them."""
    count = _PER_REQUEST + sum(map(_count_message, request.messages))
    for tool in request.tools:
        parameters = count_text(encode(tool.parameters).decode())
        count += _PER_TOOL + count_text(tool.name) + count_text(tool.description) + parameters
    if request.schema is not None:
        count += _PER_TOOL + count_text(encode(request.schema).decode()) + count_text(request.schema_name)
    return count


def _input_rate(price: Price) -> int:
    """Nobody knows beforehand what a provider has cached, so the dearer rate counts."""
    return price.input if price.cached_input is None else max(price.input, price.cached_input)


def worst_case(input_tokens: int, output_tokens: int, price: Price | None) -> Amount:
    """What a call of these sizes can come to at most; without a price, its money counts as nothing."""
    money = 0
    if price is not None:
        money = -(-(input_tokens * _input_rate(price) + output_tokens * price.output) // 1_000_000)
    return Amount(money=money, tokens=input_tokens + output_tokens, model_calls=1)


def fit_output(asked: int, input_tokens: int, left: dict[str, int | None], price: Price | None) -> int:
    """The most output, up to ``asked`` tokens, that what is left can pay for; may be 0 or negative."""
    fits = asked
    tokens, money = left["tokens"], left["money"]
    if tokens is not None:
        fits = min(fits, tokens - input_tokens)
    if money is not None and price is not None:
        rest = money * 1_000_000 - input_tokens * _input_rate(price)
        if rest < 0:
            return min(fits, -1)
        if price.output > 0:
            fits = min(fits, rest // price.output)
    return fits

"""Which addresses a tool may connect to: those of the public Internet, and no others.

The lists are written out, from IANA's registries of special-purpose addresses (RFC 6890 and what came after), for
Python's own ``is_global`` has changed between releases. All IPv6 addresses that carry an IPv4 address in them (mapped,
compatible, 6to4, Teredo, NAT64, ISATAP) are refused: they are second names of addresses that may be refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

__all__ = ["refusal"]

_FOUR: Final = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "a carrier's own, and of some clouds' metadata"),
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's metadata"),
        ("169.254.0.0/16", "link-local, and of clouds' metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved, and of some clouds' metadata"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a relay's"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_SIX_PUBLIC: Final = ipaddress.IPv6Network("2000::/3")
_SIX: Final = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        ("::1/128", "this machine"),
        ("::ffff:0:0/96", "an IPv4 address in disguise"),
        ("64:ff9b::/96", "an IPv4 address in disguise"),
        ("2001::/23", "reserved, or an IPv4 address in disguise"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "an IPv4 address in disguise"),
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)
_ISATAP: Final = {0x00005EFE, 0x02005EFE}


def refusal(address: str, allowed: Sequence[str] = ()) -> str:
    """Why a tool may not connect to an address; empty where it may. ``allowed``: networks that it may all the same."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        return "link-local"
    if any(found in ipaddress.ip_network(network) for network in allowed):
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return next((what for network, what in _FOUR if found in network), "")
    told = next((what for network, what in _SIX if found in network), "")
    if told:
        return told
    if (int(found) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "an IPv4 address in disguise"
    return "" if found in _SIX_PUBLIC else "not of the public Internet"

"""The feed of what happens to standards: Atom (RFC 4287) and JSON Feed 1.1, from the same moves. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from gateway.lib.clock import rfc3339
from gateway.registry.model import REASONS, Move

TITLE: Final = "数据标准动态 · Changes of data standards"
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "standard.consulted": ("公开征求意见", "is open to comments"),
    "standard.published": ("发布", "is published"),
    "standard.deprecated": ("停止推荐使用", "is deprecated"),
    "standard.withdrawn": ("废止", "is withdrawn"),
}


def atom(moves: Sequence[Move], base_url: str) -> str:
    """The feed as an Atom document. Everything that people wrote is escaped."""
    address = f"{base_url}/v1/standards/feed.atom"
    updated = rfc3339(moves[0].at) if moves else "1970-01-01T00:00:00.000Z"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{escape(address)}</id><title>{TITLE}</title><updated>{updated}</updated>",
        f'<link rel="self" type="application/atom+xml" href="{escape(address)}"/>',
        "<author><name>Tongqu</name></author>",
        *(_atom_entry(each, base_url) for each in moves),
        "</feed>",
    ]
    return "\n".join(lines) + "\n"


def json_feed(moves: Sequence[Move], base_url: str) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "feed_url": f"{base_url}/v1/standards/feed.json",
        "items": [
            {
                "id": _id(each, base_url),
                "url": f"{base_url}/v1/standards/{each.standard}",
                "title": _title(each),
                "content_text": _content(each),
                "date_published": rfc3339(each.at),
                "_tongqu": {
                    "event": each.event,
                    "standard": each.standard,
                    "digest": each.digest,
                    "log_index": each.log_index,
                    "until": rfc3339(each.until) if each.until else None,
                    "successor": each.successor,
                    "reason": each.reason,
                },
            }
            for each in moves
        ],
    }


def _atom_entry(move: Move, base_url: str) -> str:
    return (
        f"<entry><id>{escape(_id(move, base_url))}</id><title>{escape(_title(move))}</title>"
        f"<updated>{rfc3339(move.at)}</updated>"
        f'<link href="{escape(f"{base_url}/v1/standards/{move.standard}")}"/>'
        f"<summary>{escape(_content(move))}</summary></entry>"
    )


def _id(move: Move, base_url: str) -> str:
    """The entry of the log that proves it: an address that never means anything else."""
    return f"{base_url}/v1/log/entries/{move.log_index}"


def _title(move: Move) -> str:
    zh, en = _WORDS[move.event]
    return f"{move.title_zh} {move.standard} {zh} · {move.title_en} {move.standard} {en}"


def _content(move: Move) -> str:
    until = rfc3339(move.until) if move.until else None
    parts = [f"sha-256 {move.digest.removeprefix('sha-256:')}"]
    if until and move.event == "standard.consulted":
        parts.append(f"征求意见至 {until} · comments until {until}")
    elif until:
        parts.append(f"可用至 {until} · serves until {until}")
    if move.successor:
        parts.append(f"后继版本 {move.successor} · use {move.successor} instead")
    if move.reason is not None and move.reason in REASONS:
        parts.append(f"{REASONS[move.reason]} · {move.reason}")
    return "；".join(parts)

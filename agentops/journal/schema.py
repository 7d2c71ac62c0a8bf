"""The journal's schema: tables, the views that people read, and how a file comes to have them.

A file says whose it is by SQLite's ``application_id`` and how old by ``user_version``, so that opening a file that is
up to date reads two integers and imports nothing. Migrations are applied by sqlite-utils, each in a transaction.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from agentops.errors import JournalVersion

__all__ = ["APPLICATION_ID", "VERSION", "VIEWS", "migrate", "refuse_foreign"]

APPLICATION_ID: Final = 0x41674F70
"""``AgOp``."""
VERSION: Final = 1
"""Version of the schema that this code writes, and the newest that it reads."""

TABLES: Final = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE,          -- the run's name, as people type it
    playbook TEXT NOT NULL,
    status TEXT NOT NULL,              -- running | waiting | done | failed | stopped | denied | cancelled
    started INTEGER NOT NULL,          -- microseconds since 1970 UTC, as all times
    ended INTEGER,
    owner TEXT NOT NULL DEFAULT ''     -- the process that may append, see agentops.journal.lease
);
CREATE INDEX runs_started ON runs (started DESC);
CREATE TABLE blocks (                  -- in the order of writing: one group commit touches one end of the file
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,              -- from 0, without gaps
    data TEXT NOT NULL,                -- JSON: [delivery, record, record, ...]
    hash BLOB NOT NULL                 -- first 16 bytes of SHA-256(hash of the block before + data)
);
CREATE UNIQUE INDEX blocks_run_seq ON blocks (run, seq);
CREATE TABLE payloads (
    digest TEXT PRIMARY KEY,           -- SHA-256 of data, hex
    data TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE inbox (
    run INTEGER NOT NULL,
    key TEXT NOT NULL,                 -- unique in its run: two answers to one approval cannot both be taken
    kind TEXT NOT NULL,                -- answer
    data TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;
"""

_LINES: Final = """
    FROM runs JOIN blocks ON blocks.run = runs.id, json_each(blocks.data) AS line
"""

_AT: Final = "json_extract(blocks.data, '$[0][1]')"


def _field(number: int) -> str:
    return f"json_extract(line.value, '$[{number}]')"


_KIND: Final = _field(0)
_EFFECT: Final = f"substr({_field(1)}, 1, instr({_field(1)} || '#', '#') - 1)"
"""The effect's id without the number of the attempt."""
_AGENT: Final = f"rtrim(rtrim(rtrim({_field(1)}, '0123456789.#'), '/'), '0123456789')"
"""What stands before ``/turn/fiber`` in a path, and a slash."""
_WHERE_FROM: Final = f"runs.run AS run, blocks.seq AS seq, line.key AS line, {_AT} AS at"

VIEWS: Final = {
    "records": f"SELECT {_WHERE_FROM}, {_KIND} AS kind, line.value AS data {_LINES}",
    "messages": f"""
        SELECT {_WHERE_FROM}, {_KIND} AS kind, {_field(1)} AS id,
               CASE {_KIND} WHEN 'replied' THEN NULL ELSE rtrim({_AGENT}, '/') END AS sender,
               CASE {_KIND} WHEN 'replied' THEN rtrim({_AGENT}, '/') ELSE {_field(2)} END AS recipient,
               CASE {_KIND} WHEN 'replied' THEN NULL ELSE {_field(3)} END AS type,
               CASE {_KIND} WHEN 'replied' THEN {_field(2)} ELSE {_field(4)} END AS body
        {_LINES} WHERE {_KIND} IN ('sent', 'asked', 'published', 'replied')""",
    "effects": f"""
        SELECT {_WHERE_FROM}, {_field(1)} AS id, {_field(2)} AS kind, {_field(3)} AS name, {_field(4)} AS arguments,
               {_KIND} AS verdict, {_field(5)} AS rule,
               (SELECT json_extract(later.data, '$[0][3]') FROM blocks AS later
                WHERE later.run = blocks.run AND later.seq > blocks.seq
                  AND json_extract(later.data, '$[0][0]') = 'outcome'
                  AND json_extract(later.data, '$[0][2]') = {_EFFECT} LIMIT 1) AS outcome
        {_LINES} WHERE {_KIND} IN ('effect', 'denied')""",
    "costs": f"""
        SELECT reserved.run, reserved.seq, reserved.at, reserved.effect, reserved.agent, reserved.name,
               coalesce(json_extract(coalesce(settled.amount, reserved.amount), '$.money'), 0) AS money,
               coalesce(json_extract(coalesce(settled.amount, reserved.amount), '$.tokens'), 0) AS tokens,
               coalesce(json_extract(coalesce(settled.amount, reserved.amount), '$.model_calls'), 0) AS model_calls,
               coalesce(json_extract(coalesce(settled.amount, reserved.amount), '$.tool_calls'), 0) AS tool_calls,
               CASE WHEN settled.amount IS NULL THEN 'as reserved' ELSE 'settled' END AS state
        FROM (SELECT {_WHERE_FROM}, {_field(1)} AS effect, rtrim({_AGENT}, '/') AS agent, {_field(3)} AS name,
                     {_field(6)} AS amount {_LINES} WHERE {_KIND} = 'effect' AND {_field(6)} IS NOT NULL) AS reserved
        -- what was withdrawn never left, and cost nothing
        LEFT JOIN (SELECT runs.run AS run, {_field(1)} AS effect {_LINES} WHERE {_KIND} = 'withdrawn') AS withdrawn
        ON withdrawn.run = reserved.run AND withdrawn.effect = reserved.effect
        LEFT JOIN (SELECT runs.run AS run, {_field(1)} AS effect, {_field(2)} AS amount {_LINES}
                   WHERE {_KIND} = 'settled') AS settled
        ON settled.run = reserved.run AND settled.effect = reserved.effect
        WHERE withdrawn.effect IS NULL""",
    "decisions": f"""
        SELECT {_WHERE_FROM}, {_field(1)} AS id, {_field(6)} AS by, {_field(2)} AS question,
               {_field(3)} AS options, {_field(4)} AS chosen, {_field(5)} AS because
        {_LINES} WHERE {_KIND} = 'decided'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(1)}, {_field(5)}, 'may ' || {_field(2)} || ' ' || {_field(3)} || ' be used?',
               '["allow","ask","deny"]', 'allow', {_field(7)} {_LINES} WHERE {_KIND} = 'effect'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(1)}, {_field(5)}, 'may ' || {_field(2)} || ' ' || {_field(3)} || ' be used?',
               '["allow","ask","deny"]', 'deny', json_extract({_field(6)}, '$[1]') {_LINES} WHERE {_KIND} = 'denied'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(1)}, {_field(5)}, 'may ' || {_field(2)} || ' ' || {_field(3)} || ' be used?',
               '["allow","ask","deny"]', 'ask', {_field(6)} {_LINES} WHERE {_KIND} = 'approval'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(1)}, {_field(4)}, 'may this pass? (' || {_field(2)} || ' ' || {_field(3)} || ')',
               '["pass","redact","ask","block"]', {_field(5)}, {_field(6)} {_LINES} WHERE {_KIND} = 'guarded'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(1)}, 'supervision', 'what becomes of the agent that failed?',
               '["told","restart","resume","stop","escalate","redeliver"]', {_field(3)},
               json_extract({_field(2)}, '$[1]') {_LINES} WHERE {_KIND} = 'crashed'
        UNION ALL
        SELECT {_WHERE_FROM}, {_field(2)}, coalesce(nullif({_field(4)}, ''), 'a person'), 'approve?',
               '["approve","deny"]', {_field(3)}, {_field(5)} {_LINES} WHERE {_KIND} = 'answer'""",
}
"""What people ask of a run, by name; each is a view over the blocks, with ``run``, ``seq``, ``line`` and ``at``."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `VERSION`."""
    if _up_to_date(connection):
        return
    try:
        _apply(connection)
    except sqlite3.OperationalError:
        if not _up_to_date(connection):  # else another process made it first
            raise


def refuse_foreign(connection: sqlite3.Connection, path: str) -> None:
    """Raise `JournalVersion` where the file is newer than this code, or not a journal at all; changes nothing."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and version == VERSION:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and tables:
        msg = f"{path} is an SQLite file, but not a journal of agentops"
        raise JournalVersion(msg, hint="Name another file with --journal.", path=path, found=0, known=VERSION)
    if version > VERSION:
        msg = f"{path} was written by schema {version}; this version of agentops knows {VERSION}"
        raise JournalVersion(msg, hint="Upgrade agentops to read it.", path=path, found=version, known=VERSION)


def _up_to_date(connection: sqlite3.Connection) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return (application, version) == (APPLICATION_ID, VERSION)


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations  # 100 ms, and needed once in a file's life

    migrations = Migrations("agentops")

    @migrations()
    def first(database: Database) -> None:
        """Tables and views of schema 1."""
        for statement in TABLES.split(";"):
            if statement.strip():
                database.execute(statement)
        for name, select in VIEWS.items():
            database.create_view(name, select)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")

    migrations.apply(Database(connection))

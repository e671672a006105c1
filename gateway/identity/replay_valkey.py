"""Used proofs in Valkey, for many processes and machines: one round trip for all proofs of one turn of the event loop.

The rules are those of the database (replay_database.py): slices, a floor that follows the newest proof that was taken,
a generation. All that is kept lives in one server's memory, so whatever may have lost some of it ends the generation:

    the keys are gone (FLUSHALL, an empty server)   the generation is gone with them
    the server was started anew, or is another      it does not know our script: scripts are never kept on disk, and the
    one, perhaps with older data                    script's text names the generation, so only the server that held the
                                                    generation from its first proof on can run it
    it would drop keys when it is full              refused at the start: maxmemory-policy must be noeviction
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, Final

import valkey
from valkey.asyncio import Valkey as AsyncValkey

from gateway.audit.log import Guard
from gateway.errors import Busy, Unauthenticated
from gateway.identity.replay import KEPT_SLICES, SLICE_S, UsedProof, new_generation, nonce_required, replayed
from gateway.lib.clock import Clock

TIMEOUT_S: Final = 1.0  # then the proof is refused: whether it was remembered is not known

_TAKE: Final = """
local state = redis.call('HMGET', KEYS[1], 'generation', 'floor', 'newest')
if state[1] ~= ARGV[1] then return {} end
local floor, newest, taken = tonumber(state[2]), tonumber(state[3]), {}
for i = 2, #ARGV, 2 do
  local slice = tonumber(ARGV[i])
  if slice < floor then
    taken[i / 2] = -1
  else
    taken[i / 2] = redis.call('SADD', KEYS[1] .. ':' .. ARGV[i], ARGV[i + 1])
    if slice > newest then newest = slice end
  end
end
redis.call('HSET', KEYS[1], 'newest', newest)
return taken"""
_RENEW: Final = """
local state = redis.call('HMGET', KEYS[1], 'generation', 'floor', 'newest')
if state[1] and state[1] ~= ARGV[1] then return state[1] end
if state[1] then
  for slice = tonumber(state[2]), tonumber(state[3]) do redis.call('UNLINK', KEYS[1] .. ':' .. slice) end
end
redis.call('HSET', KEYS[1], 'generation', ARGV[2], 'floor', ARGV[3], 'newest', ARGV[3])
return ARGV[2]"""
_TIDY: Final = """
local state = redis.call('HMGET', KEYS[1], 'floor', 'newest')
if not state[1] then return 0 end
local floor = tonumber(state[2]) - tonumber(ARGV[1])
for slice = tonumber(state[1]), floor - 1 do redis.call('UNLINK', KEYS[1] .. ':' .. slice) end
if floor > tonumber(state[1]) then redis.call('HSET', KEYS[1], 'floor', floor) end
return 0"""


class ValkeyMemory:
    """``url``: valkey://host:port/number. ``name`` keeps installations on one server apart."""

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._key = f"tongqu:{name}:used"
        self._client: Any = valkey.Valkey.from_url(url, decode_responses=True, **_PATIENCE)
        self._async: Any = None
        self._generation: str | None = None
        self._waiting: list[tuple[UsedProof, asyncio.Future[None]]] = []
        self._sending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Raises RuntimeError for a server that may forget, valkey's errors for one that does not answer."""
        memory = self._client.info("memory")
        if memory["maxmemory"] and memory["maxmemory_policy"] != "noeviction":
            raise RuntimeError("replay_memory: this Valkey drops keys when it is full; set maxmemory-policy noeviction")
        known = self._client.hget(self._key, "generation")
        if known is None or not self._client.script_exists(_sha(known))[0]:
            known = self._renew(known)
        self._generation = known

    def generation_at(self, _now: float) -> str:
        if self._generation is None:
            self.start()
        assert self._generation is not None
        return self._generation

    def claim(self, proof: UsedProof) -> None:
        try:
            taken = self._client.execute_command(*self._command([proof]))
        except valkey.exceptions.NoScriptError:
            taken = []
        except valkey.exceptions.ValkeyError:
            raise _silent() from None
        if refusal := self._refusal(proof, taken[0] if taken else None):
            raise refusal

    async def begin(self, proof: UsedProof) -> list[Guard]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((proof, future))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        await future
        return []

    async def _send(self) -> None:
        """Send what waits, all in one command; meanwhile the next ones gather."""
        if self._async is None:
            self._async = AsyncValkey.from_url(self._url, single_connection_client=True, **_PATIENCE)
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                taken: Sequence[int] = []
                failure: Exception | None = None
                try:
                    taken = await self._async.execute_command(*self._command([proof for proof, _ in batch]))
                except valkey.exceptions.NoScriptError:
                    await asyncio.to_thread(self._learn)
                except (valkey.exceptions.ValkeyError, OSError):
                    failure = _silent()
                for place, (proof, future) in enumerate(batch):
                    refusal = failure or await self._settled(proof, taken[place] if taken else None)
                    if future.cancelled():
                        continue
                    if refusal is None:
                        future.set_result(None)
                    else:
                        future.set_exception(refusal)
        finally:
            self._sending = None

    async def _settled(self, proof: UsedProof, taken: int | None) -> Exception | None:
        if taken == 1 and proof.generation == self._generation:
            return None
        return await asyncio.to_thread(self._refusal, proof, taken)

    def _command(self, proofs: Sequence[UsedProof]) -> list[str | int]:
        generation = self.generation_at(0.0)
        command: list[str | int] = ["EVALSHA", _sha(generation), 1, self._key, generation]
        for proof in proofs:
            command += (proof.slice, proof.mark)
        return command

    def _refusal(self, proof: UsedProof, taken: int | None) -> Exception | None:
        """``taken``: 1 new, 0 known, -1 of a time that is forgotten, None when the generation had ended."""
        try:
            if taken is None:
                self._learn()
            elif taken == -1 and proof.generation == self._generation:
                self._generation = self._renew(proof.generation, floor=proof.slice)
        except valkey.exceptions.ValkeyError:
            return _silent()
        if taken is None or taken == -1 or proof.generation != self._generation:
            return nonce_required()
        return replayed() if taken == 0 else None

    def _learn(self) -> None:
        self._generation = None
        self.start()

    def _renew(self, old: str | None, *, floor: int | None = None) -> str:
        """Another generation in place of ``old``; or the one that another process has begun already."""
        fresh = new_generation()
        self._client.script_load(_text(fresh))
        start = int(self._clock.now().timestamp() // SLICE_S) - KEPT_SLICES if floor is None else floor
        found: str = self._client.eval(_RENEW, 1, self._key, old or "", fresh, start)
        return found

    def tidy(self) -> None:
        self._client.eval(_TIDY, 1, self._key, KEPT_SLICES)

    async def close(self) -> None:
        if self._async is not None:
            await self._async.aclose()
            self._async = None
        await asyncio.to_thread(self._client.close)


_PATIENCE: Final[dict[str, Any]] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}


def _text(generation: str) -> str:
    return f"-- {generation}{_TAKE}"


def _sha(generation: str) -> str:
    return hashlib.sha1(_text(generation).encode()).hexdigest()  # noqa: S324  # how Valkey names scripts


def _silent() -> Unauthenticated | Busy:
    return Busy(
        "记录已用证明的 Valkey 没有应答，请稍后重试。",
        "The Valkey that remembers used proofs does not answer; try again shortly.",
        retry_after=1,
    )

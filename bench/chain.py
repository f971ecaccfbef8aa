"""The chain that every call passes: its throughput against that of gRPC alone, and what each link of it costs.

Every door is in this process, the callers in another one. The doors take turns in short slices, so that what else the machine
does hits all of them; costs are processor time of this process a call, differences those of slices of the same round.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

import uvloop

from bench.doors import BARE, WHOLE, open_doors
from bench.figures import save, table
from bench.load import CALLERS, Load, callers
from mesh import telemetry
from mesh.identity import KeyRing, TokenVerifier
from mesh.local.certificates import Authority, Certificate
from mesh.settings import Settings, read_settings
from tests.support.identities import AUDIENCE, ISSUER, TokenSigner

_LEAST_RATIO = 0.6
_ROUNDS = 30
_SLICE_SECONDS = 0.08
_WARM_UP_SECONDS = 0.2

Rounds = Mapping[str, Sequence[tuple[float, float]]]
"""Of each door, for each round: calls a second, and microseconds of processor time a call."""


async def measure() -> dict[str, float]:
    """The rates of both ends, their ratio, and what each link adds in microseconds."""
    signer = TokenSigner()

    async def keys() -> Sequence[Mapping[str, object]]:
        return [signer.public_key]

    with tempfile.TemporaryDirectory(prefix="marketplace-bench-") as folder:
        authority = Authority(Path(folder))
        verifier = TokenVerifier(KeyRing(keys), ISSUER, AUDIENCE)
        async with callers() as load, open_doors(_settings(authority.issue("user")), verifier) as ports:
            await load.tell(ports, authority.issue("gateway"), signer.account("customer").token)
            rounds = await _take_turns(load, list(ports))
            await load.end()  # before the doors close on them
            return _figures(rounds)


async def _take_turns(load: Load, doors: Sequence[str]) -> Rounds:
    found: dict[str, list[tuple[float, float]]] = {door: [] for door in doors}
    for door in doors:
        await load.run(door, _WARM_UP_SECONDS)
    for turn in range(_ROUNDS):
        for door in doors if turn % 2 else reversed(doors):
            before = time.process_time()
            counted = await load.run(door, _SLICE_SECONDS)
            spent = (time.process_time() - before) * 1e6 / counted.calls
            found[door].append((counted.calls_per_second, spent))
    return found


def _figures(rounds: Rounds) -> dict[str, float]:
    def times(door: str, other: str, column: int) -> float:
        return median(a[column] / b[column] for a, b in zip(rounds[door], rounds[other], strict=True))

    def added(door: str, other: str) -> float:
        return median(a[1] - b[1] for a, b in zip(rounds[door], rounds[other], strict=True))

    chain = [door for door in rounds if door != WHOLE]
    return {
        "bare_calls_per_second": median(rate for rate, _ in rounds[BARE]),
        "chain_calls_per_second": median(rate for rate, _ in rounds[WHOLE]),
        "chain_to_bare": times(WHOLE, BARE, 0),
        "chain_to_bare_by_processor_time": times(BARE, WHOLE, 1),
        "bare_us": median(spent for _, spent in rounds[BARE]),
        "chain_us": added(WHOLE, BARE),
        **{f"link_us.{door}": added(door, before) for before, door in pairwise(chain)},
    }


def _settings(certificate: Certificate) -> Settings:
    environment = {
        "MONGO_URL": "mongodb://127.0.0.1:1",  # nothing here asks a store
        "REDIS_URL": "redis://127.0.0.1:1",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GRPC_LISTEN": "127.0.0.1:0",
        "DRAIN_SECONDS": "0",
        "STOP_GRACE_SECONDS": "1",
        **certificate.environment,
    }
    return read_settings(Settings, "user", environment)


def main() -> None:
    """Measures, prints and saves."""
    telemetry.configure_logs("user", "warning")
    figures = uvloop.run(measure())
    rows = {
        BARE: f"{figures['bare_calls_per_second']:8.0f}/s  {figures['bare_us']:6.1f} us of processor time a call",
        WHOLE: f"{figures['chain_calls_per_second']:8.0f}/s  {figures['chain_us']:+6.1f} us",
        **{
            f"  {name.partition('.')[2]}": f"{'':11} {us:+6.1f} us" for name, us in figures.items() if name.startswith("link_us.")
        },
        "chain to bare": f"{figures['chain_to_bare']:8.2f}    (at least {_LEAST_RATIO:g})",
        "  by processor time": f"{figures['chain_to_bare_by_processor_time']:8.2f}",
    }
    table(f"Chain: an authenticated read over mTLS, {CALLERS} callers", rows)
    save("chain", figures)


if __name__ == "__main__":
    main()

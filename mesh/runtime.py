"""The life of one process: settings, stores, what the service adds, background work, serving, a drain without loss."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic

import grpc
import structlog
import uvloop
from redis.asyncio import Redis
from typing_extensions import TypeVar

from mesh import contract, telemetry
from mesh.channels import Channels
from mesh.clock import Clock, SystemClock
from mesh.errors import Unavailable
from mesh.events.broker import Broker, KafkaSettings
from mesh.events.consumer import Consumer
from mesh.events.relay import Relay
from mesh.events.subscription import Subscription
from mesh.idempotency import Idempotency
from mesh.identity import KeyRing, KeySource, TokenVerifier
from mesh.ids import new_id
from mesh.interceptors.idempotency import idempotency_link
from mesh.issuer import keys_of_the_issuer
from mesh.periodic import Wake, run_periodically
from mesh.server import Server
from mesh.settings import Settings, read_settings_or_exit
from mesh.storage import mongo, redis
from mesh.storage.mongo import Database
from mesh.tasks import cancel

S = TypeVar("S", bound=Settings, default=Settings)
Servicer = TypeVar("Servicer")
Work = Callable[[], Awaitable[None]]

EVENTS_HEALTH = "events"
"""The name under which health checks ask for the consumer: NOT_SERVING once it has stopped itself."""
_LONGEST_PAUSE_SECONDS = 5.0
_KEYS_SECONDS = 5.0  # how long the token issuer may take at the start; without it this process still serves what is public

_log = structlog.get_logger()


class Runtime(Generic[S]):
    """What a service is given to assemble itself with. Made by `run`, one a process."""

    def __init__(self, settings: S, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._mongo = mongo.connect(settings.mongo_url)
        self.database = Database(self._mongo, f"{settings.mongo_database_prefix}{settings.service}", clock=self.clock)
        self.redis: Redis = redis.connect(settings.redis_url)
        self.channels = Channels(settings)
        self._keys = KeyRing(keys_of_the_issuer(self.channels))
        self.verifier = TokenVerifier(self._keys, settings.token_issuer, settings.token_audience)
        self.server = Server(settings, self.verifier, (idempotency_link(Idempotency(self.database)),))
        self.subscriptions: list[Subscription[Any]] = []
        self._starting: list[Work] = []
        self._stopping: list[Work] = []
        self._periodic: list[tuple[str, float, Work, Wake]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._broker: Broker | None = None

    def serve(self, add_to_server: Callable[[Servicer, grpc.aio.Server], None], servicer: Servicer) -> None:
        """Serves a servicer, given its generated add_…_to_server. Raises ContractError when a method of it has no policy."""
        self.server.add(add_to_server, servicer)

    def consume(self, subscriptions: Sequence[Subscription[Any]]) -> None:
        """Hands the subscribed events to their handlers, from the beginning of each topic that the service has not seen yet."""
        self.subscriptions.extend(subscriptions)

    def every(self, seconds: float, name: str, work: Work) -> Wake:
        """Runs the work from the start of the process on, every `seconds` and whenever the returned Wake is set."""
        wake = Wake()
        self._periodic.append((name, seconds, work, wake))
        return wake

    def on_start(self, work: Work) -> None:
        """Runs the work once, when the stores are ready and before anything is served. Its failure ends the process."""
        self._starting.append(work)

    def on_stop(self, work: Work) -> None:
        """Runs the work once, after the last call has ended; the last one added runs first."""
        self._stopping.append(work)

    def use_key_source(self, source: KeySource) -> None:
        """Verifies tokens with these keys instead of asking the token issuer for them: for the issuer itself."""
        self._keys.source = source

    async def start(self) -> None:
        """Starts what was added, then serves; events flow from `start_events` on. Raises OSError when an address is taken."""
        await until_it_answers("MongoDB", self.database.ensure_indexes)
        for work in self._starting:
            await work()
        self._begin(self._keys.keep_fresh())
        for name, seconds, periodic, wake in self._periodic:
            self._begin(run_periodically(name, seconds, periodic, wake))
        await self.server.start()
        await self._keys.wait_until_known(_KEYS_SECONDS)
        await self.server.announce()

    def start_events(self) -> None:
        """Begins to send what transactions publish and to receive what was subscribed to, waiting for the brokers if need be."""
        settings = self.settings
        is_publisher = contract.publishes(settings.service)
        if not is_publisher and not self.subscriptions:
            return
        kafka = KafkaSettings(
            settings.kafka_bootstrap,
            settings.service,
            partitions=settings.kafka_partitions,
            replication=settings.kafka_replication,
        )
        self._broker = broker = Broker(kafka)
        if is_publisher:
            self._begin(Relay(self.database, broker, settings.service, new_id("rly")).run())
        if self.subscriptions:
            self._begin(self._consume(Consumer(settings.service, self.database, broker, kafka, self.subscriptions)))

    async def _consume(self, consumer: Consumer) -> None:
        await self.server.set_health(EVENTS_HEALTH, is_serving=True)
        await consumer.run()
        await self.server.set_health(EVENTS_HEALTH, is_serving=False)

    async def stop(self) -> None:
        """Ends serving without loss, then background work, then the connections."""
        await self.server.stop()
        await cancel(self._tasks)
        for work in reversed(self._stopping):
            await work()
        if self._broker is not None:
            await self._broker.close()
        await self.channels.close()
        await self.redis.aclose()
        await self._mongo.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


def run(service: str, assemble: Callable[[Runtime[S]], Awaitable[None]], settings_class: type[S] = Settings) -> None:  # type: ignore[assignment]  # the default of S
    """Lives the whole life of a service's process; returns when it has drained after SIGTERM or SIGINT.

    Ends the process with exit code 2 when the environment is not usable, 1 when it cannot start: with a sentence when an address
    is taken or the contract is broken, otherwise with a line in the log, which has no text of exceptions.
    """
    settings = read_settings_or_exit(settings_class, service, os.environ)
    telemetry.configure_logs(service, settings.log_level)
    if settings.otel_exporter_otlp_endpoint:
        telemetry.start_exporting(service, settings.otel_exporter_otlp_endpoint)
    try:
        telemetry.start_metrics(settings.metrics_listen)
        uvloop.run(_live(settings, assemble))
    except (OSError, contract.ContractError) as error:
        print(f"{service}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception:
        _log.exception("ended by a failure")
        raise SystemExit(1) from None
    finally:
        telemetry.stop_exporting()


async def _live(settings: S, assemble: Callable[[Runtime[S]], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_stray_exception)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runtime = Runtime(settings)
    starting = asyncio.create_task(_start(runtime, assemble))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            await starting
            await stop.wait()
    finally:
        starting.cancel()
        stopping.cancel()
        await runtime.stop()
    _log.info("stopped")


async def _start(runtime: Runtime[S], assemble: Callable[[Runtime[S]], Awaitable[None]]) -> None:
    async def ping_redis() -> None:
        await runtime.redis.ping()

    await until_it_answers("MongoDB", runtime.database.ping)
    await until_it_answers("Redis", ping_redis)
    await assemble(runtime)
    await runtime.start()
    runtime.start_events()
    _log.info("serving", port=runtime.server.port)


async def until_it_answers(name: str, ask: Work) -> None:
    """Returns when `ask` succeeds; while it raises Unavailable, says so in the log and asks again after a growing pause."""
    pause = 0.1
    while True:
        try:
            await ask()
        except Unavailable:
            _log.warning("waiting", dependency=name, next_try_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            return


def _log_stray_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    _log.error("stray exception", where=str(context.get("message", "")), **({"exc_info": error} if error else {}))

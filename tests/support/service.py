"""Serves one service in the test's own process: its production assembly, server, chain and stores; events are handed over.

Kafka itself is left to the tests of mesh.events and to the journeys: here `deliver` takes an event through the production
handling (inbox, transaction), and `published` reads what the outbox holds.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc
import pytest
from google.protobuf.message import Message

from mesh import contract
from mesh.call import Account
from mesh.clock import Clock
from mesh.events.broker import Broker
from mesh.events.cloudevents import Envelope, to_headers
from mesh.events.dead_letters import ReceivedRecord
from mesh.events.handling import Handling, HandlingSettings
from mesh.events.outbox import OutboxRow
from mesh.ids import new_id
from mesh.local.certificates import Authority, Certificate
from mesh.runtime import Runtime
from mesh.settings import Settings, read_settings
from mesh.status_details import from_rpc_error
from tests.support.identities import TokenSigner
from tests.support.infrastructure import Running

S = TypeVar("S", bound=Settings)
Stub = TypeVar("Stub")
E = TypeVar("E", bound=Message)

_LOOPBACK = "127.0.0.1:0"
_DATABASES = 16  # Redis's own
_turn = count()


@dataclass
class Backing:
    """What services under test stand on: real stores, one authority, one signer of tokens."""

    mongo_url: str
    redis_url: str
    authority: Authority
    signer: TokenSigner = field(default_factory=TokenSigner)
    certificates: dict[str, Certificate] = field(default_factory=dict)

    def certificate(self, service: str) -> Certificate:
        """The service's certificate, made at first use."""
        if service not in self.certificates:
            self.certificates[service] = self.authority.issue(service)
        return self.certificates[service]

    def account(self, *roles: str) -> Account:
        """A new account with a good token."""
        return self.signer.account(*roles)


@pytest.fixture(scope="session")
def backing(database_server: Running, cache_server: Running, tmp_path_factory: pytest.TempPathFactory) -> Backing:
    """The stores of this test run; each service under test gets a database and a Redis database of its own."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Backing(database_server.url, cache_server.url.rpartition("/")[0], Authority(folder))


class ServiceUnderTest:
    """One service that serves."""

    def __init__(self, runtime: Runtime[Any], backing: Backing) -> None:
        self.runtime = runtime
        self._backing = backing
        self._channels: list[grpc.aio.Channel] = []
        self._handling = Handling(
            runtime.settings.service,
            runtime.database,
            cast(Broker, _NoBroker()),
            runtime.subscriptions,
            HandlingSettings(attempts=1),
        )

    @property
    def address(self) -> str:
        """Where it serves, as host:port."""
        return f"127.0.0.1:{self.runtime.server.port}"

    def stub(
        self, stub_class: Callable[[grpc.aio.Channel], Stub], account: Account | None = None, caller: str = "gateway"
    ) -> Stub:
        """A stub whose calls come from this account, through the service whose certificate is `caller`; raises mesh.errors.

        Each method takes the request and optionally `metadata` (pairs), `timeout` (seconds, 10 unless told) and `key` (the
        idempotency key). A streaming method gives an async generator.
        """
        certificate = self._backing.certificate(caller)
        credentials = grpc.ssl_channel_credentials(
            certificate.ca_file.read_bytes(), certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes()
        )
        service = self.runtime.settings.service
        channel = grpc.aio.secure_channel(self.address, credentials, [("grpc.ssl_target_name_override", service)])
        self._channels.append(channel)
        return stub_class(cast(grpc.aio.Channel, _CallerChannel(channel, service, account)))

    async def deliver(self, event: Message, event_id: str = "", occurred_time: datetime | None = None) -> str:
        """Hands the event to its handlers as the consumer does, once an event id. Raises AssertionError for a dead letter."""
        how = contract.event_of(type(event))
        envelope = Envelope(event_id or new_id("evt"), how.type_name, how.service, occurred_time or datetime.now(UTC), "")
        key = str(getattr(event, how.key_field)).encode()
        await self._handling.handle(ReceivedRecord(how.topic, 0, 0, key, event.SerializeToString(), to_headers(envelope)))
        return envelope.event_id

    async def published(self, event_class: type[E]) -> list[E]:
        """The events of this class that the service has published, oldest first."""
        rows = await self.runtime.database.collection(OutboxRow).find(
            {"type": event_class.DESCRIPTOR.full_name}, sort=[("created_time", 1), ("sequence", 1)]
        )
        return [event_class.FromString(bytes(row.payload or b"")) for row in rows]

    async def published_types(self) -> list[str]:
        """The short names of all events that the service has published, oldest first."""
        rows = await self.runtime.database.collection(OutboxRow).find({}, sort=[("created_time", 1), ("sequence", 1)])
        return [str(row.type).rpartition(".")[2] for row in rows]

    async def stored(self) -> str:
        """Everything that the service keeps in its database, as text."""
        database = self.runtime.database._driver
        names = await database.list_collection_names()
        return "\n".join([f"{name}: {each}" for name in sorted(names) for each in await database[name].find({}).to_list()])

    async def close(self) -> None:
        """Ends the clients."""
        for channel in self._channels:
            await channel.close()


@asynccontextmanager
async def serving(
    service: str,
    assemble: Callable[[Runtime[S]], Awaitable[None]],
    settings_class: type[S],
    backing: Backing,
    *,
    peers: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    database_prefix: str = "",
) -> AsyncIterator[ServiceUnderTest]:
    """Serves the service until the block ends. `peers` are the addresses of other services; `environment` adds settings.

    With the same `database_prefix` a second process, or a later one, shares the first one's data; the caller then drops it.
    """
    prefix = database_prefix or f"{new_id('t')}_"
    variables = {
        "MONGO_URL": backing.mongo_url,
        "MONGO_DATABASE_PREFIX": prefix,
        "REDIS_URL": f"{backing.redis_url}/{next(_turn) % _DATABASES}",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GRPC_LISTEN": _LOOPBACK,
        "DRAIN_SECONDS": "0",
        "STOP_GRACE_SECONDS": "1",
        "PEER_ADDRESSES": ",".join(f"{name}={address}" for name, address in (peers or {}).items()),
        **backing.certificate(service).environment,
        **(environment or {}),
    }
    runtime = Runtime(read_settings(settings_class, service, variables), clock)
    if not database_prefix:
        await runtime.redis.flushdb()

    async def keys() -> Sequence[Mapping[str, object]]:
        return [backing.signer.public_key]

    try:
        await assemble(runtime)
        if service != "auth":
            runtime.use_key_source(keys)
        await runtime.start()
        under_test = ServiceUnderTest(runtime, backing)
        await runtime.database.ensure_indexes()
        try:
            yield under_test
        finally:
            await under_test.close()
    finally:
        if not database_prefix:
            await runtime._mongo.drop_database(f"{prefix}{service}")
        await runtime.stop()


@asynccontextmanager
async def peer_server(
    service: str, backing: Backing, add_to_server: Callable[[Any, grpc.aio.Server], None], servicer: object
) -> AsyncIterator[str]:
    """Serves a hand-written servicer with that service's certificate. Gives its address for `peers`."""
    certificate = backing.certificate(service)
    pair = (certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes())
    server = grpc.aio.server()
    add_to_server(servicer, server)
    credentials = grpc.ssl_server_credentials([pair], certificate.ca_file.read_bytes(), require_client_auth=True)
    port = server.add_secure_port(_LOOPBACK, credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class _NoBroker:
    """Takes dead letters in tests where none is expected."""

    async def send(self, records: Sequence[Any]) -> list[Any]:
        causes = [dict(record.headers).get("dead_cause", b"").decode() for record in records]
        raise AssertionError(f"the event became a dead letter: {'; '.join(causes)}")


class _CallerChannel:
    """What a generated stub takes for a channel: adds who calls, and tells failures as mesh.errors."""

    def __init__(self, channel: grpc.aio.Channel, service: str, account: Account | None) -> None:
        self._channel = channel
        self._service = service
        self._headers = [] if account is None else [("authorization", f"Bearer {account.token}")]

    def unary_unary(self, path: str, **codecs: Any) -> Callable[..., Awaitable[Any]]:
        send = self._channel.unary_unary(path, **codecs)

        async def call(
            request: Message, *, metadata: Sequence[tuple[str, str]] = (), timeout: float = 10, key: str = ""
        ) -> object:
            try:
                return await send(request, timeout=timeout, metadata=self._all(metadata, key))
            except grpc.aio.AioRpcError as failure:
                raise from_rpc_error(failure, self._service) from None

        return call

    def unary_stream(self, path: str, **codecs: Any) -> Callable[..., AsyncIterator[Any]]:
        send = self._channel.unary_stream(path, **codecs)

        async def stream(
            request: Message, *, metadata: Sequence[tuple[str, str]] = (), timeout: float = 30
        ) -> AsyncIterator[Any]:
            running = send(request, timeout=timeout, metadata=self._all(metadata, ""))
            try:
                async for message in running:
                    yield message
            except grpc.aio.AioRpcError as failure:
                raise from_rpc_error(failure, self._service) from None
            finally:
                running.cancel()

        return stream

    def _all(self, metadata: Sequence[tuple[str, str]], key: str) -> list[tuple[str, str]]:
        return [*self._headers, *metadata, *([("idempotency-key", key)] if key else [])]

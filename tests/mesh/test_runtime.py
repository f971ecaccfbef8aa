"""The life of a process: what it says when it cannot begin, how it waits for what is not there yet, and how it ends."""

from pathlib import Path

import grpc
import pytest

from mesh.ids import new_id
from mesh.local.programs import cache_program
from tests.mesh.living import SLOW
from tests.mesh.probe import Request, Stub, World
from tests.mesh.processes import environment_of, living
from tests.support.infrastructure import Running

WRONG = {
    "MONGO_URL": "mongodb://user:s3cret/x@127.0.0.1",
    "REDIS_URL": "redis://:s3cret/x@127.0.0.1:6379",
    "GRPC_LISTEN": "s3cret",
    "TLS_CA_FILE": "s3cret",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    "LOG_LEVEL": "loud",
    "DRAIN_SECONDS": "-1",
}
ESCAPED = "with special characters of user and password escaped"


@pytest.fixture
def stores(database_server: Running, cache_server: Running) -> dict[str, str]:
    """The variables that tell where the stores are."""
    return {
        "MONGO_URL": database_server.url,
        "MONGO_DATABASE_PREFIX": f"{new_id('t')}_",
        "REDIS_URL": cache_server.url,
    }


async def test_an_environment_that_is_not_usable_is_told_in_a_sentence_a_variable(world: World, tmp_path: Path) -> None:
    environment = environment_of(world, "probe", **WRONG)
    del environment["KAFKA_BOOTSTRAP"]
    with living("probe", tmp_path, environment) as process:
        assert await process.ended() == 2
    assert process.said.splitlines() == [
        f"probe: MONGO_URL must be an URL that begins with mongodb:// or mongodb+srv://, {ESCAPED}: "
        "it is the MongoDB connection string.",
        f"probe: REDIS_URL must be an URL that begins with redis:// or rediss://, {ESCAPED}: it is the Redis connection string.",
        "probe: KAFKA_BOOTSTRAP is missing: it is the Kafka brokers as host:port, separated by commas.",
        "probe: GRPC_LISTEN must be host:port: it is where gRPC is served, as host:port.",
        "probe: TLS_CA_FILE must name a file that exists: it is the certificate authority of the mesh, PEM.",
        "probe: OTEL_EXPORTER_OTLP_ENDPOINT must be an URL that begins with http:// or https://, "
        f"{ESCAPED}: it is where traces are sent, an URL.",
        "probe: LOG_LEVEL must be one of debug, info, warning, error: it is the least important level that is logged.",
        "probe: DRAIN_SECONDS must be a number of seconds from 0 to 60: "
        "it is how long peers get to notice that this process stops.",
    ]


@pytest.mark.parametrize("variable", ["GRPC_LISTEN", "METRICS_LISTEN"])
async def test_an_address_that_is_taken_is_told_in_a_sentence(
    world: World, tmp_path: Path, stores: dict[str, str], cache_server: Running, variable: str
) -> None:
    taken = cache_server.program.address
    with living("probe", tmp_path, environment_of(world, "probe", **stores, **{variable: taken})) as process:
        assert await process.ended() == 1
    assert process.errors.splitlines()[-1].startswith(f"probe: {taken} cannot be listened on")
    assert "Traceback" not in process.said
    assert not process.logged("serving")


async def test_a_failure_at_the_start_is_logged_without_its_text(world: World, tmp_path: Path, stores: dict[str, str]) -> None:
    environment = environment_of(world, "probe", **stores, FAILURE_AT_START="dup key: ada@example.com")
    with living("probe", tmp_path, environment) as process:
        assert await process.ended() == 1
    (line,) = process.logged("ended by a failure")
    assert (line["level"], line["exception"]) == ("error", "RuntimeError")
    assert line["frames"][-1].endswith(" assemble")
    assert not process.errors
    assert "ada@" not in process.said


async def test_it_waits_for_a_store_that_is_not_there_yet_and_says_so(
    world: World, tmp_path: Path, stores: dict[str, str]
) -> None:
    cache = cache_program(tmp_path)
    variables = stores | {"REDIS_URL": f"redis://{cache.address}/0"}
    try:
        with living("probe", tmp_path, environment_of(world, "probe", **variables)) as process:
            await process.logs("waiting", 3)
            cache.start()
            await process.logs("serving")
            process.terminate()
            assert await process.ended() == 0
    finally:
        cache.kill()
    waits = process.logged("waiting")
    assert {line["dependency"] for line in waits} == {"Redis"}
    assert [line["next_try_seconds"] for line in waits[:3]] == [0.1, 0.2, 0.4]
    assert all(line["level"] == "warning" for line in waits)


async def test_told_to_end_while_it_waits_for_a_store_it_ends(world: World, tmp_path: Path) -> None:
    with living("probe", tmp_path, environment_of(world, "probe")) as process:
        assert (await process.logs("waiting"))["dependency"] == "MongoDB"
        process.terminate()
        assert await process.ended(2) == 0
    assert process.logged("stopped")
    assert not process.errors


async def test_told_to_end_it_finishes_what_it_has_begun_although_brokers_and_collector_are_away(
    world: World, tmp_path: Path, stores: dict[str, str]
) -> None:
    variables = stores | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    certificate = world.certificate("gateway")
    files = (certificate.ca_file, certificate.key_file, certificate.certificate_file)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    with living("probe", tmp_path, environment_of(world, "probe", **variables)) as process:
        address = await process.address()
        async with grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "probe")]) as channel:
            call = Stub(channel).Greet(Request(number=SLOW), timeout=10)
            await process.logs("slow call begun")
            process.terminate()
            assert (await call).text == "done"
        assert await process.ended(8) == 0
    assert process.logged("draining")[0]["calls"] == 1
    assert not process.errors

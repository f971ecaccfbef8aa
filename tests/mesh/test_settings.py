import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from mesh.settings import (
    Settings,
    SettingsError,
    address,
    existing_file,
    one_of,
    peers,
    read_settings,
    read_settings_or_exit,
    seconds,
    setting,
    switch,
    url,
    whole_number,
)

SECRET = "mongodb://user:canary@127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class ProbeSettings(Settings):
    colour: str = setting("the colour", one_of("red", "green"))
    size: int = setting("the size", whole_number(1, 9), "5")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    pem = tmp_path / "file.pem"
    pem.write_text("")
    return {
        "MONGO_URL": SECRET,
        "REDIS_URL": "redis://:canary@127.0.0.1",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TLS_CA_FILE": str(pem),
        "TLS_CERTIFICATE_FILE": str(pem),
        "TLS_KEY_FILE": str(pem),
        "COLOUR": "red",
    }


def test_variables_become_typed_fields_and_absent_ones_their_defaults(environment: dict[str, str]) -> None:
    settings = read_settings(ProbeSettings, "probe", environment | {"DRAIN_SECONDS": "0.5", "SIZE": "7", "GRPC_REFLECTION": "1"})
    assert (settings.service, settings.colour, settings.size) == ("probe", "red", 7)
    assert (settings.drain_seconds, settings.grpc_reflection, settings.max_concurrent_calls) == (0.5, True, 200)
    assert settings.tls_ca_file == Path(environment["TLS_CA_FILE"])


def test_settings_cannot_be_changed(environment: dict[str, str]) -> None:
    settings = read_settings(ProbeSettings, "probe", environment)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.colour = "green"  # type: ignore[misc]


def test_every_missing_and_every_wrong_variable_is_named_at_once(environment: dict[str, str]) -> None:
    del environment["MONGO_URL"], environment["COLOUR"]
    with pytest.raises(SettingsError) as refused:
        read_settings(ProbeSettings, "probe", environment | {"SIZE": "10", "TLS_KEY_FILE": "/nowhere/key.pem"})
    assert refused.value.sentences == [
        "MONGO_URL is missing: it is the MongoDB connection string.",
        "TLS_KEY_FILE must name a file that exists: it is this service's private key, PEM.",
        "COLOUR is missing: it is the colour.",
        "SIZE must be a whole number from 1 to 9: it is the size.",
    ]


def test_secrets_are_not_in_the_settings_repr(environment: dict[str, str]) -> None:
    settings = read_settings(ProbeSettings, "probe", environment)
    assert settings.mongo_url == SECRET
    assert "canary" not in repr(settings)


def test_a_process_with_wrong_settings_says_so_in_sentences_and_ends_with_2(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings_or_exit(ProbeSettings, "probe", environment | {"COLOUR": "blue", "LOG_LEVEL": "loud"})
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "probe: LOG_LEVEL must be one of debug, info, warning, error: it is the least important level that is logged.",
        "probe: COLOUR must be one of red, green: it is the colour.",
    ]


def test_a_peer_is_where_it_is_stated_to_be_and_otherwise_at_its_name_in_the_cluster(environment: dict[str, str]) -> None:
    settings = read_settings(ProbeSettings, "probe", environment | {"PEER_ADDRESSES": "user=127.0.0.1:7, auth=127.0.0.1:8"})
    assert settings.peer_address("user") == "127.0.0.1:7"
    assert settings.peer_address("auth") == "127.0.0.1:8"
    assert settings.peer_address("chat") == "dns:///chat.marketplace.svc.cluster.local:50051"


@pytest.mark.parametrize("value", ["127.0.0.1:0", "0.0.0.0:65535", "[::1]:50051", "auth.marketplace:1"])
def test_an_address_is_host_and_port(value: str) -> None:
    assert address(value) == value


@pytest.mark.parametrize("value", ["", "127.0.0.1", ":50051", "127.0.0.1:65536", "127.0.0.1:-1", "::1:50051", "a b:1", "a:1\n"])
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        address(value)


@pytest.mark.parametrize("value", ["", "1e3", "nan", "inf", "-1", "61", "0x1", " 1", "1.", ".5"])
def test_what_is_no_number_of_seconds_within_the_bounds_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="from 0 to 60"):
        seconds(0, 60)(value)


@pytest.mark.parametrize("value", ["", "0", "10", "5.0", "1_0", " 5", "five"])
def test_what_is_no_whole_number_within_the_bounds_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 9"):
        whole_number(1, 9)(value)


@pytest.mark.parametrize("value", ["", "true", "yes", "2"])
def test_a_switch_is_0_or_1(value: str) -> None:
    assert (switch("0"), switch("1")) == (False, True)
    with pytest.raises(ValueError, match="0 or 1"):
        switch(value)


@pytest.mark.parametrize("value", ["user", "user=", "=127.0.0.1:1", "user=127.0.0.1:1,auth"])
def test_peers_that_are_no_pairs_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="service=host:port"):
        peers(value)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="file that exists"):
        existing_file(str(tmp_path))


GOOD_URLS = (
    "mongodb://127.0.0.1",
    "mongodb://user:p%40ss%2Fword@one:27017,two:27017,[::1]:27017/admin?replicaSet=rs0&authSource=admin",
    "mongodb+srv://user@cluster.example.com/?retryWrites=false",
    "redis://:p%40ss@cache:6379/0",
    "redis://cache",
    "rediss://user:@[fd00::1]:6380/0",
)
BAD_URLS = (
    "",
    "mongodb://",
    "http://127.0.0.1",
    "127.0.0.1:27017",
    "mongodb://user:p@ss@one",
    "mongodb://user:p/ss@one",
    "mongodb://user:p:ss@one",
    "redis://:p?ss@cache:6379",
    "redis://cache:port",
    "mongodb://one,,two",
    "mongodb://one two",
    "redis://cache\n",
)


@pytest.mark.parametrize("value", GOOD_URLS)
def test_an_url_may_name_several_hosts_and_an_escaped_password(value: str) -> None:
    assert url("mongodb", "mongodb+srv", "redis", "rediss")(value) == value


@pytest.mark.parametrize("value", BAD_URLS)
def test_what_is_no_url_is_refused_and_never_repeated(value: str) -> None:
    with pytest.raises(ValueError, match="must be an URL") as refused:
        url("mongodb", "redis")(value)
    escaped = "with special characters of user and password escaped"
    assert str(refused.value) == f"must be an URL that begins with mongodb:// or redis://, {escaped}"

"""The bootstrap as a document: complete, consistent, and accepted by Envoy itself; the settings that cannot work are refused."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.envoy import render
from gateway.settings import EdgeSettings
from gateway.tokens import path_pattern
from mesh import contract
from mesh.local.certificates import Authority
from mesh.local.programs import envoy_binary

AT_EDGE = [method for method in contract.methods() if method.is_edge]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> EdgeSettings:
    certificate = Authority(tmp_path_factory.mktemp("render")).issue("gateway")
    return EdgeSettings(
        listen="127.0.0.1:10001",
        admin_listen="127.0.0.1:10002",
        jwks_listen="127.0.0.1:10003",
        metrics_listen="127.0.0.1:10004",
        services={method.service: "127.0.0.1:10005" for method in AT_EDGE},
        websocket="127.0.0.1:10006",
        ca_file=certificate.ca_file,
        certificate_file=certificate.certificate_file,
        key_file=certificate.key_file,
        allowed_origins=("https://app.example",),
        trusted_proxies=2,
    )


@pytest.fixture(scope="module")
def bootstrap(settings: EdgeSettings) -> Any:
    return json.loads(render(settings))


def _manager(bootstrap: Any, name: str) -> Any:
    listener = next(each for each in bootstrap["static_resources"]["listeners"] if each["name"] == name)
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def _routes(bootstrap: Any) -> list[Any]:
    routes: list[Any] = _manager(bootstrap, "edge")["route_config"]["virtual_hosts"][0]["routes"]
    return routes


def test_envoy_accepts_it(settings: EdgeSettings, tmp_path: Path) -> None:
    config = tmp_path / "envoy.json"
    config.write_text(render(settings))
    command = [envoy_binary(), "--mode", "validate", "-c", str(config), "-l", "warning", "--disable-hot-restart"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "eprecated" not in done.stderr


def test_it_is_the_same_every_time(settings: EdgeSettings) -> None:
    assert render(settings) == render(settings)


def test_every_method_at_the_edge_has_one_route_with_its_own_timeout_and_rate_and_no_other_method_has_one(bootstrap: Any) -> None:
    by_path = {route["name"]: route for route in _routes(bootstrap) if "retry_policy" in route.get("route", {})}
    assert set(by_path) == {method.path for method in AT_EDGE}
    for method in AT_EDGE:
        route = by_path[method.path]
        assert route["match"] == {"path": method.path}
        assert route["route"]["cluster"] == method.service
        expected = f"{method.deadline_seconds + 0.25:g}s" if method.deadline_seconds else "0s"
        assert route["route"]["timeout"] == expected
        assert ("unavailable" in route["route"]["retry_policy"]["retry_on"]) == method.is_retriable
        assert method.rate is not None
        rate = route["typed_per_filter_config"]["envoy.filters.http.local_ratelimit"]
        assert rate["descriptors"][0]["token_bucket"]["max_tokens"] == method.rate.requests
        assert (
            rate["descriptors"][0]["entries"][0]["key"]
            == {"account": "account", "address": "masked_remote_address"}[method.rate.scope]
        )


def test_every_route_but_nowhere_leads_to_a_destination_that_there_is(bootstrap: Any) -> None:
    clusters = {cluster["name"] for cluster in bootstrap["static_resources"]["clusters"]}
    assert "nowhere" not in clusters
    wanted = {route["route"]["cluster"] for route in _routes(bootstrap) if "route" in route}
    assert wanted - {"nowhere"} <= clusters


def test_every_service_is_reached_by_mutual_tls_under_its_own_name_and_watched_closely(bootstrap: Any) -> None:
    clusters = {cluster["name"]: cluster for cluster in bootstrap["static_resources"]["clusters"]}
    for service in {method.service for method in AT_EDGE}:
        context = clusters[service]["transport_socket"]["typed_config"]["common_tls_context"]
        assert context["tls_certificates"]
        names = context["validation_context"]["match_typed_subject_alt_names"]
        assert names == [{"san_type": "URI", "matcher": {"exact": f"spiffe://marketplace/{service}"}}]
        check = clusters[service]["health_checks"][0]
        assert {check["interval"], check["no_traffic_interval"], check["unhealthy_interval"]} == {"0.25s"}


def test_what_needs_no_token_is_exactly_what_the_contract_calls_public(bootstrap: Any) -> None:
    tokens = next(each for each in _manager(bootstrap, "edge")["http_filters"] if each["name"].endswith("jwt_authn"))
    rules = tokens["typed_config"]["rules"]
    assert rules[-1] == {"match": {"prefix": "/"}, "requires": {"provider_name": "auth"}}
    open_paths = {rule["match"]["path"] for rule in rules[:-1] if "path" in rule["match"] and "requires" not in rule}
    public = [method for method in AT_EDGE if method.is_public]
    assert open_paths == {"/healthz", "/openapi.json", *(method.path for method in public)}
    assert len([rule for rule in rules if "safe_regex" in rule["match"]]) == sum(len(method.rest) for method in public)


def test_the_admin_pages_and_the_source_of_keys_are_on_loopback_or_nowhere(settings: EdgeSettings) -> None:
    with pytest.raises(ValueError, match="loopback"):
        replace(settings, admin_listen="0.0.0.0:9901")
    with pytest.raises(ValueError, match="loopback"):
        replace(settings, jwks_listen="10.0.0.1:9902")


def test_what_the_edge_needs_of_itself_stays_open_when_clients_take_all_connections(bootstrap: Any) -> None:
    exempt = {each["name"]: each.get("ignore_global_conn_limit", False) for each in bootstrap["static_resources"]["listeners"]}
    assert exempt == {"edge": False, "keys": True, "metrics": True}
    assert bootstrap["admin"]["ignore_global_conn_limit"] is True


def test_settings_that_cannot_work_are_refused_in_a_sentence(settings: EdgeSettings) -> None:
    with pytest.raises(ValueError, match="where payment can be reached"):
        replace(settings, services={name: at for name, at in settings.services.items() if name != "payment"})
    with pytest.raises(ValueError, match="rate_scale"):
        replace(settings, rate_scale=0)
    with pytest.raises(ValueError, match="host:port"):
        replace(settings, listen="nowhere")


@pytest.mark.parametrize(
    "template,path,matches",
    [
        ("/v1/things", "/v1/things", True),
        ("/v1/things", "/v1/things/", False),
        ("/v1/things/{id}", "/v1/things/a", True),
        ("/v1/things/{id}", "/v1/things/a/b", False),
        ("/v1/things/{id}", "/v1/things/a:remove", False),
        ("/v1/things/{id}", "/v1/things/a%3Aremove", False),
        ("/v1/things/{id}:show", "/v1/things/a:show", True),
        ("/v1/{name=things/*}/parts", "/v1/things/a/parts", True),
        ("/v1/{name=things/*}/parts", "/v1/others/a/parts", False),
        ("/v1/files/{path=**}", "/v1/files/a/b", True),
        ("/.well-known/jwks.json", "/xwell-known/jwks.json", False),
    ],
)
def test_a_public_path_opens_no_more_than_it_says(template: str, path: str, matches: bool) -> None:
    import re

    assert bool(re.fullmatch(path_pattern(template), path)) == matches


def test_the_command_prints_both_and_tells_in_a_sentence_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"
    assert main(["render", "--allow-origin", "https://app.example", "--metrics-listen", "0.0.0.0:9102"]) == 0
    assert {each["name"] for each in json.loads(capsys.readouterr().out)["static_resources"]["listeners"]} == {
        "edge",
        "keys",
        "metrics",
    }
    assert main(["render", "--admin-listen", "0.0.0.0:9901"]) == 2
    assert "loopback" in capsys.readouterr().err

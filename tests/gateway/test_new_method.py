"""The contract is the only place to change: a method that is added to a proto is at the edge, in the document and on the wire."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tools import generate

_RPC = """
  // The caller's neighbour providers, newest first. Reasons: PROFILE_NOT_FOUND.
  rpc ListNeighbours(ListNeighboursRequest) returns (ListNeighboursResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/v1/neighbours"};
    option (marketplace.mesh.v1.policy) = {
      exposure: EXPOSURE_EDGE
      access: {roles: [ROLE_CUSTOMER]}
      owner: {kind: OWNER_KIND_SELF}
      deadline: {seconds: 7}
      rate: {requests: 42 per: {seconds: 60} scope: RATE_SCOPE_ACCOUNT}
    };
  }

  // The caller's neighbour providers, as they once were. Reasons: PROFILE_NOT_FOUND.
  rpc ListNeighboursOfOld(ListNeighboursRequest) returns (ListNeighboursResponse) {
    option deprecated = true;
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/v1/neighbours-of-old"};
    option (marketplace.mesh.v1.policy) = {
      exposure: EXPOSURE_EDGE
      access: {roles: [ROLE_CUSTOMER]}
      owner: {kind: OWNER_KIND_SELF}
      deadline: {seconds: 7}
      rate: {requests: 42 per: {seconds: 60} scope: RATE_SCOPE_ACCOUNT}
      deprecation: {since: "2026-12-01" sunset: "2027-06-30"}
    };
  }

  // What only the mesh may ask.
  rpc CountNeighbours(ListNeighboursRequest) returns (ListNeighboursResponse) {
    option (marketplace.mesh.v1.policy) = {
      exposure: EXPOSURE_MESH
      access: {callers: ["booking"]}
      deadline: {seconds: 1}
    };
  }
}
"""
_MESSAGES = """
// Asks for neighbours.
message ListNeighboursRequest {
  // How many at most.
  int32 most = 1;
}

// Neighbours.
message ListNeighboursResponse {
  // The providers' ids.
  repeated string provider_ids = 1;
}
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command prints when one proto has two more methods and nothing else has changed."""
    folder = tmp_path_factory.mktemp("contract")
    shutil.copytree(generate.PROTOS, folder / "protos")
    proto = folder / "protos/marketplace/user/v1/profile_service.proto"
    service, _, messages = proto.read_text().partition("\n}\n")
    proto.write_text(f"{service}\n{_RPC}{messages}{_MESSAGES}")
    (folder / "generated").mkdir()
    generate._run_protoc(folder / "protos", folder / "generated")
    environment = os.environ | {"PYTHONPATH": f"{folder / 'generated'}{os.pathsep}{generate.ROOT}"}
    found = {}
    for command in ("render", "openapi"):
        run = [sys.executable, "-m", "gateway", command]
        done = subprocess.run(run, env=environment, cwd=folder, capture_output=True, text=True, check=True)
        found[command] = json.loads(done.stdout)
    return found


def test_the_edge_routes_the_new_method_as_its_policy_says(printed: dict[str, Any]) -> None:
    listener = next(each for each in printed["render"]["static_resources"]["listeners"] if each["name"] == "edge")
    routes = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]
    by_name = {route.get("name"): route for route in routes}
    route = by_name["/marketplace.user.v1.ProfileService/ListNeighbours"]
    assert route["route"]["timeout"] == "7.25s"
    assert "unavailable" in route["route"]["retry_policy"]["retry_on"]
    rate = route["typed_per_filter_config"]["envoy.filters.http.local_ratelimit"]
    assert rate["descriptors"][0]["token_bucket"]["max_tokens"] == 42
    assert "/marketplace.user.v1.ProfileService/CountNeighbours" not in by_name


def test_a_deprecated_method_says_so_in_its_answers_and_in_the_document(printed: dict[str, Any]) -> None:
    listener = next(each for each in printed["render"]["static_resources"]["listeners"] if each["name"] == "edge")
    routes = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]
    (told,) = [
        {each["header"]["key"]: each["header"]["value"] for each in route["response_headers_to_add"]}
        for route in routes
        if route.get("name", "").endswith("/ListNeighboursOfOld")
    ]
    assert told == {"deprecation": "@1796083200", "sunset": "Wed, 30 Jun 2027 00:00:00 GMT"}
    operation = printed["openapi"]["paths"]["/v1/neighbours-of-old"]["get"]
    assert operation["deprecated"] is True
    assert "Deprecated since 2026-12-01; it may be gone from 2027-06-30 on." in operation["description"]
    assert "deprecated" not in printed["openapi"]["paths"]["/v1/neighbours"]["get"]


def test_the_document_describes_the_new_method(printed: dict[str, Any]) -> None:
    operation = printed["openapi"]["paths"]["/v1/neighbours"]["get"]
    assert operation["summary"] == "The caller's neighbour providers, newest first."
    assert "PROFILE_NOT_FOUND" in operation["responses"]["404"]["description"]
    assert [each["name"] for each in operation["parameters"]] == ["most"]
    assert "user.v1.ListNeighboursResponse" in printed["openapi"]["components"]["schemas"]
    assert "CountNeighbours" not in str(printed["openapi"])

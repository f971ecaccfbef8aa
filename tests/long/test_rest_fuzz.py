"""The published OpenAPI document against the real stack: what fits it and what does not, by the thousand [schemathesis].

No answer is a failure of a server, every status is one that the operation names, every body is what the document says.
"""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from demo.journey.scene import Doors
from gateway.openapi import openapi_document
from mesh import contract
from tests.long.conftest import Known

pytestmark = pytest.mark.long

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "10000"))
STREAMS = {method.path for method in contract.methods() if method.is_server_streaming}
SCHEMA = schemathesis.openapi.from_dict(openapi_document())
OPERATIONS = [
    operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))
    if operation.definition.raw["x-grpc-method"] not in STREAMS  # what they accept they answer for ever
]
EACH = REQUESTS * 11 // len(OPERATIONS) // 10 + 1  # some operations have not so many different calls
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
_sent: list[int] = []


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Keeps its connections."""
    with requests.Session() as session:
        yield session


@pytest.mark.timeout(600)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"])
def test_every_answer_is_one_that_the_document_promises(
    doors: Doors, known: Known, session: requests.Session, operation: Any
) -> None:
    method = contract.find_method(operation.definition.raw["x-grpc-method"])
    token = _token_for(doors, known, method)
    promised = {int(status) for status in operation.definition.raw["responses"] if status != "default"}
    fitting, wrong = (operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @seed(20261125)
    @settings(max_examples=EACH, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=st.one_of(fitting, fitting, fitting, wrong), names_what_exists=st.booleans(), is_known=st.integers(0, 19))
    def call(case: "Case[Any]", names_what_exists: bool, is_known: int) -> None:
        if names_what_exists:
            case.path_parameters.update({name: known.ids[name] for name in case.path_parameters if name in known.ids})
        if is_known:  # one in twenty comes with a token that schemathesis has made up
            case.headers["Authorization"] = f"Bearer {token}"
        answer = case.call(base_url=doors.edge_url, session=session)
        _sent.append(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        assert answer.status_code in promised, f"{answer.status_code} {answer.text} to {case.as_curl_command()}"

    call()


def test_as_many_were_sent_as_promised() -> None:
    assert len(_sent) >= REQUESTS
    assert sum(status == 200 for status in _sent) > REQUESTS / 20, "not everything may stop at the first check"


def _token_for(doors: Doors, known: Known, method: contract.MethodContract) -> str:
    """Of somebody who may call it: one who has something where the path names it, a new account otherwise."""
    if "{" in method.rest[0].path or method.roles == {"admin"}:
        return known.tokens[next(role for role in ("customer", "provider", "admin") if role in method.roles or method.is_public)]
    email = f"fuzz.{method.name.lower()}@example.com"
    account = {"email": email, "password": "correct horse battery", "display_name": "Fuzz"}
    roles = ["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_PROVIDER"]
    httpx.post(f"{doors.edge_url}/v1/accounts", json=account | {"roles": roles}).raise_for_status()
    session = httpx.post(f"{doors.edge_url}/v1/sessions", json={"email": email, "password": account["password"]})
    return str(session.json()["tokens"]["access_token"])

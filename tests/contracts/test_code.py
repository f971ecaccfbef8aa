"""The code keeps what the contract promises: every method is implemented and served, every reason is raised and no other is."""

import pytest

from gateway.comments import promised_names, reasons
from mesh import contract
from mesh.status_details import CODES
from tests.contracts.source import KINDS, ROOT, Raised, implemented, is_written, raised_in, service_names

MESH = "mesh"


def _needs_code(service: str) -> None:
    if not is_written(service):
        pytest.skip(f"services/{service} is not written yet")


def _own(service: str) -> set[str]:
    return {name for owner, name in reasons() if owner == service}


each_service = pytest.mark.parametrize("service", service_names())


@each_service
def test_every_method_is_implemented_and_nothing_else_is(service: str) -> None:
    _needs_code(service)
    wanted: dict[str, set[str]] = {}
    for method in contract.methods():
        if method.service == service:
            wanted.setdefault(method.service_full_name.rpartition(".")[2], set()).add(method.name)
    assert implemented(service) == wanted


@each_service
def test_every_grpc_service_is_served(service: str) -> None:
    _needs_code(service)
    code = "".join(path.read_text() for path in (ROOT / "services" / service).rglob("*.py"))
    for name in {method.service_full_name.rpartition(".")[2] for method in contract.methods() if method.service == service}:
        assert f"add_{name}Servicer_to_server" in code


@each_service
def test_a_service_raises_only_reasons_that_clients_are_told_of(service: str) -> None:
    _needs_code(service)
    known = _own(service) | _own(MESH)
    assert [each for each in raised_in(f"services/{service}") if each.reason not in known] == []


@each_service
def test_every_reason_of_a_service_is_raised_by_it(service: str) -> None:
    _needs_code(service)
    assert _own(service) - {each.reason for each in raised_in(f"services/{service}")} == set()


def test_every_reason_of_the_mesh_is_raised_by_the_mesh_or_the_edge_and_no_other_is() -> None:
    found = {each.reason for folder in ("mesh", "gateway") for each in raised_in(folder)}
    found.add("INTERNAL")  # what is raised then is not one of ours
    found.remove("PAGE_TOKEN_INVALID")  # each service that cuts lists into pages has it as its own
    assert found == _own(MESH)


@pytest.mark.parametrize("folder", ["mesh", "gateway", *(f"services/{service}" for service in service_names())])
def test_a_reason_comes_with_the_status_that_its_comment_says(folder: str) -> None:
    service = folder.rpartition("/")[2]
    wrong = [each for each in raised_in(folder) if each.kind in KINDS and not _has_its_status(each, service)]
    assert wrong == []


# Raised where only an event's handler sees it: there the kind says how often to try again, and nothing is sent to anybody.
_NEVER_SENT = {("Conflict", "PAYMENT_PROVIDER_UNAVAILABLE")}


def _has_its_status(each: Raised, service: str) -> bool:
    if (each.kind, each.reason) in _NEVER_SENT:
        return True
    known = reasons().get((service, each.reason)) or reasons().get((MESH, each.reason))
    return known is None or known.code == CODES[KINDS[each.kind]].name


@pytest.mark.parametrize("method", contract.methods(), ids=lambda method: method.path.rpartition(".")[2])
def test_reasons_that_a_comment_promises_exist(method: contract.MethodContract) -> None:
    known = _own(method.service) | _own(MESH)
    assert [name for name in promised_names(method) if name not in known] == []


def test_every_reason_says_its_status() -> None:
    assert {each.code for each in reasons().values()} <= {code.name for code in CODES.values()} | {"INTERNAL"}

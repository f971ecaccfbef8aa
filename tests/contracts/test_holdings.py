"""Whatever a service stores is said to be a person's or nobody's, and what is a person's can be found, shown and erased."""

import importlib
import pkgutil
from pathlib import Path

import pytest

from mesh import contract
from mesh.local.services import SERVICES
from mesh.storage.documents import StoredDocument
from mesh.storage.holdings import Holding
from tests.contracts.source import ROOT

each_service = pytest.mark.parametrize("service", SERVICES)


def _documents(service: str) -> set[type[StoredDocument]]:
    """Every class of documents of a service."""
    package = importlib.import_module(f"services.{service}")
    for module in pkgutil.walk_packages(package.__path__, f"services.{service}."):
        importlib.import_module(module.name)
    return {each for each in StoredDocument.__subclasses__() if each.__module__.startswith(f"services.{service}.")}


def _table(service: str) -> tuple[tuple[Holding, ...], tuple[type[StoredDocument], ...]]:
    stores = _documents(service)
    if not stores:
        return (), ()
    module = importlib.import_module(f"services.{service}.holdings")
    return module.HOLDINGS, module.IMPERSONAL


@each_service
def test_every_collection_is_somebodys_or_nobodys(service: str) -> None:
    holdings, impersonal = _table(service)
    personal = {each.documents for each in holdings}
    assert personal | set(impersonal) == _documents(service)
    assert personal & set(impersonal) == set()


@each_service
def test_what_is_a_persons_is_found_by_an_index(service: str) -> None:
    for holding in _table(service)[0]:
        indexes = holding.documents._meta.get("indexes", [])
        first = {_first(each["fields"] if isinstance(each, dict) else each) for each in indexes} | {"_id"}
        assert holding.found_by in first, holding.kind


@each_service
def test_an_erasure_writes_over_fields_that_there_are(service: str) -> None:
    for holding in _table(service)[0]:
        fields = {each.db_field for each in holding.documents._fields.values()}
        assert set(holding.leaves or {}) | holding.hidden <= fields, holding.kind


@each_service
def test_a_service_that_holds_something_of_persons_tells_and_erases_it(service: str) -> None:
    if not _table(service)[0]:
        return
    code = "".join(path.read_text() for path in _files(service))
    assert "add_PrivacyServiceServicer_to_server" in code
    assert "holdings.erase" in code
    assert service == "user" or "PersonErased" in code


def test_personal_data_in_events_travel_under_the_account_so_that_an_erasure_finds_them() -> None:
    personal = {
        event.type_name: event.key_field
        for event in contract.events()
        if any(field.GetOptions().debug_redact for field in event.message.DESCRIPTOR.fields)
    }
    assert personal
    assert set(personal.values()) == {"account_id"}


def _first(fields: tuple[str, ...] | str) -> str:
    return (fields if isinstance(fields, str) else fields[0]).lstrip("-")


def _files(service: str) -> list[Path]:
    return sorted((ROOT / "services" / service).rglob("*.py"))

"""Every kind of notification has words in every language."""

from datetime import UTC, datetime

import pytest

from services.notification.model import WITH_EMAIL, Contact, Notification
from services.notification.words import _DOCUMENTS, _TEXTS, TemplateWords

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FACTS = {
    "start_time": "2030-01-02T17:00:00+00:00",
    "expire_time": "2030-03-01T01:00:00+00:00",
    "currency": "BRL",
    "amount_minor": "123456",
    "stars": "5",
    "document": "insurance",
}


def words(kind: str, locale: str) -> tuple[str, str]:
    contact = Contact("X", "x@example.com", locale, "America/Sao_Paulo", email_enabled=True)
    return TemplateWords().word(Notification("ntf", "acc", kind, "", NOW, FACTS), contact)


def test_all_languages_know_the_same_kinds_and_documents() -> None:
    assert _TEXTS["pt-BR"].keys() == _TEXTS["en"].keys()
    assert _DOCUMENTS["pt_BR"].keys() == _DOCUMENTS["en"].keys()
    assert _TEXTS["en"].keys() >= WITH_EMAIL


@pytest.mark.parametrize("locale", ["pt-BR", "en"])
@pytest.mark.parametrize("kind", _TEXTS["en"])
def test_a_kind_is_worded_with_its_facts(kind: str, locale: str) -> None:
    assert all(words(kind, locale))


def test_an_expiry_is_told_as_the_reader_writes_dates_in_their_zone() -> None:
    assert words("document_expiring", "pt-BR")[1] == "Seu documento (seguro) vence em 28 de fevereiro de 2030. Envie um novo."
    assert words("document_expiring", "en")[1] == "Your document (insurance) expires on February 28, 2030. Send a new one."

"""What each kind of notification says, in pt-BR and in English; money and times as the reader writes them."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_currency_precision
from jinja2 import Environment, StrictUndefined

from services.notification.model import Contact, Notification

_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "pt-BR": {
        "offer_made": ("Nova oferta de serviço", "Há um pedido para {{ start }}; você recebe {{ money }}."),
        "booking_confirmed": ("Reserva confirmada", "O serviço está marcado para {{ start }}, por {{ money }}."),
        "booking_completed": ("Serviço concluído", "O serviço foi concluído. Conte como foi!"),
        "booking_cancelled": ("Reserva cancelada", "O serviço não vai acontecer e nada foi cobrado."),
        "message_sent": ("Nova mensagem", "Você recebeu uma mensagem sobre a sua reserva."),
        "payment_receipt": ("Recibo do pagamento", "Cobramos {{ money }} pelo serviço no seu meio de pagamento."),
        "payout_booked": ("Valor a receber", "{{ money }} foram creditados para você."),
        "review_published": ("Nova avaliação", "Você recebeu uma avaliação de {{ stars }} de 5."),
        "document_approved": ("Documento aprovado", "Seu documento ({{ document }}) foi aprovado."),
        "document_rejected": ("Documento recusado", "Seu documento ({{ document }}) foi recusado. Veja o motivo no seu perfil."),
        "document_expiring": ("Documento a vencer", "Seu documento ({{ document }}) vence em {{ expiry }}. Envie um novo."),
        "document_expired": ("Documento vencido", "Seu documento ({{ document }}) venceu. Envie um novo."),
    },
    "en": {
        "offer_made": ("New offer", "There is a request for {{ start }}; you get {{ money }}."),
        "booking_confirmed": ("Booking confirmed", "The service will take place on {{ start }}, for {{ money }}."),
        "booking_completed": ("Service completed", "The work is done. Tell how it was!"),
        "booking_cancelled": ("Booking cancelled", "The service will not take place, and nothing was charged."),
        "message_sent": ("New message", "You got a message about your booking."),
        "payment_receipt": ("Payment receipt", "We took {{ money }} for the service from your payment method."),
        "payout_booked": ("Payout booked", "{{ money }} were credited to you."),
        "review_published": ("New review", "You got a review of {{ stars }} out of 5."),
        "document_approved": ("Document approved", "Your document ({{ document }}) was approved."),
        "document_rejected": ("Document rejected", "Your document ({{ document }}) was rejected. Your profile says why."),
        "document_expiring": (
            "Document about to expire",
            "Your document ({{ document }}) expires on {{ expiry }}. Send a new one.",
        ),
        "document_expired": ("Document expired", "Your document ({{ document }}) has expired. Send a new one."),
    },
}
_DOCUMENTS = {
    "pt_BR": {
        "identity": "identidade",
        "address": "comprovante de endereço",
        "qualification": "qualificação",
        "insurance": "seguro",
        "background": "antecedentes",
    },
    "en": {
        "identity": "identity",
        "address": "proof of address",
        "qualification": "qualification",
        "insurance": "insurance",
        "background": "background check",
    },
}
_DEFAULT_LOCALE = "pt-BR"


class TemplateWords:
    """The port Words."""

    def __init__(self) -> None:
        templates = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text, read as such
        self._templates = {
            (locale, kind): (templates.from_string(title), templates.from_string(body))
            for locale, texts in _TEXTS.items()
            for kind, (title, body) in texts.items()
        }

    def word(self, notification: Notification, contact: Contact) -> tuple[str, str]:
        locale = contact.locale if contact.locale in _TEXTS else _DEFAULT_LOCALE
        title, body = self._templates[locale, notification.type]
        facts = _readable(notification.facts, locale.replace("-", "_"), contact.time_zone)
        return title.render(facts), body.render(facts)


def _readable(facts: dict[str, str], locale: str, time_zone: str) -> dict[str, str]:
    readable = dict(facts)
    if "start_time" in facts:
        moment = datetime.fromisoformat(facts["start_time"]).astimezone(ZoneInfo(time_zone))
        readable["start"] = f"{format_date(moment, 'full', locale)}, {format_time(moment, 'short', locale=locale)}"
    if "document" in facts:
        readable["document"] = _DOCUMENTS[locale].get(facts["document"], facts["document"])
    if "expire_time" in facts:
        moment = datetime.fromisoformat(facts["expire_time"]).astimezone(ZoneInfo(time_zone))
        readable["expiry"] = format_date(moment, "long", locale)
    if "amount_minor" in facts:
        units = Decimal(facts["amount_minor"]).scaleb(-get_currency_precision(facts["currency"]))
        readable["money"] = format_currency(units, facts["currency"], locale=locale)
    return readable

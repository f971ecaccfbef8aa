"""The category tree: the kinds of service that can be booked. A release changes it, never a request."""

from dataclasses import dataclass

from mesh.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of service. An offering or a request names exactly one; being below another is for browsing."""

    category_id: str
    parent_id: str  # "" at the top
    name_pt: str
    name_en: str


_TABLE = (
    ("cleaning", "", "Limpeza", "Cleaning"),
    ("cleaning-home", "cleaning", "Limpeza residencial", "Home cleaning"),
    ("cleaning-office", "cleaning", "Limpeza de escritório", "Office cleaning"),
    ("cleaning-after-works", "cleaning", "Limpeza pós-obra", "Cleaning after works"),
    ("electrical", "", "Elétrica", "Electrical work"),
    ("electrical-installation", "electrical", "Instalação elétrica", "Electrical installation"),
    ("electrical-repair", "electrical", "Reparo elétrico", "Electrical repair"),
    ("plumbing", "", "Encanamento", "Plumbing"),
    ("plumbing-leak", "plumbing", "Conserto de vazamentos", "Leak repair"),
    ("plumbing-drain", "plumbing", "Desentupimento", "Drain unblocking"),
    ("moving", "", "Mudança", "Moving"),
    ("moving-home", "moving", "Mudança residencial", "Home moving"),
    ("moving-freight", "moving", "Frete e carreto", "Small freight"),
    ("painting", "", "Pintura", "Painting"),
    ("painting-interior", "painting", "Pintura interna", "Interior painting"),
    ("painting-facade", "painting", "Pintura de fachada", "Facade painting"),
    ("gardening", "", "Jardinagem", "Gardening"),
    ("gardening-lawn", "gardening", "Corte de grama", "Lawn mowing"),
    ("gardening-pruning", "gardening", "Poda", "Pruning"),
    ("lessons", "", "Aulas", "Lessons"),
    ("lessons-language", "lessons", "Aulas de idiomas", "Language lessons"),
    ("lessons-math", "lessons", "Aulas de matemática", "Mathematics lessons"),
    ("lessons-music", "lessons", "Aulas de música", "Music lessons"),
    ("assembly", "", "Montagem de móveis", "Furniture assembly"),
    ("appliances", "", "Conserto de eletrodomésticos", "Appliance repair"),
    ("pets", "", "Cuidados com animais", "Pet care"),
)

CATEGORIES = tuple(Category(*row) for row in _TABLE)
"""Parents before children."""

_IDS = frozenset(category.category_id for category in CATEGORIES)


def require_category(category_id: str) -> None:
    """Raises InvalidInput (CATEGORY_UNKNOWN) when there is no such category."""
    if category_id not in _IDS:
        raise InvalidInput("CATEGORY_UNKNOWN", "There is no such category.", {"category_id": category_id})

"""What user holds of persons, and what an erasure leaves of it."""

from mesh.storage.holdings import KEPT, REMOVED, Holding
from services.user.store.documents import DocumentDocument
from services.user.store.engagements import EngagementDocument
from services.user.store.erasures import ErasedDocument
from services.user.store.moderations import ModerationDocument, ReportDocument
from services.user.store.profiles import ProfileDocument
from services.user.store.ratings import RatingDocument
from services.user.store.relations import BlockDocument, FavouriteDocument
from services.user.store.reviews import ReviewDocument

_WORDLESS = {"comment": "", "reply": {}}  # the stars stay: they count for the other
_PUBLISHED = {"publish_time": {"$ne": None}}  # until then a review is its author's alone

HOLDINGS = (
    Holding("profile", ProfileDocument, "_id", REMOVED),
    Holding("rating", RatingDocument, "_id", REMOVED),
    Holding("documents", DocumentDocument, "account_id", REMOVED, hidden=frozenset({"decided_by"})),
    Holding("reviews written", ReviewDocument, "author_id", _WORDLESS),
    Holding("reviews received", ReviewDocument, "subject_id", _WORDLESS, exported_when=_PUBLISHED),
    Holding("reports of reviews", ReportDocument, "reporter_id", {"note": ""}),
    Holding("favourites", FavouriteDocument, "account_id", REMOVED),
    Holding("favourite of others", FavouriteDocument, "provider_id", REMOVED, exported_when=None),
    Holding("blocks", BlockDocument, "blocker_id", REMOVED),
    Holding("blocked by others", BlockDocument, "blocked_id", KEPT, exported_when=None),
)

IMPERSONAL = (EngagementDocument, ErasedDocument, ModerationDocument)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""

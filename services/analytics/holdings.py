"""What analytics holds of persons: nothing but account ids."""

from services.analytics.store import FiguresDocument, RatingDocument, SubjectDocument

HOLDINGS = ()

IMPERSONAL = (FiguresDocument, RatingDocument, SubjectDocument)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""

"""What every stored document is. mongoengine gives fields, validation, indexes and mapping; its blocking queries stay unused."""

from typing import Any, ClassVar

import mongoengine


class StoredDocument(mongoengine.Document):  # type: ignore[misc]  # mongoengine carries no types
    """A document with an id of ours and a version that each replacement raises by one."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}

    id: Any = mongoengine.StringField(primary_key=True)
    version: Any = mongoengine.IntField(default=0)

"""The documents and their indexes."""

from typing import Any, ClassVar

import mongoengine

from mesh.storage.documents import StoredDocument

_A_YEAR_SECONDS = 365 * 24 * 3600


class AccountDocument(StoredDocument):
    """An account."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "accounts",
        "indexes": [{"fields": ("login",), "unique": True}, ("roles",)],
    }

    login: Any = mongoengine.StringField(required=True)
    email: Any = mongoengine.StringField(required=True)
    password_hash: Any = mongoengine.StringField(required=True)
    display_name: Any = mongoengine.StringField(required=True)
    roles: Any = mongoengine.ListField(mongoengine.StringField())
    locale: Any = mongoengine.StringField(required=True)
    time_zone: Any = mongoengine.StringField(required=True)
    register_time: Any = mongoengine.DateTimeField(required=True)
    is_email_verified: Any = mongoengine.BooleanField(default=False)
    is_locked: Any = mongoengine.BooleanField(default=False)
    lock_reason: Any = mongoengine.StringField()
    totp_secret: Any = mongoengine.BinaryField()
    is_totp_enabled: Any = mongoengine.BooleanField(default=False)
    totp_step: Any = mongoengine.IntField(default=0)
    recovery_hashes: Any = mongoengine.ListField(mongoengine.StringField())


class SessionDocument(StoredDocument):
    """A session; MongoDB removes it when it has expired."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "sessions",
        "indexes": [("account_id",), {"fields": ("expire_time",), "expireAfterSeconds": 0}],
    }

    account_id: Any = mongoengine.StringField(required=True)
    roles: Any = mongoengine.ListField(mongoengine.StringField())
    expire_time: Any = mongoengine.DateTimeField(required=True)
    generation: Any = mongoengine.IntField(required=True)
    rotate_time: Any = mongoengine.DateTimeField()
    is_ended: Any = mongoengine.BooleanField(default=False)
    auth_time: Any = mongoengine.DateTimeField()
    device_name: Any = mongoengine.StringField()
    address: Any = mongoengine.StringField()


class MailDocument(StoredDocument):
    """A mail; MongoDB removes it when it has expired."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "mails",
        "indexes": [("account_id",), ("state", "request_time"), {"fields": ("expire_time",), "expireAfterSeconds": 0}],
    }

    kind: Any = mongoengine.StringField(required=True)
    account_id: Any = mongoengine.StringField()
    email: Any = mongoengine.StringField(required=True)
    state: Any = mongoengine.StringField(required=True)
    request_time: Any = mongoengine.DateTimeField(required=True)
    address: Any = mongoengine.StringField()
    user_agent: Any = mongoengine.StringField()
    expire_time: Any = mongoengine.DateTimeField(required=True)


class AuditDocument(StoredDocument):
    """A line of the audit trail; MongoDB removes it after a year."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "audit",
        "indexes": [
            ("account_id", "-create_time", "-_id"),
            {"fields": ("create_time",), "expireAfterSeconds": _A_YEAR_SECONDS},
        ],
    }

    account_id: Any = mongoengine.StringField()
    action: Any = mongoengine.StringField(required=True)
    outcome: Any = mongoengine.StringField(required=True)
    actor_id: Any = mongoengine.StringField()
    address: Any = mongoengine.StringField()
    user_agent: Any = mongoengine.StringField()
    note: Any = mongoengine.StringField()
    create_time: Any = mongoengine.DateTimeField(required=True)

"""For when a signing key may be known to others: `python -m services.auth.rotate_keys`, with auth's environment.

Access tokens signed so far are refused within 35 seconds, wherever they are shown; clients refresh their sessions and go on.
"""

import asyncio
import os

from mesh.settings import read_settings_or_exit
from mesh.storage import mongo
from mesh.storage.mongo import Database
from services.auth.keys import KeyChain
from services.auth.settings import AuthSettings


async def rotate(settings: AuthSettings) -> None:
    """Replaces the keys in the database of these settings. Raises Unavailable when it does not answer."""
    client = mongo.connect(settings.mongo_url)
    try:
        database = Database(client, f"{settings.mongo_database_prefix}auth")
        await KeyChain(database, settings.key_encryption_secret).replace_all()
    finally:
        await client.close()


if __name__ == "__main__":
    asyncio.run(rotate(read_settings_or_exit(AuthSettings, "auth", os.environ)))
    print("The signing keys are replaced; tokens signed with the ones before are dead within 35 seconds.")

"""Documents: submitted by providers, decided about by administrators, watched by the clock. A profile follows its documents."""

from dataclasses import replace

from mesh.clock import Clock
from services.user.model.document import Document, State, document_not_found, proves_identity, submitted
from services.user.model.profile import profile_not_found
from services.user.ports import After, Documents, Profiles, Transaction

_CHECKED_AT_ONCE = 100


class VerificationWorkflows:
    """What is done with documents."""

    def __init__(self, transaction: Transaction, profiles: Profiles, documents: Documents, clock: Clock) -> None:
        self._transaction = transaction
        self._profiles = profiles
        self._documents = documents
        self._clock = clock

    async def submit(self, document: Document) -> Document:
        """The document, which is the first one's at a repeated attempt.

        Raises NotFound (PROFILE_NOT_FOUND), InvalidInput (EXPIRY_IN_PAST), LimitReached (DOCUMENT_LIMIT_REACHED).
        """

        async def take() -> Document:
            known = await self._documents.find(document.document_id)
            if known is not None:
                return known
            if await self._profiles.find(document.account_id) is None:
                raise profile_not_found()
            others = await self._documents.of_account(document.account_id)
            taken = submitted(document, sum(each.state is State.SUBMITTED for each in others))
            await self._documents.add(taken)
            return taken

        return await self._transaction(take)

    async def decide(self, document_id: str, *, is_approved: bool, reason: str, by: str) -> Document:
        """The document after the decision. Raises NotFound, NotAllowedNow (DOCUMENT_DECIDED, DOCUMENT_EXPIRED)."""

        async def move() -> Document:
            document = await self._documents.find(document_id)
            if document is None:
                raise document_not_found()
            decided = document.decided(is_approved=is_approved, reason=reason, by=by, now=self._clock.now())
            if decided is not document:
                await self._keep(document, decided)
            return decided

        return await self._transaction(move)

    async def watch(self) -> None:
        """Reminds owners of what expires soon, and ends what has expired."""
        while due := await self._documents.due(self._clock.now(), _CHECKED_AT_ONCE):
            for document_id in due:
                await self._transaction(lambda document_id=document_id: self._check(document_id))  # type: ignore[misc]

    async def page(self, account_id: str, after: After, limit: int) -> list[Document]:
        """A person's documents, the last one submitted first."""
        return await self._documents.page(account_id, after, limit)

    async def waiting(self, after: After, limit: int) -> list[Document]:
        """Those that wait for a decision, the one that waits longest first."""
        return await self._documents.waiting(after, limit)

    async def _check(self, document_id: str) -> None:
        document = await self._documents.find(document_id)
        now = self._clock.now()
        if document is not None and document.check_time is not None and document.check_time <= now:
            await self._keep(document, document.checked(now))

    async def _keep(self, old: Document, new: Document) -> None:
        is_reminded = new.reminders > old.reminders
        await self._documents.save(new, is_moved=new.state is not old.state, is_reminded=is_reminded)
        profile = await self._profiles.find(new.account_id)
        is_verified = proves_identity(await self._documents.of_account(new.account_id))
        if profile is not None and profile.is_verified is not is_verified:
            await self._profiles.save(replace(profile, is_verified=is_verified))

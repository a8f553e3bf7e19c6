"""The error tree. Adapters translate foreign errors into it once; the API maps it to problem documents once.

    ProtostarError                500  internal
    ├── InvalidInput              422  invalid_input
    │   ├── UnreadableDocument    422  unreadable_document
    │   ├── AddressRefused        422  address_refused
    │   └── KeyReused             422  key_reused
    ├── Unauthorized              401  unauthorized
    ├── Forbidden                 403  forbidden
    │   ├── OriginRefused         403  origin_refused
    │   ├── VisitorNeeded         403  visitor_needed
    │   ├── VisitorRefused        403  visitor_refused
    │   ├── VisitorExpired        403  visitor_expired
    │   └── IdentityExpired       403  identity_expired
    ├── NotFound                  404  not_found
    ├── Conflict                  409  conflict
    │   ├── NameTaken             409  name_taken
    │   └── AnswerCancelled       409  answer_cancelled
    ├── TooLarge                  413  too_large
    ├── UnsupportedMediaType      415  unsupported_media_type
    ├── RangeNotSatisfiable       416  range_not_satisfiable
    ├── RateLimited               429  rate_limited          retryable
    │   └── SignInNeeded          429  sign_in_needed        retryable
    ├── ObjectMissing             500  object_missing        retryable
    ├── ObjectCorrupt             500  object_corrupt        retryable
    ├── ParserKilled              503  parser_killed         retryable, alone
    ├── ModelRejected             502  model_rejected
    │   └── ModelKeyRejected      502  model_rejected
    ├── SourceRejected            502  source_rejected
    ├── LeaseLost                 500  lease_lost
    ├── ConfigurationError        500  configuration
    └── Unavailable               503  unavailable           retryable
        ├── DatabaseUnavailable   503  database_unavailable
        ├── RedisUnavailable      503  redis_unavailable
        ├── ObjectsUnavailable    503  objects_unavailable
        │   └── WrongStore        503  wrong_store
        ├── ParserUnavailable     503  parser_unavailable
        ├── ModelUnavailable      503  model_unavailable
        ├── WebhookUnavailable    503  webhook_unavailable
        └── SourceUnavailable     503  source_unavailable

`Unavailable` means that a dependency is away: a job that meets it is deferred and keeps its attempt. Every other error is the
job's own; it is final unless `retryable`, and tried again while nothing else runs beside it where it is `alone`.
"""

from collections.abc import Sequence
from uuid import UUID


class ProtostarError(Exception):
    """Base of all errors that Protostar raises on purpose. `str(error)` is a sentence that a person can act on."""

    status_code: int = 500
    code: str = "internal"
    title: str = "Something went wrong on our side"
    retryable: bool = False
    alone: bool = False

    def __init__(self, detail: str = "", *, retry_after: float | None = None, reason: str | None = None) -> None:
        """`retry_after`: seconds after which trying again makes sense, where somebody told us.

        `reason`: what a dependency said. It may name users, hosts and files, so it is for the log: `told` is for whoever asked.
        """
        self.told = detail or self.title
        super().__init__(self.told if reason is None else f"{self.told.rstrip('.')}: {reason}")
        self.retry_after = retry_after


class InvalidInput(ProtostarError):
    status_code = 422
    code = "invalid_input"
    title = "The request cannot be used as it is"


class UnreadableDocument(InvalidInput):
    code = "unreadable_document"
    title = "The document cannot be read"


class AddressRefused(InvalidInput):
    code = "address_refused"
    title = "The URL leads where no request may go"


class KeyReused(InvalidInput):
    code = "key_reused"
    title = "This Idempotency-Key stands for another request"


class Unauthorized(ProtostarError):
    status_code = 401
    code = "unauthorized"
    title = "A valid key is needed"


class Forbidden(ProtostarError):
    status_code = 403
    code = "forbidden"
    title = "This key may not do that"


class OriginRefused(Forbidden):
    code = "origin_refused"
    title = "This key may not be used from this page"


class VisitorNeeded(Forbidden):
    code = "visitor_needed"
    title = "This is a visitor's, whose token is missing"


class VisitorRefused(Forbidden):
    code = "visitor_refused"
    title = "This visitor token is not valid here"


class VisitorExpired(Forbidden):
    code = "visitor_expired"
    title = "This visitor token has expired"


class IdentityExpired(Forbidden):
    code = "identity_expired"
    title = "This signed identity has expired"


class NotFound(ProtostarError):
    status_code = 404
    code = "not_found"
    title = "There is no such thing here"


class Conflict(ProtostarError):
    status_code = 409
    code = "conflict"
    title = "The current state does not allow that"


class NameTaken(Conflict):
    code = "name_taken"
    title = "The file's name is another document's"

    def __init__(self, documents: Sequence[UUID]) -> None:
        """`documents`: those with the name, the newest first."""
        super().__init__("A document with this file name is here already, with other content.")
        self.documents = documents


class AnswerCancelled(Conflict):
    code = "answer_cancelled"
    title = "The answer was cancelled while it was being written"


class TooLarge(ProtostarError):
    status_code = 413
    code = "too_large"
    title = "The upload is too large"


class UnsupportedMediaType(ProtostarError):
    status_code = 415
    code = "unsupported_media_type"
    title = "This kind of file is not supported"


class RangeNotSatisfiable(ProtostarError):
    status_code = 416
    code = "range_not_satisfiable"
    title = "The range lies outside the document"

    def __init__(self, size: int) -> None:
        super().__init__(f"The document has {size} bytes.")
        self.size = size


class RateLimited(ProtostarError):
    status_code = 429
    code = "rate_limited"
    title = "Too many requests"
    retryable = True


class SignInNeeded(RateLimited):
    code = "sign_in_needed"
    title = "Whoever signs in may ask more"


class ObjectMissing(ProtostarError):
    """Retryable, as the next one is: a store that misbehaves for some seconds says the same, and what it has is not lost."""

    code = "object_missing"
    title = "The stored bytes are gone"
    retryable = True


class ObjectCorrupt(ProtostarError):
    code = "object_corrupt"
    title = "The stored bytes are not the ones that were uploaded"
    retryable = True


class ParserKilled(ProtostarError):
    status_code = 503
    code = "parser_killed"
    title = "The process that read the file was killed: the system is short of memory, or reading this file takes too much of it"
    retryable = True
    alone = True


class ModelRejected(ProtostarError):
    status_code = 502
    code = "model_rejected"
    title = "The model server refused the request"


class ModelKeyRejected(ModelRejected):
    """The key is refused, and not what was asked: another one is answered."""


class SourceRejected(ProtostarError):
    status_code = 502
    code = "source_rejected"
    title = "The server of a document's URL does not give it"


class LeaseLost(ProtostarError):
    code = "lease_lost"
    title = "Another worker holds this job now"


class ConfigurationError(ProtostarError):
    code = "configuration"
    title = "The configuration cannot be used"


class Unavailable(ProtostarError):
    status_code = 503
    code = "unavailable"
    title = "A part of the service is away for the moment"
    retryable = True


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database is away for the moment"


class RedisUnavailable(Unavailable):
    code = "redis_unavailable"
    title = "Redis is away for the moment"


class ObjectsUnavailable(Unavailable):
    code = "objects_unavailable"
    title = "The object store is away for the moment"


class WrongStore(ObjectsUnavailable):
    code = "wrong_store"
    title = "The object store is not this database's"


class ParserUnavailable(Unavailable):
    code = "parser_unavailable"
    title = "The parser process is being restarted"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    title = "The model server is away for the moment"


class WebhookUnavailable(Unavailable):
    code = "webhook_unavailable"
    title = "The receiver of a webhook is away for the moment"


class SourceUnavailable(Unavailable):
    code = "source_unavailable"
    title = "The server of a document's URL is away for the moment"

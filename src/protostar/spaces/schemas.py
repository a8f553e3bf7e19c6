"""What the API says about spaces and keys."""

import re
from datetime import datetime
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


_NOT_AN_ORIGIN = "An origin is scheme, host and port as browsers send them, without a «/» at its end: https://example.com"
_NO_SCHEME = "The scheme is missing: an origin begins with https:// (or http://), as in https://example.com"
_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.?)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _origin(value: str) -> str:
    """As browsers send it: they leave out the port that the scheme means anyway."""
    found = _ORIGIN.fullmatch(value)
    if found is None:
        raise ValueError(_NO_SCHEME if _ORIGIN.fullmatch(f"https://{value}") else _NOT_AN_ORIGIN)
    scheme, host = found[1], found[2]
    try:
        host = f"[{IPv6Address(host[1:-1])}]" if host.startswith("[") else host
    except ValueError:
        raise ValueError(_NOT_AN_ORIGIN) from None
    port = int(found[3]) if found[3] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 2**16:
        raise ValueError(_NOT_AN_ORIGIN)
    return f"{scheme}://{host}" + (f":{port}" if port != _DEFAULT_PORTS[scheme] else "")


# Browsers send it in lower case.
Origin = Annotated[str, StringConstraints(max_length=300, to_lower=True), AfterValidator(_origin)]
Language = Literal["ko", "en"]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Daily = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Theme(BaseModel):
    """Colours of the widget, as `#rrggbb`; the text on them is chosen so that it can be read."""

    model_config = ConfigDict(extra="forbid")

    accent: Colour | None = None
    accent_dark: Annotated[Colour | None, Field(description="on a dark page; unset: `accent`")] = None


class SpaceLimits(BaseModel):
    """Within a day (UTC), instead of what the installation sets; null: as there."""

    model_config = ConfigDict(extra="forbid")

    asks_per_visitor: Annotated[Daily | None, Field(description="questions of a visitor who has not signed in")] = None
    asks_per_signed_in: Annotated[Daily | None, Field(description="questions of a visitor who has")] = None
    asks_per_address: Annotated[Daily | None, Field(description="of all who have not, behind one address")] = None
    asks: Annotated[Daily | None, Field(description="questions of all visitors; at most what the installation sets")] = None
    tokens: Annotated[
        Daily | None, Field(description="tokens of the chat model for visitors; at most what the installation sets")
    ] = None


class SpaceSettings(BaseModel):
    """How a space answers. Everything is optional."""

    model_config = ConfigDict(extra="forbid")

    persona: Annotated[str, Field(max_length=2000, description="who answers, in the owner's words; part of the prompt")] = ""
    greeting: Annotated[str, Field(max_length=500)] = ""
    starter_questions: Annotated[
        list[Annotated[str, Field(max_length=300)]],
        Field(max_length=10, description="blank ones are left out"),
        AfterValidator(lambda questions: [question for question in questions if question.strip()]),
    ] = []
    title: Annotated[str, Field(max_length=80, description="what stands above the widget")] = ""
    languages: Annotated[
        list[Language], Field(max_length=2, description="languages of the widget; where the page's is none of them, the first")
    ] = []
    theme: Theme = Theme()
    limits: SpaceLimits = SpaceLimits()
    keep_conversations_days: Annotated[
        int | None,
        Field(ge=1, le=36_500, description="after so many days without a new question a conversation is erased; null: never"),
    ] = None

    @classmethod
    def stored(cls, values: Any) -> Self:
        """Of a row. A newer release beside this one may have written it: what this one does not know is passed over."""
        return cls.model_validate(values, extra="ignore")


class SpaceCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    settings: SpaceSettings = SpaceSettings()


class SpaceUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    settings: SpaceSettings | None = None


class Space(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    settings: Annotated[SpaceSettings, BeforeValidator(SpaceSettings.stored)]
    identity_enabled: Annotated[bool, Field(description="whether visitors can sign in: the space has an identity secret")]
    knowledge_version: int
    created_at: datetime
    updated_at: datetime
    erase_at: Annotated[datetime | None, Field(description="of a deleted space: until when it can be restored")]


class KeyCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["manage", "ask"]
    name: Name
    origins: Annotated[
        list[Origin], Field(max_length=50, description="pages that may use an `ask` key, as `https://example.com`")
    ] = []


class KeyInfo(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    role: str
    name: str
    hint: str
    origins: list[str]
    created_at: datetime
    last_used_at: datetime | None


class KeyCreated(KeyInfo):
    key: Annotated[str, Field(description="the key itself; it is shown this once")]


class IdentitySecret(BaseModel):
    secret: Annotated[str, Field(description="signs the identities of visitors, HS256; it is shown this once")]

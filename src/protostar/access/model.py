"""Who asks: a principal with one role in one space."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["admin", "manage", "ask"]

_RANK: dict[Role, int] = {"ask": 0, "manage": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Key:
    """A verified key. `space_id` None: the admin key, which works on every space."""

    role: Role
    space_id: UUID | None
    key_id: UUID | None
    origins: frozenset[str] = frozenset()

    def may(self, role: Role) -> bool:
        """Whether this key may do what needs `role`: admin may all, manage what ask may."""
        return _RANK[self.role] >= _RANK[role]


@dataclass(frozen=True, slots=True)
class Principal:
    """A key at work in one space."""

    key: Key
    space_id: UUID

    @property
    def is_visitor(self) -> bool:
        """Whether the key is publishable: then nothing is shown without the visitor's own token."""
        return self.key.role == "ask"

"""What is sent and answered about users and keys; neither a password nor a key is ever in an answer, but the new key."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.schemas.instant import to_second
from core.store.users import ADMIN, Key, User

Password = Annotated[str, Field(max_length=1_000)]
Scopes = Annotated[list[str], Field(min_length=1, max_length=20)]


class Sent(BaseModel):
    """What is sent: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class NewUser(Sent):
    """A user to be added; without a password it has keys only."""

    username: Annotated[str, Field(max_length=200)]
    role: Literal["reader", "editor", "admin"] = "reader"
    password: Password | None = None


class UserChange(Sent):
    """What is to be changed of a user; what is left out stays."""

    role: Literal["reader", "editor", "admin"] | None = None
    enabled: bool | None = None


class NewPassword(Sent):
    """Another password."""

    password: Password


class OwnPassword(Sent):
    """Another password of one's own, and the one until now."""

    old_password: Password
    new_password: Password


class NewKey(Sent):
    """A key to be made."""

    name: Annotated[str, Field(max_length=200)]
    scopes: Scopes = Field(default_factory=lambda: ["admin"])
    expires_in_days: Annotated[int, Field(ge=1, le=36_500)] | None = None


class UserInfo(BaseModel):
    """A user."""

    id: str
    username: str
    role: str
    enabled: bool
    admin: bool
    has_password: bool
    created: str

    @classmethod
    def of(cls, user: User) -> "UserInfo":
        """Return what is told of a user."""
        return cls(
            id=str(user.id),
            username=user.name,
            role=user.role,
            enabled=user.is_enabled,
            admin=user.role == ADMIN,
            has_password=bool(user.password),
            created=to_second(user.created_at),
        )


class KeyInfo(BaseModel):
    """A key: how it begins, and not what it is.  ``expires`` ``null`` is never."""

    name: str
    begins: str
    scopes: list[str]
    created: str
    expires: str | None
    enabled: bool

    @classmethod
    def of(cls, key: Key) -> "KeyInfo":
        """Return what is told of a key."""
        return cls(
            name=key.name,
            begins=key.begin,
            scopes=list(key.scopes),
            created=to_second(key.created_at),
            expires=None if key.expires_at is None else to_second(key.expires_at),
            enabled=key.is_enabled,
        )


class MadeKey(KeyInfo):
    """A key that was just made; ``token`` is the key itself, which is not shown again."""

    token: str

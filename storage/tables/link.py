"""The keys that sign links. They lie in the database, where every part finds them, and a backup keeps them with the
links that were sent: see `storage/link.py`."""

from datetime import datetime

from sqlalchemy import Identity, LargeBinary, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class LinkKeyRow(Base):
    """The highest number that is not revoked signs."""

    __tablename__ = "link_keys"

    number: Mapped[int] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]

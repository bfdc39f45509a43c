"""What the export of changed tickets counts from, a single row."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class FeedRow(Base):
    """`shift` is added to the number of a transaction: in a cluster of servers that counts from a lower number than
    the one that the rows came from, new changes still come after old ones. `cluster` is the one that holds them.
    Cursors of another `generation` are void."""

    __tablename__ = "feeds"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("1"))
    generation: Mapped[UUID]
    shift: Mapped[int] = mapped_column(BigInteger)
    cluster: Mapped[str]

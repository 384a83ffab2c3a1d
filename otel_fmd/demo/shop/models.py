"""The shop's own database: products and orders in SQLite."""

from __future__ import annotations

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

_PRODUCTS = 60


class Base(DeclarativeBase):
    """Base of the shop's tables."""


class Product(Base):
    """Something that can be bought."""

    __tablename__ = "product"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    cents: Mapped[int]


class Order(Base):
    """Something that was bought."""

    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    customer: Mapped[str]


engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)


def fill() -> None:
    """Create the tables and the products."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        if session.scalar(select(func.count(Product.id))):
            return
        for number in range(1, _PRODUCTS + 1):
            session.add(Product(name=f"Teapot {number}", cents=499 + 137 * number % 9000))
        session.commit()

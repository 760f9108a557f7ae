"""Lists come in pages; these functions read all of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Item_co = TypeVar("Item_co", covariant=True)
Item = TypeVar("Item")

PER_PAGE = 200
"""Items that are asked for at a time, the most that the service gives."""


class Page(Protocol[Item_co]):
    """A part of a list."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on the page."""
        ...

    @property
    def next_(self) -> str | None:
        """The cursor of the next page, None on the last one."""
        ...


def each(read: Callable[..., Page[Item]], **given: object) -> Iterator[Item]:
    """Yield every item of a list, reading page after page as they are taken.

    Args:
        read: A method that reads a page: `balancer.list_configs`.
        given: What else it takes: `id=2`, `limit=10`.
    """
    more = {"limit": PER_PAGE, **given}
    while True:
        page = read(**more)
        yield from page.items
        if page.next_ is None:
            return
        more["cursor"] = page.next_


async def each_async(read: Callable[..., Awaitable[Page[Item]]], **given: object) -> AsyncIterator[Item]:
    """Yield every item of a list as `each` does, and await its pages."""
    more = {"limit": PER_PAGE, **given}
    while True:
        page = await read(**more)
        for item in page.items:
            yield item
        if page.next_ is None:
            return
        more["cursor"] = page.next_

"""The categories that podcast directories know, spelled as they must be spelled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from feeds.errors import ImpossibleValue

CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "Arts": frozenset(
        {"Books", "Design", "Fashion & Beauty", "Food", "Performing Arts", "Visual Arts"}
    ),
    "Business": frozenset(
        {"Careers", "Entrepreneurship", "Investing", "Management", "Marketing", "Non-Profit"}
    ),
    "Comedy": frozenset({"Comedy Interviews", "Improv", "Stand-Up"}),
    "Education": frozenset({"Courses", "How To", "Language Learning", "Self-Improvement"}),
    "Fiction": frozenset({"Comedy Fiction", "Drama", "Science Fiction"}),
    "Government": frozenset(),
    "Health & Fitness": frozenset(
        {"Alternative Health", "Fitness", "Medicine", "Mental Health", "Nutrition", "Sexuality"}
    ),
    "History": frozenset(),
    "Kids & Family": frozenset(
        {"Education for Kids", "Parenting", "Pets & Animals", "Stories for Kids"}
    ),
    "Leisure": frozenset(
        {
            "Animation & Manga",
            "Automotive",
            "Aviation",
            "Crafts",
            "Games",
            "Hobbies",
            "Home & Garden",
            "Video Games",
        }
    ),
    "Music": frozenset({"Music Commentary", "Music History", "Music Interviews"}),
    "News": frozenset(
        {
            "Business News",
            "Daily News",
            "Entertainment News",
            "News Commentary",
            "Politics",
            "Sports News",
            "Tech News",
        }
    ),
    "Religion & Spirituality": frozenset(
        {"Buddhism", "Christianity", "Hinduism", "Islam", "Judaism", "Religion", "Spirituality"}
    ),
    "Science": frozenset(
        {
            "Astronomy",
            "Chemistry",
            "Earth Sciences",
            "Life Sciences",
            "Mathematics",
            "Natural Sciences",
            "Nature",
            "Physics",
            "Social Sciences",
        }
    ),
    "Society & Culture": frozenset(
        {"Documentary", "Personal Journals", "Philosophy", "Places & Travel", "Relationships"}
    ),
    "Sports": frozenset(
        {
            "Baseball",
            "Basketball",
            "Cricket",
            "Fantasy Sports",
            "Football",
            "Golf",
            "Hockey",
            "Rugby",
            "Running",
            "Soccer",
            "Swimming",
            "Tennis",
            "Volleyball",
            "Wilderness",
            "Wrestling",
        }
    ),
    "Technology": frozenset(),
    "True Crime": frozenset(),
    "TV & Film": frozenset(
        {"After Shows", "Film History", "Film Interviews", "Film Reviews", "TV Reviews"}
    ),
}
"""Apple Podcasts categories (podcasters.apple.com/support/1691, read 2026-11). Case-sensitive."""

_SEPARATOR = " > "


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category and, if there is one, its subcategory; only ones that directories know."""

    name: str
    subcategory: str | None = None

    def __post_init__(self) -> None:
        if self.name not in CATEGORIES:
            raise ImpossibleValue("Category", "name", "is not one that podcast directories know")
        if self.subcategory is not None and self.subcategory not in CATEGORIES[self.name]:
            raise ImpossibleValue("Category", "subcategory", f"does not belong to {self.name}")

    def __str__(self) -> str:
        return _SEPARATOR.join(filter(None, (self.name, self.subcategory)))


COURSES: Final = Category(name="Education", subcategory="Courses")


def parse_category(text: str) -> Category:
    """Read a category as people see it: "Education > Courses", or "Technology" alone.

    Raises:
        ImpossibleValue: podcast directories know no such category.
    """
    name, _, subcategory = text.partition(_SEPARATOR)
    return Category(name=name, subcategory=subcategory or None)


def category_names() -> tuple[str, ...]:
    """Return every category and subcategory as people see it, in alphabetical order."""
    names = [str(Category(name=name)) for name in CATEGORIES]
    for name, subcategories in CATEGORIES.items():
        names += [str(Category(name=name, subcategory=sub)) for sub in subcategories]
    return tuple(sorted(names))

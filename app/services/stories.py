"""Stories and notes: Markdown that people typed, as HTML that can do no harm."""

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt

# A story stands under the page's own h1.
STORY_TAGS: Final = {"p", "ol", "ul", "li", "a", "b", "i", "strong", "em", "h2", "h3", "h4",
                     "blockquote", "hr", "br", "code", "pre"}  # fmt: skip
# What podcast apps show in the notes of an episode (Apple, "Podcast RSS feed requirements", 2026).
NOTES_TAGS: Final = {"p", "ol", "ul", "li", "a", "b", "i", "strong", "em"}
SCHEMES: Final = {"http", "https", "mailto"}

_markdown = MarkdownIt("commonmark", {"html": False, "typographer": False})


@lru_cache(maxsize=256)
def render_story(markdown: str) -> str:
    """Answer a story as HTML for a page of ours: headings from h2 down, no images, no scripts."""
    return _cleaned(_with_lower_headings(markdown), STORY_TAGS, "noopener noreferrer")


@lru_cache(maxsize=1024)
def render_notes(markdown: str) -> str:
    """Answer notes as HTML for a feed: p ol ul li a b i strong em; headings become paragraphs."""
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "p"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    return _cleaned(html, NOTES_TAGS, None)


def render_plain(markdown: str) -> str:
    """Answer the words alone, on one line: for a description in the head of a page."""
    return " ".join(nh3.clean(_markdown.render(markdown), tags=set()).split())


def _with_lower_headings(markdown: str) -> str:
    tokens = _markdown.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"} and token.tag == "h1":
            token.tag = "h2"
    return str(_markdown.renderer.render(tokens, _markdown.options, {}))


def _cleaned(html: str, tags: set[str], rel: str | None) -> str:
    return nh3.clean(
        html, tags=tags, attributes={"a": {"href"}}, url_schemes=SCHEMES, link_rel=rel
    ).strip()

"""Covers: what is wrong with one, and smaller ones for our pages. The only module on Pillow."""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from PIL import Image, ImageOps

from media.errors import UnreadableCover
from media.findings import Code, Finding, Severity, Value
from media.limits import (
    COVER_SIZES_PX,
    LARGEST_COVER_BYTES,
    LARGEST_COVER_PX,
    MOST_COVER_BYTES,
    MOST_COVER_PIXELS,
    SMALLEST_COVER_PX,
)

# A small file can unpack to gigabytes. Pillow only warns of that: for us it is an error, always.
Image.MAX_IMAGE_PIXELS = MOST_COVER_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

# what we can name; only JPEG and PNG are ever decoded
_KINDS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
_ENDINGS: Final = {"JPEG": ("jpg", "jpeg"), "PNG": ("png",)}
_MEDIA_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png"}
_ORIENTATION: Final = 0x0112  # Exif 2.32 §4.6.4, 1: upright
_JPEG_QUALITY: Final = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverFacts:
    """What a picture is."""

    file_name: str
    size_bytes: int
    kind: str | None = None
    """`JPEG`, `PNG` or another kind of picture; None: it is none that we know."""
    width_px: int = 0
    height_px: int = 0
    colours: str = ""
    """Pillow's name of the colour mode, such as `RGB`, `CMYK`, `P`."""
    is_whole: bool = False
    """It could be decoded to the last row."""
    is_animated: bool = False
    has_alpha: bool = False
    is_turned: bool = False
    """The picture lies on its side, and a note in the file says so; not every app reads that."""
    is_bomb: bool = False
    """It has more pixels than we will ever unpack."""

    @property
    def extension(self) -> str:
        """The ending under which a JPEG or PNG is stored."""
        return _ENDINGS[self.kind or "JPEG"][0]

    @property
    def media_type(self) -> str:
        """The Content-Type of a JPEG or PNG."""
        return _MEDIA_TYPES[self.kind or "JPEG"]


def judge_cover(data: bytes, file_name: str) -> tuple[CoverFacts, tuple[Finding, ...]]:
    """What a picture is, and what is to be said of it as a cover. Never raises for bad bytes."""
    facts = CoverFacts(file_name=file_name, size_bytes=len(data))
    if 0 < len(data) <= MOST_COVER_BYTES:
        facts = _look(data, facts)
    refusal = _refusal(facts)
    return facts, ((refusal,) if refusal else tuple(_remarks(facts)))


def cover_sizes(data: bytes) -> dict[int, bytes]:
    """The cover as square JPEGs by their side in pixels, upright, without any metadata.

    Never larger than the cover itself.

    Raises:
        UnreadableCover: it is no JPEG or PNG that can be decoded.
    """
    try:
        square = _square(data)
        return {side: _jpeg(square, side) for side in COVER_SIZES_PX if side <= square.width}
    except Exception as error:
        raise UnreadableCover(str(error)) from error


# --- looking


def _look(data: bytes, facts: CoverFacts) -> CoverFacts:
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as image:
            facts = _described(image, facts)
            if facts.kind in _ENDINGS:
                image.load()
                facts = replace(facts, is_whole=True)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return replace(facts, is_bomb=True)
    except Exception:  # noqa: BLE001 - decoders raise whatever hostile bytes make them raise
        return facts
    return facts


def _described(image: Image.Image, facts: CoverFacts) -> CoverFacts:
    # cameras put a preview behind a JPEG and call the pair MPO
    kind = "JPEG" if image.format == "MPO" else image.format
    return replace(
        facts,
        kind=kind,
        width_px=image.width,
        height_px=image.height,
        colours=image.mode,
        is_animated=image.format != "MPO" and bool(getattr(image, "is_animated", False)),
        has_alpha=image.has_transparency_data,
        is_turned=image.getexif().get(_ORIENTATION, 1) != 1,
    )


# --- judging


def _refuse(code: Code, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.REFUSE, values=values)


def _warn(code: Code, **values: Value) -> Finding:
    return Finding(code=code, severity=Severity.WARN, values=values)


def _refusal(facts: CoverFacts) -> Finding | None:
    """The first reason why the picture cannot be a cover."""
    return _wrong_file(facts) or _wrong_shape(facts)


def _wrong_file(facts: CoverFacts) -> Finding | None:
    if not facts.size_bytes:
        return _refuse(Code.COVER_EMPTY)
    if facts.size_bytes > MOST_COVER_BYTES:
        return _refuse(
            Code.COVER_TOO_BIG, size_bytes=facts.size_bytes, limit_bytes=LARGEST_COVER_BYTES
        )
    if facts.is_bomb:
        return _refuse(Code.COVER_TOO_MANY_PIXELS, largest_px=LARGEST_COVER_PX)
    if facts.kind is None:
        return _refuse(Code.COVER_NOT_PICTURE)
    return _wrong_kind(facts, facts.kind)


def _wrong_kind(facts: CoverFacts, kind: str) -> Finding | None:
    endings = _ENDINGS.get(kind)
    if not endings:
        return _refuse(Code.COVER_WRONG_FORMAT, kind=kind)
    if facts.is_animated:
        return _refuse(Code.COVER_ANIMATED)
    if not facts.is_whole:
        return _refuse(Code.COVER_DAMAGED)
    _, dot, ending = facts.file_name.rpartition(".")
    if dot and ending.lower() not in endings:
        return _refuse(
            Code.COVER_WRONG_ENDING, kind=kind, ending=ending.lower(), extension=endings[0]
        )
    return None


def _wrong_shape(facts: CoverFacts) -> Finding | None:
    size: dict[str, Value] = {"width": facts.width_px, "height": facts.height_px}
    if facts.width_px != facts.height_px:
        return _refuse(Code.COVER_NOT_SQUARE, **size)
    bounds: dict[str, Value] = {"smallest": SMALLEST_COVER_PX, "largest": LARGEST_COVER_PX}
    if facts.width_px < SMALLEST_COVER_PX:
        return _refuse(Code.COVER_TOO_SMALL, **size, **bounds)
    if facts.width_px > LARGEST_COVER_PX:
        return _refuse(Code.COVER_TOO_LARGE, **size, **bounds)
    return _refuse(Code.COVER_CMYK) if facts.colours == "CMYK" else None


def _remarks(facts: CoverFacts) -> Iterator[Finding]:
    """What may be better in a cover that can be used."""
    if facts.has_alpha:
        yield _warn(Code.COVER_ALPHA)
    elif facts.colours != "RGB":
        yield _warn(Code.COVER_NOT_RGB)
    if facts.is_turned:
        yield _warn(Code.COVER_TURNED)
    if facts.size_bytes >= LARGEST_COVER_BYTES:
        yield _warn(Code.COVER_HEAVY, size_bytes=facts.size_bytes, limit_bytes=LARGEST_COVER_BYTES)


# --- making smaller ones


def _square(data: bytes) -> Image.Image:
    """The picture upright, opaque, in RGB, cut to its middle square."""
    with Image.open(io.BytesIO(data), formats=tuple(_ENDINGS)) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            layer = upright.convert("RGBA")
            paper = Image.new("RGBA", layer.size, "white")
            upright = Image.alpha_composite(paper, layer)
        side = min(upright.size)
        return ImageOps.fit(upright.convert("RGB"), (side, side))


def _jpeg(square: Image.Image, side: int) -> bytes:
    smaller = square.resize((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    smaller.save(file, "JPEG", quality=_JPEG_QUALITY, optimize=True, progressive=True)
    return file.getvalue()

"""Covers: judged, and made smaller."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from media.artwork import cover_sizes, judge_cover
from media.errors import UnreadableCover
from media.findings import Code, Severity
from tests.parts.pictures import a_jpeg, a_picture


def _codes(data: bytes, name: str = "cover.jpg") -> list[str]:
    _, findings = judge_cover(data, name)
    return [each.code for each in findings]


def _png_header(width: int, height: int) -> bytes:
    """A tiny PNG that says that it is huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


def _moving(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (1400, 1400), colour) for colour in ("red", "blue")]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    return file.getvalue()


def _grainy(side: int) -> bytes:
    """A JPEG that cannot be packed well."""
    file = io.BytesIO()
    Image.effect_noise((side, side), 120).convert("RGB").save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.mark.parametrize("side", [1400, 3000])
@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "c.jpg"), ("JPEG", "c.JPEG"), ("PNG", "c.png")]
)
def test_good_cover_has_no_findings(side: int, kind: str, name: str) -> None:
    assert _codes(a_picture(side, kind=kind), name) == []


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "c.jpg", Code.COVER_EMPTY),
        (b"<html>", "c.jpg", Code.COVER_NOT_PICTURE),
        (bytes(20_000_001), "c.jpg", Code.COVER_TOO_BIG),
        (a_picture(1399), "c.jpg", Code.COVER_TOO_SMALL),
        (a_picture(3001), "c.jpg", Code.COVER_TOO_LARGE),
        (a_picture(1400, height=1401), "c.jpg", Code.COVER_NOT_SQUARE),
        (a_picture(kind="PNG"), "c.jpg", Code.COVER_WRONG_ENDING),
        (a_picture(kind="GIF"), "c.gif", Code.COVER_WRONG_FORMAT),
        (a_picture(kind="WEBP"), "c.webp", Code.COVER_WRONG_FORMAT),
        (a_picture(mode="CMYK"), "c.jpg", Code.COVER_CMYK),
        (_moving("PNG"), "c.png", Code.COVER_ANIMATED),
        (a_jpeg()[:2000], "c.jpg", Code.COVER_DAMAGED),
        (_png_header(60_000, 60_000), "c.png", Code.COVER_TOO_MANY_PIXELS),
        (_png_header(7000, 7000), "c.png", Code.COVER_TOO_MANY_PIXELS),
    ],
)
def test_bad_cover_is_refused_for_one_reason(data: bytes, name: str, code: Code) -> None:
    _, findings = judge_cover(data, name)
    assert [(each.code, each.severity) for each in findings] == [(code, Severity.REFUSE)]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (a_picture(kind="PNG", mode="RGBA"), "c.png", Code.COVER_ALPHA),
        (a_picture(mode="L"), "c.jpg", Code.COVER_NOT_RGB),
        (a_picture(kind="PNG", mode="P"), "c.png", Code.COVER_NOT_RGB),
        (a_picture(turned=6), "c.jpg", Code.COVER_TURNED),
        (_grainy(1400), "c.jpg", Code.COVER_HEAVY),
    ],
)
def test_cover_that_may_be_better_is_warned_about(data: bytes, name: str, code: Code) -> None:
    _, findings = judge_cover(data, name)
    assert [(each.code, each.severity) for each in findings] == [(code, Severity.WARN)]


def test_cover_tells_how_it_is_stored() -> None:
    facts, _ = judge_cover(a_picture(kind="PNG"), "c.png")
    assert (facts.extension, facts.media_type, facts.width_px) == ("png", "image/png", 1500)


@given(
    data=st.binary(max_size=200), head=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
)
def test_random_bytes_never_raise(data: bytes, head: bytes) -> None:
    assert judge_cover(head + data, "c.jpg")[1]


@given(end=st.integers(0, 30_000))
def test_cut_cover_never_raises(end: int) -> None:
    facts, findings = judge_cover(_CUT_ME[:end], "c.jpg")
    assert findings or facts.width_px == 1400


_CUT_ME = a_picture(1400, turned=3)


def test_smaller_covers_are_square_jpegs_of_their_size() -> None:
    sizes = cover_sizes(a_jpeg(1400))
    assert sorted(sizes) == [160, 320, 640, 1280]
    for side, data in sizes.items():
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", (side, side), "RGB")


def test_cover_is_never_made_larger() -> None:
    assert sorted(cover_sizes(a_jpeg(400))) == [160, 320]


def test_turned_cover_comes_out_upright_and_without_metadata() -> None:
    image = Image.new("RGB", (400, 400), "white")
    image.paste("black", (0, 0, 400, 200))
    exif = Image.Exif()
    exif[0x0112] = 3
    exif[0x010F] = "Maker"
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)
    with Image.open(io.BytesIO(cover_sizes(file.getvalue())[160])) as small:
        assert small.convert("L").getpixel((80, 20)) == pytest.approx(255, abs=5)
        assert not small.getexif()


def test_see_through_cover_gets_white_behind_it() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (400, 400), (255, 0, 0, 0)).save(file, "PNG")
    with Image.open(io.BytesIO(cover_sizes(file.getvalue())[160])) as small:
        assert small.getpixel((80, 80)) == (255, 255, 255)


@pytest.mark.parametrize("data", [b"", b"x", a_jpeg()[:2000], _png_header(60_000, 60_000)])
def test_cover_that_cannot_be_read_is_told(data: bytes) -> None:
    with pytest.raises(UnreadableCover):
        cover_sizes(data)

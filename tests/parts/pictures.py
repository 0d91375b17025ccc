"""Pictures for tests."""

import io

from PIL import Image


def a_picture(
    side: int = 1500, *, kind: str = "JPEG", mode: str = "RGB", height: int = 0, turned: int = 1
) -> bytes:
    """A plain picture; `turned` is its Exif orientation."""
    colour = "teal" if mode in {"RGB", "RGBA"} else None
    image = Image.new(mode, (side, height or side), colour or 0)
    exif = Image.Exif()
    exif[0x0112] = turned
    file = io.BytesIO()
    image.save(file, kind, exif=exif) if turned != 1 else image.save(file, kind)
    return file.getvalue()


def a_jpeg(side: int = 1500) -> bytes:
    """A plain square JPEG."""
    return a_picture(side)

"""Where ffmpeg lies on this machine. Nothing is started here but a question for its version."""

import shutil
from pathlib import Path

import imageio_ffmpeg

from media.errors import FfmpegUnusable


def find_ffmpeg() -> Path:
    """The system's ffmpeg, else the one that the package imageio-ffmpeg brings along.

    Raises:
        FfmpegUnusable: there is neither.
    """
    installed = shutil.which("ffmpeg")
    if installed:
        return Path(installed)
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegUnusable("the search path and imageio-ffmpeg", "not found") from error

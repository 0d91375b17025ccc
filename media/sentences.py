"""What is said of each finding, in English: the msgids of the catalogue in ``locale/``.

Each says what happened, what it means, what to do. After a change: write the Dutch in
``locale/nl/LC_MESSAGES/media.po`` and run ``pybabel compile -D media -d media/locale``.
"""

from collections.abc import Mapping
from typing import Final

from media.audio import AudioFormat
from media.findings import Code


def _mark(msgid: str) -> str:
    """Mark a text for the catalogue."""
    return msgid


_HOW_TO_EXPORT: Final = _mark(
    "In Audacity: File, Export Audio, MP3. In GarageBand: Share, Export Song to Disk, MP3."
    " In Hindenburg: File, Export, MP3."
)

# what is said of each; several sentences are joined by a space
SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    Code.EMPTY: (
        _mark("This file is empty. Something went wrong when it was saved. Export it again."),
    ),
    Code.TOO_BIG: (
        _mark(
            "This file is {size}, more than the {limit} that fit here."
            " Export it as MP3 at 128 kbit/s: a quarter of an hour is then about 14 MB."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.PROTECTED: (
        _mark(
            "This file has a lock of the shop that sold it, so your listeners cannot play it."
            " Use your own recording, without copy protection."
        ),
    ),
    Code.NOT_AUDIO: (
        _mark(
            "There is no sound in this file that we recognise; nobody could play it."
            " Open it in your sound editor and export it as MP3."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.NOT_SOUND: (
        _mark("This is {format}, not a recording. Look for the sound file and drop that here."),
    ),
    Code.ALAC: (
        _mark(
            "This M4A holds Apple Lossless sound, which many podcast apps cannot play."
            " Export it again as MP3, or as M4A with AAC."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.VIDEO: (
        _mark(
            "This is a video. Lessons are sound only, so your listeners' apps would not take it."
            " Export just its sound as MP3."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.PROJECT: (
        _mark(
            "This is the working file of your sound editor, which only that program can open."
            " Open it there and export the recording as MP3."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.DISGUISED: (
        _mark(
            "The name of this file ends in .{ending}, but inside it is {format}. Another name"
            " does not change the sound, so apps could not play it. Export it as MP3."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.WRONG_FORMAT: (
        _mark("This is {format}, which not every podcast app can play. Export it as MP3."),
        _HOW_TO_EXPORT,
    ),
    Code.UNREADABLE: (
        _mark(
            "This looks like {format}, but the sound in it cannot be read."
            " Export it again and drop it here."
        ),
    ),
    Code.CUT_OFF_UNKNOWN: (
        _mark(
            "The end of this file is missing, and without it nothing can be played."
            " It looks cut off while exporting or copying. Export it again and drop it here."
        ),
    ),
    Code.WRONG_ENDING: (
        _mark(
            "The name of this file ends in .{ending}, but inside it is {format}; some apps"
            " would stumble over that. Let its name end in .{extension} and drop it here again."
        ),
    ),
    Code.CUT_OFF: (
        _mark(
            "This file stops after {held} of {claimed}. It looks cut off while exporting."
            " Export it again and drop it here."
        ),
    ),
    Code.GLUED: (
        _mark(
            "This file says that it lasts {claimed}, but goes on until {held}. It looks as if two"
            " recordings were pasted together; some apps would stop at {claimed}."
            " Put them one after the other in your sound editor and export that."
        ),
    ),
    Code.DAMAGED: (
        _mark(
            "This file is damaged from {at} on: about {lost} of it cannot be heard."
            " Export it again and drop it here."
        ),
    ),
    Code.SILENT: (
        _mark(
            "This recording is silent from beginning to end. Perhaps the wrong track was"
            " exported, or one that was muted. Listen to it in your sound editor and export again."
        ),
    ),
    Code.CHANGED_ON_THE_WAY: (
        _mark(
            "This is not the file that was sent: some of it changed on its way, or while it was"
            " being sent. Send it again."
        ),
    ),
    Code.CHECK_STOPPED: (
        _mark(
            "This file could not be checked to the end: it asks for more than any recording"
            " should. Export it again as MP3 and drop it here."
        ),
        _HOW_TO_EXPORT,
    ),
    Code.TOO_LONG: (
        _mark(
            "This recording lasts {length}. Lessons of this course last about {target}"
            " ({shortest} to {longest}). Shorten it or divide it into two lessons, if you like."
        ),
    ),
    Code.TOO_SHORT: (
        _mark(
            "This recording lasts {length}. Lessons of this course last about {target}"
            " ({shortest} to {longest}). Check that this is the whole lesson."
        ),
    ),
    Code.GLITCH: (
        _mark(
            "There is a small fault at {at}: your listeners may hear a click."
            " Listen there, and export it again if it bothers you."
        ),
    ),
    Code.TOO_QUIET: (
        _mark(
            "This recording is too quiet: {loudness} LUFS, and podcasts are around {target} LUFS."
            " Your listeners must turn it up. Raise the loudness in your sound editor"
            " (in Audacity: Effect, Volume and Compression, Loudness Normalization)"
            " and export it again."
        ),
    ),
    Code.TOO_LOUD: (
        _mark(
            "This recording is too loud: {loudness} LUFS, and podcasts are around {target} LUFS."
            " Your listeners must turn it down. Lower the loudness in your sound editor"
            " (in Audacity: Effect, Volume and Compression, Loudness Normalization)"
            " and export it again."
        ),
    ),
    Code.PEAKS: (
        _mark(
            "The loudest moments reach {peak} dB and may crackle on small loudspeakers."
            " Let a limiter in your sound editor keep them under {limit} dB and export it again."
        ),
    ),
    Code.SILENCE_AT_START: (
        _mark(
            "It begins with {silence} of silence. Your listeners may think that nothing comes:"
            " cut it away, if it is not meant so."
        ),
    ),
    Code.SILENCE_AT_END: (
        _mark(
            "It ends with {silence} of silence, from {at} on."
            " Check that no sound is missing there, or cut it away."
        ),
    ),
    Code.SILENCE_INSIDE: (
        _mark("From {at} on it is silent for {silence}. Check that no sound is missing there."),
    ),
    Code.NO_LENGTH: (
        _mark(
            "The file does not say how long it is, so some apps show a wrong length."
            " We heard {length} and tell your listeners that. You need not do anything."
        ),
    ),
    Code.WRONG_LENGTH: (
        _mark(
            "The file says that it lasts {claimed}, but we heard {length} and tell your listeners"
            " that. An app may show the wrong length; exporting it again would repair that."
        ),
    ),
    Code.TITLE_CLASH: (
        _mark(
            "There is a lesson called “{title}” already. Apps would take the two for one:"
            " give this one another title."
        ),
    ),
    Code.SURROUND: (
        _mark(
            "This recording has {channels} channels. Telephones play two, and make the file"
            " larger than it need be. Export it in stereo or mono, if you can."
        ),
    ),
    Code.LOW_BITRATE: (
        _mark(
            "This file spends only {bitrate} on sound, so voices may sound tinny."
            " From {lowest} up it gets better."
        ),
    ),
    Code.ODD_SAMPLE_RATE: (
        _mark(
            "The sample rate is {rate}; usual are 44.1 and 48 kHz."
            " Most apps play it, but it may sound dull or play at the wrong speed on old devices."
        ),
    ),
    Code.NO_COVER: (
        _mark("There is no picture in this file. Apps show the cover of the course instead."),
    ),
    Code.COVER_EMPTY: (_mark("This picture file is empty. Save it again and drop it here."),),
    Code.COVER_TOO_BIG: (
        _mark(
            "This picture is {size}. Covers should stay under {limit}, or apps skip them."
            " Save it as JPEG with a lower quality."
        ),
    ),
    Code.COVER_NOT_PICTURE: (
        _mark("This is not a picture that we can read. Save the cover as JPEG or PNG."),
    ),
    Code.COVER_WRONG_FORMAT: (
        _mark(
            "This is a {kind} picture, and podcast apps show only JPEG and PNG."
            " Save the cover as one of these."
        ),
    ),
    Code.COVER_WRONG_ENDING: (
        _mark(
            "The name of this picture ends in .{ending}, but inside it is {kind}; some apps would"
            " not show it. Let its name end in .{extension} and drop it here again."
        ),
    ),
    Code.COVER_TOO_MANY_PIXELS: (
        _mark(
            "This picture has far more pixels than a cover can use. Make it {largest} pixels wide"
            " and high, or smaller."
        ),
    ),
    Code.COVER_DAMAGED: (
        _mark("Part of this picture is missing or damaged. Save it again and drop it here."),
    ),
    Code.COVER_ANIMATED: (
        _mark("This picture moves, and covers stand still. Save one frame as JPEG or PNG."),
    ),
    Code.COVER_NOT_SQUARE: (
        _mark(
            "This picture is {width} by {height} pixels, and a cover is square."
            " Cut it so that it is as wide as it is high."
        ),
    ),
    Code.COVER_TOO_SMALL: (
        _mark(
            "This picture is {width} by {height} pixels; on a large screen it would be blurred."
            " A cover has {smallest} to {largest} pixels on each side. Save a larger one."
        ),
    ),
    Code.COVER_TOO_LARGE: (
        _mark(
            "This picture is {width} by {height} pixels; some apps skip covers of that size."
            " A cover has {smallest} to {largest} pixels on each side. Save a smaller one."
        ),
    ),
    Code.COVER_CMYK: (
        _mark(
            "The colours of this picture are meant for print (CMYK); apps show them wrong or not"
            " at all. Save it in RGB."
        ),
    ),
    Code.COVER_NOT_RGB: (
        _mark(
            "This picture has a limited set of colours (a palette or greys)."
            " A few apps show it wrong; saved in RGB it is safe."
        ),
    ),
    Code.COVER_ALPHA: (
        _mark(
            "Parts of this picture are see-through, and each app puts another colour behind them."
            " Save it with a background of your own."
        ),
    ),
    Code.COVER_TURNED: (
        _mark(
            "This picture was taken with the camera turned; some apps show it lying on its side."
            " Open it, turn it upright and save it again."
        ),
    ),
    Code.COVER_HEAVY: (
        _mark(
            "This picture is {size}. Over {limit} some apps load it slowly or not at all."
            " Save it as JPEG with a lower quality."
        ),
    ),
}

FORMATS: Final[Mapping[str, str]] = {
    AudioFormat.MP3: _mark("an MP3 file"),
    AudioFormat.M4A: _mark("an M4A file"),
    AudioFormat.MP4_OTHER: _mark("an MP4 file with an unusual kind of sound"),
    AudioFormat.ALAC: _mark("an Apple Lossless file"),
    AudioFormat.VIDEO: _mark("a video"),
    AudioFormat.AAC: _mark("a bare AAC file"),
    AudioFormat.MP2: _mark("an MP2 file"),
    AudioFormat.WAV: _mark("a WAV file"),
    AudioFormat.AIFF: _mark("an AIFF file"),
    AudioFormat.CAF: _mark("a CAF file"),
    AudioFormat.FLAC: _mark("a FLAC file"),
    AudioFormat.OGG: _mark("an Ogg file"),
    AudioFormat.WMA: _mark("a Windows Media file"),
    AudioFormat.AMR: _mark("an AMR file"),
    AudioFormat.PROJECT: _mark("the working file of a sound editor"),
    AudioFormat.HTML: _mark("a web page"),
    AudioFormat.PLAYLIST: _mark("a playlist"),
    AudioFormat.IMAGE: _mark("a picture"),
    AudioFormat.PDF: _mark("a PDF document"),
    AudioFormat.ARCHIVE: _mark("a compressed archive"),
    AudioFormat.TEXT: _mark("a text file"),
    AudioFormat.EMPTY: _mark("an empty file"),
    AudioFormat.UNKNOWN: _mark("a file of an unknown kind"),
}

SECONDS: Final = (_mark("{count} second"), _mark("{count} seconds"))
MINUTES: Final = _mark("{clock} minutes")

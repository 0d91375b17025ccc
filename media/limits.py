"""Numbers of the outside world that sound files, covers and captions are measured against.

Each stands under its source.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

# podcasters.apple.com/support/893-audio-requirements (read November 2026): around -16 LKFS, give
# or take 1 dB, true peak at most -1 dBFS. We allow one dB more before we say a word.
TARGET_LUFS: Final = -16.0
LOUDNESS_TOLERANCE_LU: Final = 2.0
HIGHEST_PEAK_DB: Final = -1.0

# The gate of ITU-R BS.1770-5 §5: a recording that never rises above it has no loudness at all.
SILENCE_LUFS: Final = -70.0

# What counts as a silent stretch: quieter than a quiet room, longer than a speaker's pause.
SILENCE_THRESHOLD_DB: Final = -50
SHORTEST_SILENCE: Final = timedelta(seconds=3)
# Our own judgement: what a listener takes for "nothing comes", and what for "it is over".
LONG_EDGE_SILENCE: Final = timedelta(seconds=5)
LONG_INNER_SILENCE: Final = timedelta(seconds=15)
LOST_SOUND_SILENCE: Final = timedelta(seconds=60)

# Largest MPEG-1 layer III frame: 144 * 320,000 / 32,000 + 1 bytes (ISO/IEC 11172-3 §2.4.3.1).
# A longer packet holds bytes that are not sound.
LARGEST_MP3_FRAME_BYTES: Final = 1441

# Our own judgement. Encoders count their header frame and padding differently, which moves
# announced lengths by far less than this.
LENGTH_TOLERANCE: Final = timedelta(seconds=1)
# What a first look at sizes alone may call cut off or glued: tags at odd places move sizes.
CUT_RATIO: Final = 1.02
GLUED_RATIO: Final = 0.9
# The lowest rate of any MP3 (ISO/IEC 13818-3 §2.4.2.3). A length that implies less is a lie.
LOWEST_POSSIBLE_BPS: Final = 8_000
# What is missing once the true length is known: a second of a quarter of an hour.
MISSING_RATIO: Final = 1.001
# Shorter losses are a click, longer ones are missing words.
SHORTEST_DAMAGE: Final = timedelta(seconds=1)

# The least that Apple's table of MP3 rates names (same page): 64 kbit/s stereo, 32 kbit/s mono.
LOWEST_STEREO_BPS: Final = 64_000
LOWEST_MONO_BPS: Final = 32_000
# The rates every player and converter knows: CD and video (IEC 60908, AES5-2018).
USUAL_SAMPLE_RATES_HZ: Final = frozenset({44_100, 48_000})

# Length of a lesson unless the course says otherwise: the promise of a weekly quarter of an hour.
LESSON_TARGET: Final = timedelta(minutes=15)
LESSON_TOLERANCE: Final = timedelta(minutes=5)

# Tags larger than this are not read: covers and chapter pictures of real files stay under it.
MOST_TAG_BYTES: Final = 16_000_000

# Largest recording unless the operator says otherwise.
LARGEST_FILE_BYTES: Final = 500_000_000

# podcasters.apple.com/support/896-artwork-requirements (read November 2026): square, 1400 to 3000
# pixels, JPEG or PNG, no alpha channel. Under 512 kB: the same, as passed on to podcasters by
# help.captivate.fm/en/articles/3315645-podcast-artwork-specifications (read November 2026).
SMALLEST_COVER_PX: Final = 1400
LARGEST_COVER_PX: Final = 3000
LARGEST_COVER_BYTES: Final = 512_000
# Never decode a picture larger than this, whatever it is: 6000 x 6000 takes about 100 MB.
MOST_COVER_PIXELS: Final = 36_000_000
# Never even look at a picture file larger than this.
MOST_COVER_BYTES: Final = 20_000_000
# What our pages show: a list row and a page head, each also for a screen of twice the density.
COVER_SIZES_PX: Final = (160, 320, 640, 1280)

# Captions and chapters longer than this are not ours: 24 hours of fast speech is under 2 MB.
MOST_TEXT_BYTES: Final = 4_000_000
MOST_CHAPTERS: Final = 1000
# Speech in podcasts: 150 words a minute. Used only to spread plain text over a recording.
LONGEST_CUE_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """What one run of ffmpeg may take before it is stopped.

    The defaults let twelve hours of sound through on a slow machine: 15 minutes take 6 seconds of
    one slow processor and 0.3 GB of address space (measured with ffmpeg 5.1 and 9.0).
    """

    wall: timedelta = timedelta(minutes=15)
    processor: timedelta = timedelta(minutes=10)
    memory_bytes: int = 2_000_000_000
    output_bytes: int = 256_000_000

"""Where fixtures come from: one module per real part."""

pytest_plugins = [
    "tests.parts.audio_files",
    "tests.parts.browser",
    "tests.parts.clients",
    "tests.parts.dns",
    "tests.parts.house",
    "tests.parts.figures",
    "tests.parts.imap",
    "tests.parts.log",
    "tests.parts.postgres",
    "tests.parts.rgw",
    "tests.parts.smtp",
    "tests.parts.sns",
    "tests.parts.strangers",
]

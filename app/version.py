"""The version of this release; a plain literal, so that packaging need not import the program."""

__version__ = "0.1.0"

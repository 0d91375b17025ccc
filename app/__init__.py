"""Cadans: self-hosted audio courses and podcasts with a private feed for every listener."""

__version__ = "0.1.0"

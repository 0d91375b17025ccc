"""The API for scripts, `/api/v1/…`: JSON, a bearer token, described by `openapi.json`."""

from app.web.api import courses, description, lessons, plans, uploads
from app.web.api.face import api

__all__ = ["api", "courses", "description", "lessons", "plans", "uploads"]

"""What guards people's pages: session, CSRF, headers, gates."""

from datetime import timedelta

from flask import Flask, Response, abort, request
from flask_wtf.csrf import CSRFProtect

from app.setting_values import StoreLocation
from app.settings import Settings
from app.web import access, bounds
from media.location import Addressing, FolderLocation

csrf = CSRFProtect()

SESSION_LIFETIME = timedelta(days=30)


def set_up(app: Flask, settings: Settings) -> None:
    """Configure session and headers, and put the guards before every view."""
    first, *older = settings.secret_keys
    app.config.update(
        SECRET_KEY=first,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="__Host-cadans" if settings.is_secure else "cadans",
        SESSION_COOKIE_SECURE=settings.is_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LIFETIME,
        # Our pages send no Referer, so it cannot be asked for; _refuse_other_sites checks instead.
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    bounds.set_up(app)
    app.before_request(_refuse_other_sites)
    app.before_request(access.stand_guard)
    csrf.init_app(app)
    headers = _headers(settings)
    app.after_request(lambda response: _add_headers(response, headers))


def _refuse_other_sites() -> None:
    """Refuse what another site makes a browser send (W3C Fetch Metadata, Sec-Fetch-Site)."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def _headers(settings: Settings) -> dict[str, str]:
    store = _store_origin(settings.store)
    policy = (
        "default-src 'self'; img-src 'self' data:; "
        f"media-src 'self' {store}; connect-src 'self' {store}; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy.replace(" ;", ";"),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _store_origin(store: StoreLocation) -> str:
    """Answer where browsers reach the store; a folder is reached through us."""
    if isinstance(store, FolderLocation):
        return ""
    endpoint = store.public_endpoint or store.endpoint
    if endpoint is None:
        region = f"{store.region}." if store.region else ""
        return f"https://{store.bucket}.s3.{region}amazonaws.com"
    if store.addressing is Addressing.VIRTUAL:
        return endpoint.replace("://", f"://{store.bucket}.", 1)
    return endpoint


def _add_headers(response: Response, headers: dict[str, str]) -> Response:
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response

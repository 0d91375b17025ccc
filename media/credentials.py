"""What the store's credentials must never show."""

import boto3


def secrets_in_use() -> list[str]:
    """Answer the secret parts of the credentials that boto3 finds, wherever it finds them."""
    found = boto3.session.Session().get_credentials()
    if found is None:
        return []
    parts = found.get_frozen_credentials()
    return [secret for secret in (parts.secret_key, parts.token) if secret]

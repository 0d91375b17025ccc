"""The tables over time; each migration says why. Run by `app.db.migrate`."""

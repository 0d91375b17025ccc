"""The faces of the house: people's pages, the API, and feeds and audio in front of them all."""

"""`cadans upload`: a folder of audio becomes lessons, through the API, from any machine.

Imports `media`, HTTP and terminal libraries only: it knows no database and no server but by HTTP.
"""

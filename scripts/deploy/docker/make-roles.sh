#!/bin/sh
# Runs once, in a new cluster: the image of PostgreSQL looks for it.
set -eu
psql --username "$POSTGRES_USER" -v owner_password="$OWNER_PASSWORD" -v password="$DATABASE_PASSWORD" -f /roles.sql

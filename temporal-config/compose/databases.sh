#!/bin/sh
# Runs once, on an empty data folder: a role and databases for Temporal, a role and a database for the desk.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres \
  -v temporal="$TEMPORAL_PASSWORD" -v desk="$DESK_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE ROLE desk LOGIN PASSWORD :'desk';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE desk OWNER desk;
SQL

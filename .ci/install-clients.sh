#!/usr/bin/env bash
# Installs what `npm run test:clients` and `npm run bench -- serve` need: clients of Postgres, and a real PostgreSQL 15.
set -euo pipefail

packages=(
  postgresql-15 postgresql-client-15 python3-psycopg2 python3-psycopg python3-asyncpg python3-sqlalchemy python3-pandas
  default-jdk-headless libpostgresql-jdbc-java odbc-postgresql unixodbc python3-pyodbc libdbd-pg-perl
)
if dpkg -s "${packages[@]}" >/dev/null 2>&1; then exit 0; fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"

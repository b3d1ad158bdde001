#!/bin/sh
# Chooses what this container is by ROLE: migrator (runs once) or app (serves the API).
set -eu

log() { echo "ℹ️  $*"; }
fail() {
    echo "❌ $*" >&2
    exit 1
}

if [ "${1:-}" = migrationctl ]; then
    shift
    exec /app/migrationctl "$@"
fi

log "Starting Refactor Platform entrypoint..."
[ -n "${DATABASE_URL:-}" ] || fail "Required environment variable not set: DATABASE_URL"
[ -n "${RUST_ENV:-}" ] || fail "Required environment variable not set: RUST_ENV"

case "${ROLE:-app}" in
    migrator)
        [ -n "${DATABASE_SCHEMA:-}" ] || fail "Required environment variable not set: DATABASE_SCHEMA"
        log "Running in MIGRATOR mode"
        log "Running in $RUST_ENV environment"
        log "Waiting for PostgreSQL to be ready..."
        tries=0
        until psql "$DATABASE_URL" -qc 'SELECT 1' >/dev/null 2>&1; do
            tries=$((tries + 1))
            [ "$tries" -lt 30 ] || fail "PostgreSQL did not become ready in time"
            sleep 1
        done
        echo "✅ PostgreSQL is ready"
        psql "$DATABASE_URL" -qc "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS \"$DATABASE_SCHEMA\"" \
            || fail "Failed to create schema '$DATABASE_SCHEMA'"
        echo "✅ Running SeaORM migrations..."
        exec /app/migrationctl up -s "$DATABASE_SCHEMA"
        ;;
    app)
        log "Running in APP mode"
        log "Running in $RUST_ENV environment"
        log "Starting Refactor Platform API server..."
        exec python3 /app/server.py
        ;;
    *)
        fail "Unknown ROLE: '$ROLE'. Valid roles are: migrator, app"
        ;;
esac

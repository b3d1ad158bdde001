#!/bin/bash
# Renews the certificates by webroot challenge, then has the containerised nginx read them again. Run by cron or a timer.
set -euo pipefail

WEBROOT="${WEBROOT:-/home/deploy/nginx/html}"
CONTAINER="${CONTAINER:-nginx-reverse-proxy}"
LIMIT_SECONDS="${LIMIT_SECONDS:-300}"

log() { echo "[$(date '+%Y-%m-%d %H:%M:%S')] $1"; }

fail() {
    log "ERROR: $1"
    exit 1
}

sudo -n true 2>/dev/null || fail "certbot needs sudo without a password"
[ -n "$(docker ps --quiet --filter "name=^${CONTAINER}\$" --filter status=running)" ] \
    || fail "container ${CONTAINER} is not running"

log "Renewing certificates"
timeout "${LIMIT_SECONDS}" sudo certbot renew --webroot -w "${WEBROOT}" --quiet || fail "certbot renew failed"
docker exec "${CONTAINER}" nginx -s reload || fail "nginx could not be reloaded"
log "Certificates are up to date and nginx has read them"

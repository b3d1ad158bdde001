#!/bin/sh
# Makes a certificate authority of our own and what it signs, laid out as certbot does:
#   make-certs.sh [CA_DIRECTORY LETSENCRYPT_DIRECTORY [POSTGRES_DIRECTORY REGISTRY_DIRECTORY]]
# Without arguments, everything that staging needs goes into the directory `certs` beside this script.
set -eu
if [ $# = 0 ]; then
    certs=$(cd "$(dirname "$0")" && pwd)/certs
    set -- "$certs" "$certs/letsencrypt"
    mkdir -p "$certs"
    [ -s "$certs/ssl-dhparams.pem" ] || openssl dhparam -dsaparam -out "$certs/ssl-dhparams.pem" 2048 2>/dev/null
fi
ca=$1 letsencrypt=$2 postgres=${3:-} registry=${4:-}
mkdir -p "$ca" "$letsencrypt"
umask 077
[ -s "$ca/ca.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
    -subj "/O=Refactor Platform stand-in/CN=Stand-in Root" -keyout "$ca/ca.key" -out "$ca/ca.crt" 2>/dev/null

# sign DIRECTORY NAME DAYS SUBJECT_ALT_NAMES
sign() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
        -keyout "$1/privkey1.pem" -out "$1/request.pem" 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' "$4" >"$1/extensions"
    openssl x509 -req -in "$1/request.pem" -CA "$ca/ca.crt" -CAkey "$ca/ca.key" -days "$3" -extfile "$1/extensions" \
        -set_serial "0x$(openssl rand -hex 16)" -out "$1/cert1.pem" 2>/dev/null
    cp "$ca/ca.crt" "$1/chain1.pem"
    cat "$1/cert1.pem" "$1/chain1.pem" >"$1/fullchain1.pem"
    rm "$1/request.pem" "$1/extensions"
}

for domain in myrefactor.com refactor.engineer; do
    mkdir -p "$letsencrypt/archive/$domain" "$letsencrypt/live/$domain"
    sign "$letsencrypt/archive/$domain" "$domain" 90 "DNS:$domain,DNS:www.$domain"
    for part in cert chain fullchain privkey; do
        ln -sf "../../archive/$domain/${part}1.pem" "$letsencrypt/live/$domain/$part.pem"
    done
done
chmod 644 "$ca/ca.crt"
[ -n "$postgres" ] || exit 0
mkdir -p "$postgres/tls"
sign "$postgres/tls" refactor-db.internal 365 "DNS:refactor-db.internal,DNS:localhost,IP:10.10.0.5,IP:127.0.0.1"
mv "$postgres/tls/cert1.pem" "$postgres/server.crt"
mv "$postgres/tls/privkey1.pem" "$postgres/server.key"
mkdir -p "$registry/tls"
sign "$registry/tls" ghcr.io 365 "DNS:ghcr.io"
mv "$registry/tls/cert1.pem" "$registry/ghcr.crt"
mv "$registry/tls/privkey1.pem" "$registry/ghcr.key"
rm -r "$postgres/tls" "$registry/tls"

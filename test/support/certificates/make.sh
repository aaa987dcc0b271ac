#!/bin/sh
# Made once, with OpenSSL 3; the files are checked in. Keys of tests are no secrets: nothing trusts this authority but a test that says so.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
touch "$folder/index.txt"
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nunique_subject=no\nrand_serial=yes\ncopy_extensions=copy\n[p]\ncommonName=supplied\n' \
  "$folder" "$folder" >"$folder/ca.cnf"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# name, subject, first day, last day
issue() {
  key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -out "$folder/$1.csr"
  openssl ca -batch -notext -config "$folder/ca.cnf" -cert authority.crt -keyfile "$folder/authority.key" \
    -startdate "$3" -enddate "$4" -in "$folder/$1.csr" -out "$1.crt" 2>/dev/null
}

key "$folder/authority.key"
openssl req -x509 -new -key "$folder/authority.key" -subj '/CN=Posthorn tests' -days 36500 -out authority.crt
issue good receiver.example.com 20200101000000Z 21200101000000Z
issue expired receiver.example.com 20200101000000Z 20200102000000Z
issue other-name other.example.com 20200101000000Z 21200101000000Z
key self-signed.key
openssl req -x509 -new -key self-signed.key -subj '/CN=receiver.example.com' -addext 'subjectAltName=DNS:receiver.example.com' \
  -days 36500 -out self-signed.crt

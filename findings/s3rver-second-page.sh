#!/bin/bash
# s3rver on Node.js 17 and later cannot list a bucket that has more objects than a page, by version 2 of the request.
#
# Seen with s3rver 3.7.1, its newest release, on Node.js 20.20.2: ListObjectsV2 makes the token of the next page by DES, which the
# OpenSSL 3 of these releases of Node.js does not offer by default, so the first page is answered with 500 InternalError
# ("digital envelope routines::unsupported" in the log), again at each retry.  A bucket of 1,001 objects, or three and
# max-keys=2, is enough.  Version 1 of the request works, as does NODE_OPTIONS=--openssl-legacy-provider.
#
# Needs npm and Node.js 17 or later; installs the package in a temporary folder.
# Output seen:  version 2: InternalError; version 2, all in a page: 3 keys; version 1: 2 keys; with legacy algorithms: 2 keys
set -eu
expected='version 2: InternalError; version 2, all in a page: 3 keys; version 1: 2 keys; with legacy algorithms: 2 keys'

store=$(realpath "$(dirname "$0")/../test/store")
work=$(mktemp -d)
export S3_SERVERS=$work/installed
trap '"$store/servers.sh" stop "$work/server"; rm -rf "$work"' EXIT

start() {
	read -r key secret < <("$store/servers.sh" start s3rver "$work/server" 27495)
}

# ask METHOD PATH: keys of a list, or the code of an error
ask() {
	local answer
	answer=$("$store/request.pl" "$key" "$secret" "$1" "http://127.0.0.1:27495/bucket$2" 2>/dev/null) ||
		{ echo "$answer" | sed -n 's/.*<Code>\(.*\)<\/Code>.*/\1/p'; return; }
	echo "$(echo "$answer" | grep -o '<Key>' | wc -l) keys"
}

start
for path in '' /one /two /three; do ask PUT "$path" >/dev/null; done
seen="version 2: $(ask GET '?list-type=2&max-keys=2'); version 2, all in a page: $(ask GET '?list-type=2&max-keys=3')"
seen+="; version 1: $(ask GET '?max-keys=2')"
"$store/servers.sh" stop "$work/server"
sleep 1
export NODE_OPTIONS=--openssl-legacy-provider
start
seen+="; with legacy algorithms: $(ask GET '?list-type=2&max-keys=2')"
echo "s3rver, lists of several pages: $seen"
[ "$seen" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }

#!/bin/bash
# Build the extension, start a private PostgreSQL and a private S3 server, and keep an index there.
set -euo pipefail
umask 022

usage() {
	cat <<'EOF'
usage: demo/tier.sh [--keep] [--port N]

  --keep     leave the servers running at the end
  --port N   port number in the name of PostgreSQL's socket (default 25432); the S3 server listens
             on the ports from N + 1 on, on loopback
  --help     this text

Like demo/run.sh, but with an object store: Ceph's RADOS Gateway, which it installs with apt-get (as
root on Debian or Ubuntu; elsewhere it names what is missing). The gateway keeps its objects in
memory.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=25432
declare -A package_of=([radosgw]=radosgw [ceph-mon]=ceph-mon [ceph-osd]=ceph-osd)
declare -A header_of=([curl/curl.h]=libcurl4-openssl-dev)
. "$here/server.sh"

# A gateway with a bucket; sets access and secret.
start_store() {
	local rgw=$tmp/rgw.sh
	cp "$root/test/store/rgw.sh" "$root/test/store/request.pl" "$tmp"
	printf '#!/bin/sh\n%s %q stop %q\n' "${as_server[*]}" "$rgw" "$dir/store" >"$tmp/stop-more"
	chmod 755 "$tmp/stop-more" "$rgw" "$tmp/request.pl"
	read -r access secret < <("${as_server[@]}" bash "$rgw" start "$dir/store" $((port + 1)))
	"${as_server[@]}" bash "$rgw" bucket "$dir/store" $((port + 1)) vectors
}

begin_demo
echo "Starting a private S3 server ..."
start_store
echo "Unpacking the films ..."
unpack films queries judgments
variables=(-v endpoint="http://127.0.0.1:$((port + 1))" -v access="$access" -v secret="$secret")
run_sql load tier
end_demo

#!/bin/bash
# Ceph's RADOS Gateway holds back the body of every answer for 40 ms on connections that are kept, by default.
#
# Seen with radosgw 16.2.15 of Debian 12 on loopback: the gateway sends headers and body in two pieces, and the option
# tcp_nodelay of its frontend is off, so the second piece waits for the client's acknowledgement of the first (Nagle's
# algorithm), which Linux delays by 40 ms.  The first answers of a connection are fast, because its first packets are
# acknowledged at once.  A list of objects took 44 ms, and 0.7 ms without; so does a refused request, which this script
# uses.  With rgw_frontends = "beast ... tcp_nodelay=1", or a client that sets TCP_QUICKACK, it is not so.
#
# Needs Debian 12 and python3; installs the packages in a temporary folder.
# Output seen:  default: held back; tcp_nodelay=1: at once
set -eu
expected='default: held back; tcp_nodelay=1: at once'
version=16.2.15+ds-0+deb12u2
rgw=$(realpath "$(dirname "$0")/../test/store/rgw.sh")
work=$(mktemp -d)
trap '"$rgw" stop "$work/default"; "$rgw" stop "$work/nodelay"; rm -rf "$work"' EXIT

# Ceph's packages, and whatever else of what they need is missing.
mkdir "$work/packages" && chmod 777 "$work" "$work/packages" && cd "$work/packages"
ceph=(radosgw ceph-mon ceph-osd ceph-base ceph-common librados2 libradosstriper1 librbd1 libcephfs2 librgw2 python3-rados
	python3-ceph-argparse python3-ceph-common)
[ "$(id -u)" != 0 ] || apt-get -qq update
apt-get -qq download "${ceph[@]/%/=$version}" $(apt-get -s --no-install-recommends install "${ceph[@]}" |
	awk '$1 == "Inst" && $2 !~ /ceph|rados|rgw|rbd/ { print $2 }')
for package in *.deb; do dpkg -x "$package" "$work/root"; done
lib=$work/root/usr/lib/x86_64-linux-gnu
export PATH=$work/root/usr/bin:$work/root/usr/sbin:$PATH LD_LIBRARY_PATH=$lib:$lib/ceph
export PYTHONPATH=$work/root/usr/lib/python3/dist-packages
export CEPH_ARGS="--osd_class_dir=$lib/rados-classes --erasure_code_dir=$lib/ceph/erasure-code --plugin_dir=$lib/ceph"

# The median of the answers of one connection, after some that warm it up.
median() {
	python3 - "$1" <<'PY'
import http.client, statistics, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
times = []
for _ in range(60):
    begin = time.perf_counter()
    connection.request("GET", "/bucket/object")
    connection.getresponse().read()
    times.append(time.perf_counter() - begin)
print("held back" if statistics.median(times[20:]) > 0.03 else "at once")
PY
}

"$rgw" start "$work/default" 27480 >/dev/null
seen="default: $(median 27480)"
"$rgw" start "$work/nodelay" 27490 tcp_nodelay=1 >/dev/null
seen+="; tcp_nodelay=1: $(median 27490)"
echo "Ceph RADOS Gateway, bodies of answers: $seen"
[ "$seen" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }

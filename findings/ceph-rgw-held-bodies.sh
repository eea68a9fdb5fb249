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
. "$(dirname "$0")/lib/ceph.sh"
expected='default: held back; tcp_nodelay=1: at once'

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

"$store/rgw.sh" start "$work/gateway1" 27480 >/dev/null
seen="default: $(median 27480)"
"$store/rgw.sh" start "$work/gateway2" 27490 tcp_nodelay=1 >/dev/null
seen+="; tcp_nodelay=1: $(median 27490)"
report "Ceph RADOS Gateway, bodies of answers" "$seen" "$expected"

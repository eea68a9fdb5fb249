#!/bin/bash
# A real S3 server on loopback: Ceph's RADOS Gateway with one monitor and one object daemon that keeps all in memory.
#
# usage: rgw.sh start FOLDER PORT [FRONTEND OPTIONS]   prints its access key and its secret key
#        rgw.sh stop FOLDER
#        rgw.sh collect FOLDER   frees the space of deleted objects, which the gateway does after two hours
#        rgw.sh bucket FOLDER PORT NAME   makes a bucket
#        rgw.sh user FOLDER NAME   makes a user without rights; prints its access key and its secret key
#
# Its memory holds RGW_BYTES, by default 1 GB.  Needs no root.  Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd
set -eu
command=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd -P)
conf=$folder/ceph.conf
export CEPH_CONF=$conf PATH=$PATH:/usr/sbin:/sbin
access=TESTACCESSKEY0000001
secret=testSecretKey0000000000000000000000000001

stop() {
	local name pid
	for name in rgw osd mon; do
		pid=$(cat "$folder/$name.pid" 2>/dev/null) || continue
		if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$conf"; then
			kill -KILL "$pid" 2>/dev/null || true
		fi
		rm -f "$folder/$name.pid"
	done
}

if [ "$command" = stop ]; then
	stop
	exit 0
fi

if [ "$command" = collect ]; then
	exec radosgw-admin gc process --include-all >>"$folder/make.log" 2>&1
fi

if [ "$command" = bucket ]; then
	exec "$(dirname "$0")/request.pl" "$access" "$secret" PUT "http://127.0.0.1:$3/$4"
fi

if [ "$command" = user ]; then
	radosgw-admin user create --uid="$3" --display-name="$3" --access-key="${access}$3" --secret-key="${secret}$3" >>"$folder/make.log" 2>&1
	echo "${access}$3 ${secret}$3"
	exit
fi

# Starts a daemon; its output goes to a file.
launch() {
	local name=$1
	shift
	setsid nohup "$@" </dev/null >"$folder/$name.log" 2>&1 &
	echo $! >"$folder/$name.pid"
}

# Tries a command until it succeeds, for half a minute.
until_done() {
	local end=$((SECONDS + 30))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "rgw.sh: failed: $*" >&2
			tail -n 5 "$folder"/*.log >&2
			stop
			exit 1
		fi
		sleep 0.1
	done
}

port=$3
cat >"$conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon_host = [v2:127.0.0.1:$((port + 1))/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
keyring = $folder/keyring
run_dir = $folder
admin_socket =
log_file =
log_to_stderr = true
err_to_stderr = true
log_to_syslog = false
mon_cluster_log_file =
crash_dir = $folder
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 2
osd_pool_default_pgp_num = 2
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
[mon]
mon_data = $folder/mon
mon_data_avail_crit = 1
[osd]
osd_data = $folder/osd
osd_objectstore = memstore
memstore_device_bytes = ${RGW_BYTES:-1073741824}
osd_memory_target = 939524096
[client]
rgw_data = $folder
rgw_rados_pool_pg_num_min = 2
rgw_frontends = beast endpoint=127.0.0.1:$port ${4:-}
rgw_thread_pool_size = 32
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
rgw_max_listing_results = 100
rgw_crypt_require_ssl = false
rgw_crypt_s3_kms_backend = testing
rgw_crypt_s3_kms_encryption_keys = "test=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
rgw_dns_name = localhost
CONF

mkdir -p "$folder/mon" "$folder/osd"
{
	ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *'
	ceph-authtool "$folder/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
	ceph-authtool "$folder/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
	monmaptool --create --clobber --fsid "$(sed -n 's/^fsid = //p' "$conf")" --addv a "[v2:127.0.0.1:$((port + 1))/0]" "$folder/monmap"
	ceph-mon -i a --mkfs --monmap "$folder/monmap" --keyring "$folder/keyring"
} >"$folder/make.log" 2>&1
launch mon ceph-mon -i a -f -c "$conf"
until_done timeout 5 ceph --connect-timeout 5 mon stat
uuid=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$uuid" >>"$folder/make.log" 2>&1
ceph-osd -i 0 --mkfs --osd-uuid "$uuid" >>"$folder/make.log" 2>&1
launch osd ceph-osd -i 0 -f -c "$conf"
launch rgw radosgw -n client.admin -f -c "$conf"
until_done timeout 20 radosgw-admin user create --uid=test --display-name=test --access-key="$access" --secret-key="$secret"
until_done bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
echo "$access $secret"

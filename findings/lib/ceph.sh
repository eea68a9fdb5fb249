# What the scripts about Ceph's gateway share: its packages of Debian 12, in a temporary folder.  To be sourced.
set -eu

version=16.2.15+ds-0+deb12u2
store=$(realpath "$(dirname "$0")/../test/store")
work=$(mktemp -d)
trap 'for gateway in "$work"/gateway*; do "$store/rgw.sh" stop "$gateway"; done; rm -rf "$work"' EXIT

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

# report WHAT SEEN EXPECTED: prints what was seen; fails if it is something else.
report() {
	echo "$1: $2"
	[ "$2" = "$3" ] || { echo "changed: expected $3" >&2; exit 1; }
}

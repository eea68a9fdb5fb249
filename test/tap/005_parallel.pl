# Parallel plans return what serial plans do: exact search and aggregates of every type
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_parallel_workers = 8\nmax_worker_processes = 12");
$node->start;

# integers, so that sums are exact in any order; out of line for vector, inline for the others
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION scatter(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg(((seed * 7919 + d * (104729 + seed)) % 15 - 7)::real) FROM generate_series(1, dims) d$$;
	CREATE TABLE items (id int PRIMARY KEY, part int, v vector, h halfvec, b bf16vec, i int8vec, s sparsevec, bits bit(64));
	INSERT INTO items SELECT n, n % 5, scatter(n, 600)::vector, x::halfvec, x::bf16vec, x::int8vec, x::sparsevec, binary_quantize(x::vector)::bit(64)
		FROM generate_series(1, 3000) n, LATERAL (SELECT scatter(n, 64) OFFSET 0) l(x);
	INSERT INTO items (id, part) SELECT n, 6 FROM generate_series(3001, 3010) n;
	CREATE TABLE parts (part int PRIMARY KEY, name text);
	INSERT INTO parts SELECT n, 'part ' || n FROM generate_series(0, 4) n;
	CREATE TABLE parted (LIKE items) PARTITION BY LIST (part);
	CREATE TABLE parted0 PARTITION OF parted FOR VALUES IN (0, 1);
	CREATE TABLE parted1 PARTITION OF parted DEFAULT;
	INSERT INTO parted SELECT * FROM items;
	ANALYZE;
});

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = 'SET max_parallel_workers_per_gather = 3; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;'
  . 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET enable_indexscan = off; SET enable_bitmapscan = off;';

# The result is the same with workers and without; the plan with workers has a Gather, and is of the given kind.
sub same
{
	my ($name, $query, $kind) = @_;
	my $plan = $node->safe_psql('postgres', "$parallel EXPLAIN (COSTS OFF) $query");
	my $expected = $node->safe_psql('postgres', "$serial $query");

	like($plan, $kind // qr/Gather/, "$name: planned in parallel");
	isnt($expected, '', "$name: an answer");
	is($node->safe_psql('postgres', "$parallel $query"), $expected, "$name: the same");
	is($node->safe_psql('postgres', "$parallel SET parallel_leader_participation = off; $query"), $expected, "$name: the same by workers alone");
}

my %probes = (v => 'scatter(77777, 600)::vector', h => 'scatter(77777, 64)::halfvec', b => 'scatter(77777, 64)::bf16vec',
	i => 'scatter(77777, 64)::int8vec', s => 'scatter(77777, 64)::sparsevec');
foreach my $column (sort keys %probes)
{
	foreach my $operator ('<->', '<#>', '<=>', '<+>')
	{
		same("$column $operator", "SELECT id, round(($column $operator $probes{$column})::numeric, 3) FROM items ORDER BY $column $operator $probes{$column}, id LIMIT 40");
	}
}
same("bits $_", "SELECT id, bits $_ binary_quantize(scatter(77777, 64)::vector)::bit(64) AS d FROM items ORDER BY d, id LIMIT 40") foreach ('<~>', '<%>');

same('filter', "SELECT id FROM items WHERE part <> 3 AND id % 2 = 0 AND v <-> $probes{v} < 1e9 ORDER BY v <-> $probes{v}, id LIMIT 25");
same('join', "SELECT id, name FROM items JOIN parts USING (part) ORDER BY v <=> $probes{v}, id LIMIT 25");
same('query from the table', "SELECT i.id FROM items i, items q WHERE q.id = 42 ORDER BY i.v <-> q.v, i.id LIMIT 25");
same('partitions', "SELECT id FROM parted ORDER BY v <-> $probes{v}, id LIMIT 25");
same('everything sorted', "SELECT md5(string_agg(id::text, ',')) FROM (SELECT id FROM items ORDER BY v <-> $probes{v}, id) x");
same('grouped', "SELECT part, min(v <-> $probes{v}), max(h <#> $probes{h}), sum(i <+> $probes{i}) FROM items WHERE part < 5 GROUP BY part ORDER BY part");

foreach my $type ([ 'v', 600 ], [ 'h', 64 ], [ 'b', 64 ], [ 'i', 64 ])
{
	my ($column) = @$type;

	# a sum without rounding is the same in any order; halfvec's is rounded at each step, so only few are added
	my $where = $column eq 'h' ? 'WHERE id <= 100' : 'WHERE id IS NOT NULL';
	same("sum($column)", "SELECT md5(sum($column)::text), count($column) FROM items $where", qr/Partial Aggregate.*Parallel Seq Scan/s);
	same("avg($column)", "SELECT md5(avg($column)::text) FROM items", qr/Partial Aggregate.*Parallel Seq Scan/s);
	same("avg($column) by part", "SELECT part, md5(avg($column)::text), md5(sum($column)::text) FROM items WHERE id <= 100 OR part = 6 GROUP BY part ORDER BY part", qr/Partial (Hash|Group)?Aggregate.*Parallel Seq Scan/s);
	same("avg($column) of partitions", "SELECT md5(avg($column)::text) FROM parted", qr/Partial Aggregate/);
}
is($node->safe_psql('postgres', "$parallel SELECT avg(v) IS NULL, sum(h) IS NULL, avg(b) IS NULL, sum(i) IS NULL FROM items WHERE part = 6"), 't|t|t|t', 'aggregates of nothing');
is($node->safe_psql('postgres', "$parallel SELECT max(abs(x - y)) < 1e-4 FROM (SELECT avg(v)::real[] AS a FROM items) s, (SELECT array_agg(m ORDER BY n) AS b FROM (SELECT n, avg(x) AS m FROM items, unnest(v::real[]) WITH ORDINALITY u(x, n) GROUP BY n) t) t, unnest(a, b) u(x, y)"),
	't', 'avg is that of plain SQL');

# sort and hash: btree and hash operator classes in parallel plans
same("distinct $_", "SELECT count(*), md5(string_agg(x::text, ',' ORDER BY x)) FROM (SELECT DISTINCT subvector($_, 1, 1) AS x FROM items WHERE $_ IS NOT NULL) d") foreach ('v', 'h', 'b', 'i');
same("join by $_", "SELECT count(*) FROM items x JOIN items y USING ($_) WHERE x.part < 2", qr/Gather.*Hash Join/s) foreach ('h', 'b', 'i', 's');

# different dimensions are an error in a worker, too
foreach my $settings ($serial, $parallel)
{
	my ($status, $out, $err) = $node->psql('postgres', "$settings SELECT id FROM items ORDER BY v <-> '[1,2]' LIMIT 3");
	like($err, qr/different vector dimensions 600 and 2/, 'different dimensions');
	($status, $out, $err) = $node->psql('postgres', "$settings SELECT avg(subvector(v, 1, 1 + id % 2)) FROM items");
	like($err, qr/expected [12] dimensions, not [12]/, 'average of different dimensions');
}

$node->stop;
done_testing();

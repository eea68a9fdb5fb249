# ivfflat and ivf find what exact search finds: however an index was made, with every quantizer
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Items qw(damage_block);

my $rows = 6000;
my $dims = 48;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
min_parallel_table_scan_size = 1
CONF
$node->start;

sub sql
{
	return $node->safe_psql('postgres', join("\n", @_));
}

# 100 clusters
sql(qq{
	CREATE EXTENSION vector;
	CREATE FUNCTION near(center real[], width float8) RETURNS real[] LANGUAGE sql VOLATILE AS \$\$
		SELECT array_agg((x + (random() + random() + random() - 1.5) * width)::real ORDER BY n)
		FROM unnest(center) WITH ORDINALITY u (x, n)
	\$\$;
	SELECT setseed(0.4);
	CREATE TABLE centers AS
		SELECT c, near(array_fill(0.3::real, ARRAY[$dims]), 1.5) AS a FROM generate_series(1, 100) c;
	CREATE TABLE points AS SELECT n AS id, near(a, 1.4)::vector($dims) AS v
		FROM generate_series(1, 2 * $rows + 30) n JOIN centers ON c = n % 100 + 1;
	CREATE TABLE queries AS SELECT * FROM points WHERE id > 2 * $rows;
	CREATE TABLE items (id int PRIMARY KEY, v vector($dims));
	INSERT INTO items SELECT * FROM points WHERE id <= $rows;
	VACUUM ANALYZE;
});

# The share of the nearest rows that an index scan returns, over 30 queries.
sub recall
{
	my ($operator, %search) = @_;
	my $limit = $search{limit} // 10;
	my $where = $search{where} // 'true';
	my $nearest = "SELECT i.id, i.v $operator q.v AS d FROM items i WHERE $where
		ORDER BY i.v $operator q.v LIMIT $limit";
	my $search = qq{SELECT avg(hits / wanted) FROM (
		SELECT t.id, wanted,
			count(DISTINCT x.id) FILTER (WHERE d <= radius + 1e-5 * abs(radius)) AS hits
		FROM truth t JOIN queries q USING (id), LATERAL ($nearest) x GROUP BY t.id, wanted) y};
	my $answer = sql(
		'SET enable_indexscan = off;',
		"CREATE TEMP TABLE truth AS SELECT q.id, max(d) AS radius, count(*)::float8 AS wanted
			FROM queries q, LATERAL ($nearest) x GROUP BY q.id;",
		'RESET enable_indexscan; SET enable_seqscan = off; SET enable_sort = off;',
		$search{set} // '',
		"EXPLAIN (COSTS OFF) $search; $search;");
	die "no index scan: $answer" unless $answer =~ /Index Scan using items_v/;
	my ($recall) = $answer =~ /(\S+)\z/;
	return $recall;
}

sub recall_ok
{
	my ($name, $least, @search) = @_;
	my $recall = recall(@search);

	note("recall $recall");
	cmp_ok($recall, '>=', $least, $name);
}

sub create
{
	my ($am, $class, $options, @set) = @_;
	sql('DROP INDEX IF EXISTS items_v;', @set,
		"CREATE INDEX items_v ON items USING $am (v vector_${class}_ops)" . ($options ? " WITH ($options)" : ''));
}

my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>');

# ivfflat: exact with probes = lists, better with more probes
foreach my $class (sort keys %operators)
{
	create('ivfflat', $class, 'lists = 60');
	recall_ok("ivfflat, $class, all lists", 1, $operators{$class}, set => 'SET ivfflat.probes = 60;');
	# centroids are random, and by dot products the nearest rows are in more lists
	recall_ok("ivfflat, $class, 20 lists", $class eq 'ip' ? 0.85 : 0.95, $operators{$class}, set => 'SET ivfflat.probes = 20;');
	cmp_ok(recall($operators{$class}, set => 'SET ivfflat.probes = 1;'), '<', 1,
		"ivfflat, $class, one list is not all");
}

# ivf: its own choice of lists, and more lists; vectors kept or not
foreach my $way (
	[ '', 0.9, 0.98 ],
	[ 'quantizer = none', 0.9, 1 ],
	[ 'bits = 4', 0.9, 0.98 ],
	[ 'quantizer = sq8, refine = half', 0.9, 0.98 ],
	[ 'quantizer = sq4, refine = sq8', 0.9, 0.98 ],
	[ 'quantizer = pq', 0.9, 0.98 ],
	[ 'refine = none', 0.75, 0.8 ],
	[ 'quantizer = sq8, refine = none', 0.9, 0.98 ],
	[ 'quantizer = pq, pq_m = 24, refine = none', 0.7, 0.75 ])
{
	my ($options, $least, $all) = @$way;
	foreach my $class ($options eq '' ? sort keys %operators : 'l2')
	{
		create('ivf', $class, $options);
		recall_ok("ivf ($options), $class", $least, $operators{$class});
		recall_ok("ivf ($options), $class, all lists", $all, $operators{$class},
			set => 'SET ivf.probes = 65536;');
	}
}

# thousands of lists, whose centroids have codes: with few probes the nearest lists are found by codes, with more by
# comparing all centroids
foreach my $way ([ 'ivfflat', 'l2' ], [ 'ivf', 'l2' ], [ 'ivf', 'ip' ], [ 'ivf', 'cosine' ])
{
	my ($am, $class) = @$way;
	create($am, $class, 'lists = 4200');
	my %recall = map { $_ => recall($operators{$class}, set => "SET $am.probes = $_;") } (65, 66);
	note("recall $recall{65}, $recall{66}");
	cmp_ok($recall{66}, '>', 0.6, "$am, $class, thousands of lists");
	cmp_ok($recall{65}, '>=', $recall{66} - 0.05, "$am, $class, thousands of lists, found by codes");
	sql('INSERT INTO items SELECT * FROM points WHERE id BETWEEN 6001 AND 6030; SELECT vector_seal($$items_v$$)');
	is(sql("SET enable_seqscan = off; SET $am.probes = 1;
		SELECT count(*) FROM points p WHERE id BETWEEN 6001 AND 6030 AND
			id = (SELECT id FROM items ORDER BY v $operators{$class} p.v LIMIT 1)"), 30,
		"$am, $class: assigned and found by codes alike") if $class ne 'ip';
	like(sql("SELECT count(*), vector_index_check('items_v') FROM items"), qr/^(\d+)\|\1$/,
		"$am, $class, thousands of lists: sound and complete");
	sql('DELETE FROM items WHERE id > 6000; VACUUM items');
}

# many rows, deep offsets, filters
create('ivf', 'l2', 'lists = 60');
recall_ok('1000 rows', 0.9, '<->', limit => 1000, set => 'SET ivf.probes = 40;');
recall_ok('a deep offset', 0.95, '<->', limit => '100 OFFSET 1000', set => 'SET ivf.probes = 60;');
recall_ok('a filter', 0.9, '<->', where => 'i.id % 50 = q.id % 50',
	set => 'SET ivf.iterative_scan = relaxed_order; SET ivf.probes = 20;');
is(sql("SET enable_seqscan = off; SET ivf.iterative_scan = relaxed_order;
	SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <->
		(SELECT v FROM queries LIMIT 1)) x"), "$rows|$rows", 'an iterative scan finds every row once');

# however the index was made
my $workers = 'SET max_parallel_maintenance_workers = 2; ALTER TABLE items SET (parallel_workers = 2);';
my %ways = (
	'by parallel workers' => sub { create('ivf', 'l2', 'lists = 60', $workers) },
	'concurrently' => sub {
		sql('DROP INDEX items_v');
		sql('CREATE INDEX CONCURRENTLY items_v ON items USING ivf (v vector_l2_ops) WITH (lists = 60)');
	},
	'of a sample, in little memory' => sub {
		create('ivf', 'l2', 'lists = 60', "SET maintenance_work_mem = '1MB';");
	},
	'by inserts' => sub {
		sql('TRUNCATE items; INSERT INTO items SELECT * FROM points WHERE id <= 3000;
			SELECT vector_seal($$items_v$$);
			INSERT INTO items SELECT * FROM points WHERE id BETWEEN 3001 AND 6000');
	},
	'sealed and merged' => sub { sql("SELECT vector_seal('items_v'), vector_merge('items_v')") },
	'after a tenfold growth' => sub {
		sql('TRUNCATE items; INSERT INTO items SELECT * FROM points WHERE id <= 500;
			SELECT vector_seal($$items_v$$);
			INSERT INTO items SELECT * FROM points WHERE id BETWEEN 501 AND 6000;
			SELECT vector_seal($$items_v$$), vector_merge($$items_v$$)');
	},
	'after VACUUM' => sub {
		sql('INSERT INTO items SELECT * FROM points WHERE id BETWEEN 6001 AND 12000;
			DELETE FROM items WHERE id % 2 = 0;');
		sql('VACUUM (INDEX_CLEANUP ON) items');
	});
foreach my $way ('by parallel workers', 'concurrently', 'of a sample, in little memory', 'by inserts',
	'sealed and merged', 'after a tenfold growth', 'after VACUUM')
{
	$ways{$way}->();
	recall_ok("built $way", 0.88, '<->', set => 'SET ivf.probes = 16;');
	like(sql("SELECT count(*), vector_index_check('items_v') FROM items"), qr/^(\d+)\|\1$/,
		"built $way: sound and complete");
}

# the check finds a single row with a wrong code: its first factor, in a group of packed codes or before a fine one
foreach my $damage ([ 'packed', 12, 7 * 4 ], [ 'fine', 13, 0 ])
{
	my ($name, $kind, $place) = @$damage;
	create('ivf', 'l2', 'lists = 60, bits = 4');
	damage_block($node, 'items_v', $kind, $place);
	my ($code, $out, $error) = $node->psql('postgres', "SELECT vector_index_check('items_v')");
	like($error, qr/DETAIL: .* has a code that does not fit its vector: its distance is bounded by \d/,
		"a $name code that does not fit is found");
}

# some wanted rows turn out to be deleted: those that were left out for them take their place, before farther ones
# that were found, in growing segments too
foreach my $limit (1, 5)
{
	sql("TRUNCATE items; INSERT INTO items SELECT * FROM points WHERE id <= $rows");
	create('ivfflat', 'l2', 'lists = 8, seal_rows = 100000');
	sql("SET vector.background_work = off; INSERT INTO items SELECT * FROM points WHERE id > $rows AND id % 50 = 0;
		DELETE FROM items WHERE id % 3 > 0");
	my $nearest = "SELECT string_agg(d::text, ' ') FROM queries q,
		LATERAL (SELECT q.v <-> v AS d FROM items ORDER BY q.v <-> v LIMIT $limit) x";
	is(sql("SET enable_seqscan = off; SET ivfflat.probes = 8; $nearest"), sql("SET enable_indexscan = off; $nearest"),
		"LIMIT $limit, most rows deleted: the nearest are found");
}

# codes alone take a small part of the space
sql("TRUNCATE items; INSERT INTO items SELECT * FROM points WHERE id <= $rows");
create('ivfflat', 'l2', 'lists = 30');
my $flat = sql("SELECT pg_relation_size('items_v')");
create('ivf', 'l2', 'lists = 30, refine = none');
my $codes = sql("SELECT pg_relation_size('items_v')");
note("ivfflat $flat bytes, codes $codes");
cmp_ok($codes, '<', $flat / 4, 'codes alone are small');

$node->stop;
done_testing();

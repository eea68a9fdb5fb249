# When the planner uses an hnsw index, and when it does not
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_parallel_workers_per_gather = 0
CONF
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	SELECT setseed(0.1);
	CREATE TABLE items (id int PRIMARY KEY, kind int, part int, v vector(3));
	INSERT INTO items SELECT n, n % 50, n % 1000, ARRAY[random(), random(), random()]
		FROM generate_series(1, 2000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
	CREATE INDEX items_kind ON items (kind);
	CREATE INDEX items_part ON items (part);
	ANALYZE items;
});
my $probe = "'[0.5,0.5,0.5]'";

# The plan matches the given pattern.
sub plan_ok
{
	my ($name, $query, $like, $unlike) = @_;
	my $before = '';
	($before, $query) = ($1, $2) if $query =~ /^(.*;)\s*(.*?)$/s;
	my $plan = $node->safe_psql('postgres', "$before EXPLAIN (COSTS OFF) $query");

	like($plan, $like, $name);
	unlike($plan, $unlike, "$name, and not otherwise") if $unlike;
}

my $by_index = qr/Index Scan using items_v on items/;
my $by_table = qr/Seq Scan on/;
plan_ok('nearest', "SELECT id FROM items ORDER BY v <-> $probe LIMIT 10", $by_index, $by_table);
plan_ok('one', "SELECT id FROM items ORDER BY v <-> $probe LIMIT 1", $by_index);
plan_ok('offset', "SELECT id FROM items ORDER BY v <-> $probe LIMIT 10 OFFSET 5", $by_index);
plan_ok('commuted', "SELECT id FROM items ORDER BY $probe <-> v LIMIT 10", $by_index);
plan_ok('columns and the distance',
	"SELECT *, v <-> $probe AS d FROM items ORDER BY d LIMIT 10", $by_index);
plan_ok('a common filter',
	"SELECT id FROM items WHERE kind <> 7 ORDER BY v <-> $probe LIMIT 10", $by_index);
plan_ok('an own row',
	"SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = 7) LIMIT 10", $by_index);
plan_ok('in a CTE',
	"WITH x AS (SELECT id, v <-> $probe AS d FROM items ORDER BY d LIMIT 10) SELECT *"
	  . " FROM x WHERE d < 1",
	$by_index);
plan_ok('in a materialized CTE',
	"WITH x AS MATERIALIZED (SELECT id, v <-> $probe AS d FROM items ORDER BY d LIMIT"
	  . " 10) SELECT * FROM x WHERE d < 1",
	$by_index);
plan_ok('in a subquery',
	"SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> $probe LIMIT 10) x", $by_index);
plan_ok('LATERAL',
	'SELECT q.id, x.id FROM items q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v'
	  . ' LIMIT 3) x WHERE q.kind = 7',
	$by_index);
plan_ok('LEFT JOIN LATERAL',
	"SELECT * FROM (VALUES ('[1,2,3]'::vector)) q (v) LEFT JOIN LATERAL (SELECT id FROM"
	  . " items ORDER BY items.v <-> q.v LIMIT 3) x ON true",
	$by_index);
plan_ok('joined to the nearest',
	"SELECT * FROM (SELECT id FROM items ORDER BY v <-> $probe LIMIT 3) x JOIN items"
	  . " USING (id)",
	$by_index);
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	plan_ok("prepared, $mode",
		"SET plan_cache_mode = $mode; PREPARE p (vector, int) AS SELECT id FROM items ORDER"
		  . " BY v <-> \$1 LIMIT \$2; EXECUTE p ($probe, 5)",
		$by_index)
	  if $mode eq 'force_custom_plan';
	plan_ok("prepared with a constant LIMIT, $mode",
		"SET plan_cache_mode = $mode; PREPARE p (vector) AS SELECT id FROM items ORDER BY v"
		  . " <-> \$1 LIMIT 5; EXECUTE p ($probe)",
		$by_index);
}

# where the index would be wrong or useless
plan_ok('no LIMIT', "SELECT id FROM items ORDER BY v <-> $probe", $by_table, qr/items_v/);
plan_ok('another operator',
	"SELECT id FROM items ORDER BY v <=> $probe LIMIT 10", $by_table, qr/items_v/);
plan_ok('descending',
	"SELECT id FROM items ORDER BY v <-> $probe DESC LIMIT 10", $by_table, qr/items_v/);
plan_ok('an expression of it',
	"SELECT id FROM items ORDER BY (v <-> $probe) + 1 LIMIT 10", $by_table, qr/items_v/);
plan_ok('a distance filter',
	"SELECT id FROM items WHERE v <-> $probe < 0.1", $by_table, qr/items_v/);
plan_ok('a distance filter and LIMIT',
	"SELECT id FROM items WHERE v <-> $probe < 0.1 LIMIT 5", $by_table, qr/items_v/);
plan_ok('no vector at all', 'SELECT count(*) FROM items', $by_table, qr/items_v/);
plan_ok('IS NOT NULL', 'SELECT count(*) FROM items WHERE v IS NOT NULL', $by_table, qr/items_v/);
plan_ok('a distance in an aggregate',
	"SELECT avg(v <-> $probe) FROM items", $by_table, qr/items_v/);

# a filter that few rows pass is applied first
plan_ok('a filter of 2 %',
	"SELECT id FROM items WHERE kind = 7 ORDER BY v <-> $probe LIMIT 10",
	qr/items_kind/, qr/items_v/);
plan_ok('a filter of 0.1 %',
	"SELECT id FROM items WHERE part = 7 ORDER BY v <-> $probe LIMIT 10",
	qr/items_part/, qr/items_v/);
plan_ok('a key',
	"SELECT id FROM items WHERE id = 7 ORDER BY v <-> $probe LIMIT 10",
	qr/items_pkey/, qr/items_v/);

# small tables
$node->safe_psql('postgres', 'CREATE TABLE few AS SELECT * FROM items LIMIT 20;
	CREATE INDEX ON few USING hnsw (v vector_l2_ops); ANALYZE few');
plan_ok('20 rows', "SELECT id FROM few ORDER BY v <-> $probe", $by_table);
plan_ok('20 rows and LIMIT', "SELECT id FROM few ORDER BY v <-> $probe LIMIT 10", $by_table);

# a partial index that matches is preferred
$node->safe_psql('postgres',
	'CREATE INDEX items_partial ON items USING hnsw (v vector_l2_ops) WHERE part < 500');
plan_ok('partial',
	"SELECT id FROM items WHERE part < 500 ORDER BY v <-> $probe LIMIT 10", qr/items_partial/);
plan_ok('partial does not match',
	"SELECT id FROM items WHERE part < 600 ORDER BY v <-> $probe LIMIT 10",
	$by_index, qr/items_partial/);
plan_ok('partial, no filter',
	"SELECT id FROM items ORDER BY v <-> $probe LIMIT 10", $by_index, qr/items_partial/);

# larger and wider
$node->safe_psql('postgres', q{
	CREATE TABLE wide (id int, kind int, v vector(300), h halfvec(300));
	INSERT INTO wide SELECT n, n % 100, a, a FROM generate_series(1, 5000) n,
		LATERAL (SELECT array_agg(random()) AS a FROM generate_series(1, 300) d WHERE n > 0) x;
	CREATE INDEX wide_v ON wide USING hnsw (v vector_cosine_ops);
	CREATE INDEX wide_h ON wide USING hnsw (h halfvec_ip_ops);
	CREATE INDEX wide_kind ON wide (kind);
	ANALYZE wide});
my $wide = 'array_fill(0.5, ARRAY[300])::vector';
plan_ok('wide, out of line', "SELECT id FROM wide ORDER BY v <=> $wide LIMIT 100", qr/wide_v/);
plan_ok('halves', "SELECT id FROM wide ORDER BY h <#> $wide\::halfvec LIMIT 10", qr/wide_h/);
plan_ok('wide, filtered by half of it',
	"SELECT id FROM wide WHERE kind < 50 ORDER BY v <=> $wide LIMIT 10", qr/wide_v/);
plan_ok('wide, a filter of 1 %',
	"SELECT id FROM wide WHERE kind = 5 ORDER BY v <=> $wide LIMIT 10", qr/wide_kind/, qr/wide_v/);
plan_ok('in parallel',
	"SET max_parallel_workers_per_gather = 2; SELECT id FROM wide ORDER BY v <=> $wide"
	  . " LIMIT 10",
	qr/wide_v/);
plan_ok('after VACUUM',
	"VACUUM wide; SELECT id FROM wide ORDER BY v <=> $wide LIMIT 10", qr/wide_v/);

# partitions
$node->safe_psql('postgres', q{
	CREATE TABLE parted (id int, v vector(3)) PARTITION BY RANGE (id);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES FROM (0) TO (3000);
	CREATE TABLE parted2 PARTITION OF parted FOR VALUES FROM (3000) TO (6001);
	INSERT INTO parted SELECT n, ARRAY[random(), random(), random()]
		FROM generate_series(1, 6000) n;
	CREATE INDEX ON parted USING hnsw (v vector_l2_ops);
	ANALYZE parted});
plan_ok('partitions', "SELECT id FROM parted ORDER BY v <-> $probe LIMIT 10",
	qr/Merge Append.*Index Scan using parted1_v_idx.*Index Scan using parted2_v_idx/s, qr/Sort  /);
plan_ok('one partition', "SELECT id FROM parted WHERE id < 3000 ORDER BY v <-> $probe LIMIT 10",
	qr/parted1_v_idx/, qr/parted2/);

# a table that has grown since it was analyzed, and one that was never analyzed
$node->safe_psql('postgres', 'CREATE TABLE fresh (id int, v vector(3));
	CREATE INDEX fresh_v ON fresh USING hnsw (v vector_l2_ops);
	INSERT INTO fresh SELECT id, v FROM items, generate_series(1, 5)');
plan_ok('never analyzed', "SELECT id FROM fresh ORDER BY v <-> $probe LIMIT 10", qr/fresh_v/);

# a scan is counted once
my $scans = q{SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'items_v'};
my $before = $node->safe_psql('postgres', $scans);
$node->safe_psql('postgres', "SELECT id FROM items ORDER BY v <-> $probe LIMIT 10;
	SELECT pg_stat_force_next_flush()");
is($node->safe_psql('postgres', $scans), $before + 1, 'a scan is counted once');

$node->stop;
done_testing();

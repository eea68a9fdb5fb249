# Participants of a parallel scan of ivfflat and ivf divide lists and growing segments among them: together
# they return every row once, in order
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
max_worker_processes = 8
CONF
$node->start;

my $settings = q{
	SET enable_seqscan = off; SET enable_sort = off; SET enable_material = off;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_index_scan_size = 0; SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 2;
};

# Every row meets the condition, which the planner cannot know.
my $nearest = q{SELECT id, v <-> '[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]' AS d FROM items
	WHERE (id * 3) % 1 = 0 ORDER BY v <-> '[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]' LIMIT 100000};

sub sql
{
	return $node->safe_psql('postgres', join("\n", $settings, @_));
}

sql(q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int, v vector(8));
	CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items SELECT i, ARRAY(SELECT random() FROM generate_series(1, 8) WHERE i > 0)::vector
			FROM generate_series(first, last) i
	$$;
	SELECT setseed(0.3), fill(1, 6000);
});

foreach my $index ([ 'ivfflat', 'lists = 30' ], [ 'ivf', 'lists = 30, bits = 8' ],
	[ 'ivf', 'lists = 30, refine = none, bits = 8' ])
{
	my ($am, $options) = @$index;
	my $name = "$am ($options)";
	my $all = "SET $am.probes = 30;";
	my $some = "SET $am.probes = 4; SET $am.iterative_scan = relaxed_order;";

	sql(qq{
		DROP INDEX IF EXISTS items_v; DELETE FROM items WHERE id > 6000;
		CREATE INDEX items_v ON items USING $am (v vector_l2_ops) WITH ($options);
		SELECT fill(6001, 7000), vector_seal('items_v');
		SELECT fill(7001, 7500);
		DELETE FROM items WHERE id % 10 = 0;
		ANALYZE items;
	});
	my $rows = sql('SELECT count(*) FROM items');
	like(sql($all, "EXPLAIN (COSTS OFF) $nearest"), qr/Gather Merge.*Parallel Index Scan using items_v/s,
		"$name: the plan is parallel");
	my ($count, $distinct, $disorder) = split /\|/, sql($all, qq{
		CREATE TEMP TABLE found AS SELECT row_number() OVER () AS n, * FROM ($nearest) x;
		SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d < before - 1e-6)
			FROM (SELECT *, lag(d) OVER (ORDER BY n) AS before FROM found) x});
	is($count, $distinct, "$name: nothing twice");
	is($count, $rows, "$name: every row");
	# rows that their bounds held back too long come after the others
	cmp_ok($disorder, '<=', $am eq 'ivfflat' ? 0 : 10, "$name: in order");
	is(sql($some, "SELECT count(*), count(DISTINCT id) FROM ($nearest) x"), "$rows|$rows",
		"$name: an iterative scan finds every row once");
	is(sql($some, "SELECT count(*), count(DISTINCT (g, id)) FROM generate_series(1, 3) g
		LEFT JOIN ($nearest) x ON true"), 3 * $rows . '|' . 3 * $rows, "$name: again and again");
	# a value that a worker does not have: the vector of an outer query's row
	is(sql($all, 'SELECT count(*), count(*) FILTER (WHERE x.id = q.id) FROM (SELECT * FROM items ORDER BY id LIMIT 20) q,
		LATERAL (SELECT id FROM items i WHERE (id * 3) % 1 = 0 ORDER BY i.v <-> q.v LIMIT 1) x'), '20|20',
		"$name: by the rows of an outer query");
	is(sql($all, "SELECT count(*) FROM (SELECT id FROM items WHERE (id * 3) % 1 = 0
		ORDER BY v <-> (SELECT v FROM items WHERE id = 7) LIMIT 1) x WHERE id = 7"), 1, "$name: by another row");
	is(sql($all, "SELECT count(*) FROM (SELECT * FROM ($nearest) x ORDER BY d LIMIT 10) y
		JOIN (SELECT id FROM items ORDER BY (v <-> '[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]') + 0 LIMIT 10) z
		USING (id)"), 10, "$name: the nearest ten");
}

$node->stop;
done_testing();

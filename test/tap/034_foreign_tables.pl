# A table on another server by postgres_fdw: the LIMIT is sent, a cursor returns every row
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_parallel_workers_per_gather = 0\n");
$node->start;
plan skip_all => 'postgres_fdw is not installed'
  unless $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'");

my ($host, $port) = ($node->host, $node->port);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION vector;
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw
		OPTIONS (host '$host', port '$port', dbname 'postgres', extensions 'vector');
	CREATE USER MAPPING FOR CURRENT_USER SERVER loopback;
	SELECT setseed(0.1);
});
foreach my $dims (3, 6, 7, 200)
{
	$node->safe_psql('postgres', qq{
		CREATE TABLE local$dims (id int, v vector($dims));
		INSERT INTO local$dims SELECT n, (SELECT array_agg(random()) FROM generate_series(1, $dims) WHERE n > 0)::vector
			FROM generate_series(1, 2000) n;
		CREATE INDEX ON local$dims USING hnsw (v vector_l2_ops);
		ANALYZE local$dims;
		CREATE FOREIGN TABLE far$dims (id int, v vector($dims)) SERVER loopback OPTIONS (table_name 'local$dims')});
	foreach my $analyzed (0, 1)
	{
		my $query = "SELECT id FROM far$dims ORDER BY v <-> (SELECT v FROM local$dims WHERE id = 7)";
		my $constant = $query;
		my $v = $node->safe_psql('postgres', "SELECT v FROM local$dims WHERE id = 7");

		$constant =~ s/\(SELECT.*\)/'$v'/;
		$node->safe_psql('postgres', "ANALYZE far$dims") if $analyzed;
		like($node->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $constant LIMIT 5"),
			qr/Remote SQL: SELECT id, \(v OPERATOR.*\) AS "\?distance\?" FROM .*ORDER BY 2 .*LIMIT 5/,
			"$dims dimensions, analyzed $analyzed: the limit is sent, and the distance returned");
		is($node->safe_psql('postgres', "SELECT id FROM ($constant LIMIT 1) x"), 7,
			"$dims dimensions, analyzed $analyzed: the nearest");
		is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT id) FROM ($constant) x"),
			'2000|2000', "$dims dimensions, analyzed $analyzed: every row");
		is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT id) FROM ($query OFFSET 0) x"),
			'2000|2000', "$dims dimensions, analyzed $analyzed: every row, ordered here or there");
	}
}
# what is returned of one table: the distance in place of vectors that the query does not name
my $v = $node->safe_psql('postgres', 'SELECT v FROM local6 WHERE id = 7');
$node->safe_psql('postgres', 'CREATE TABLE tags AS SELECT id, id % 3 AS tag FROM local6; ANALYZE tags');
foreach my $case (
	[ "SELECT id, v <-> '$v' AS d FROM FAR WHERE id % 2 = 1 ORDER BY d LIMIT 5", 1 ],
	[ "SELECT v <-> '$v' FROM FAR ORDER BY v <-> '$v', id LIMIT 5", 1 ],
	[ "SELECT id, v FROM FAR ORDER BY v <-> '$v' LIMIT 5", 1 ],
	[ "SELECT id, 1 - (v <=> '$v') FROM FAR ORDER BY v <=> '$v', id LIMIT 205", 1 ],
	[ "SELECT t.id, t.tag FROM (SELECT id FROM FAR ORDER BY v <-> '$v' LIMIT 5) f JOIN tags t USING (id) ORDER BY 1", 1 ],
	[ "SELECT id, v <-> '$v' FROM FAR ORDER BY id LIMIT 5", 0 ],
	[ "SELECT id, v <-> '$v' FROM FAR ORDER BY id, v <-> '$v' LIMIT 5", 0 ],
	[ "SELECT id FROM FAR ORDER BY v <-> '$v' OFFSET 2 LIMIT 5", 0 ],
	[ "SELECT id FROM FAR WHERE random() < 2 ORDER BY v <-> '$v' LIMIT 5", 0 ],
	[ "SELECT f.id FROM FAR f JOIN tags t USING (id) WHERE t.tag = 1 ORDER BY f.v <-> '$v' LIMIT 5", 0 ],
	[ "SELECT f FROM FAR f ORDER BY v <-> '$v' LIMIT 5", 0 ])
{
	my ($query, $returned) = @$case;
	my ($far, $local) = map { $query =~ s/FAR/$_/r } 'far6', 'local6';

	is($node->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $far") =~ /AS "\?distance\?"/ ? 1 : 0, $returned, "the distance is returned or not: $query");
	is($node->safe_psql('postgres', $far), $node->safe_psql('postgres', "SET enable_indexscan = off; $local"), "the rows: $query");
}
is($node->safe_psql('postgres', "PREPARE p (vector, bigint) AS SELECT id FROM far6 ORDER BY v <-> \$1 LIMIT \$2; SET plan_cache_mode = force_generic_plan; EXECUTE p ('$v', 1)"),
	7, 'of a generic plan');
is($node->safe_psql('postgres', "BEGIN; SELECT id FROM far6 ORDER BY v <-> '$v' LIMIT 1 FOR UPDATE; COMMIT"), 7, 'with a lock');

$node->stop;
done_testing();

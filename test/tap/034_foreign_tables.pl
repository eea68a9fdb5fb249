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
			qr/Remote SQL: .*ORDER BY.*LIMIT 5/, "$dims dimensions, analyzed $analyzed: the limit is sent");
		is($node->safe_psql('postgres', "SELECT id FROM ($constant LIMIT 1) x"), 7,
			"$dims dimensions, analyzed $analyzed: the nearest");
		is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT id) FROM ($constant) x"),
			'2000|2000', "$dims dimensions, analyzed $analyzed: every row");
		is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT id) FROM ($query OFFSET 0) x"),
			'2000|2000', "$dims dimensions, analyzed $analyzed: every row, ordered here or there");
	}
}
$node->stop;
done_testing();

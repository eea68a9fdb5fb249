# Filter scans: in a parallel worker, in a plan that is logged, on a streaming standby, and while rows come and go
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Items;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
max_standby_streaming_delay = -1
max_worker_processes = 16
CONF
$primary->start;
create_place($primary, 16);
$primary->safe_psql('postgres', q{
	CREATE TABLE items (id serial PRIMARY KEY, v vector(16), tenant int, tags int[]);
	CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items (v, tenant, tags) SELECT place(n), n % 100, ARRAY[n % 30, n % 31] FROM generate_series(low, high) n
	$$;
	SELECT fill(1, 4000);
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
	CREATE INDEX items_tenant ON items (tenant);
	CREATE INDEX items_tags ON items USING gin (tags);
	ANALYZE items;
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my @conditions = ('tenant = 5', 'tenant IN (7, 8) AND id > 100', q{tags @> '{3}' OR tenant = 9});
my $force = 'SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 400;';

sub nearest
{
	my ($node, $settings) = @_;
	return $node->safe_psql('postgres', $settings . join('', map {
		"SELECT array_agg(id) FROM (SELECT id FROM items WHERE $_ ORDER BY v <-> place(9) LIMIT 20) s;" } @conditions));
}
my $exact = 'SET enable_indexscan = off;';

my $parallel = $primary->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my $query = 'SELECT id FROM items WHERE tenant = 5 ORDER BY v <-> place(9) LIMIT 3';
like($primary->safe_psql('postgres', "$force SET $parallel = on; EXPLAIN (ANALYZE, COSTS OFF) $query"),
	qr/Gather.*Workers Launched: 1.*Vector Filter Scan.*Bitmap Index Scan on items_tenant \(actual [^)]*rows=40/s, 'in a worker');
is(nearest($primary, "$force SET $parallel = on;"), nearest($primary, $exact), 'rows of a worker');

my $log = $primary->safe_psql('postgres', "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;
	SET client_min_messages = log; $force $query") . slurp_file($primary->logfile);
like($log, qr/Vector Filter Scan.*Heap Blocks: exact=/s, 'in a plan that is logged');

# a session that keeps what it knows of segments while others change them
my $session = $primary->background_psql('postgres');
$session->query_safe("$force SELECT count(*) FROM ($query) s");
for my $round (1 .. 3)
{
	$primary->safe_psql('postgres', "SELECT fill(" . (4000 + $round * 200 - 199) . ", " . (4000 + $round * 200) . ");
		DELETE FROM items WHERE id % 10 = $round; UPDATE items SET tenant = 5 WHERE id % 100 = $round + 20;
		UPDATE items SET tags = '{3}' WHERE id % 97 = $round;");
	$primary->safe_psql('postgres', 'VACUUM items') if $round > 1;
	$primary->safe_psql('postgres', q{SELECT vector_merge('items_v')}) if $round > 2;
	my $expected = nearest($primary, $exact);
	is(nearest($primary, $force), $expected, "round $round: rows");
	is($session->query_safe(join('', map {
		"SELECT array_agg(id) FROM (SELECT id FROM items WHERE $_ ORDER BY v <-> place(9) LIMIT 20) s;" } @conditions)),
		$expected, "round $round: rows in an old session");
	$primary->wait_for_catchup($standby);
	is(nearest($standby, $force), $expected, "round $round: rows on the standby");
}
$session->quit;
done_testing();

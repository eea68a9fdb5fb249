# Attributes: built by parallel workers and beyond the memory, appended and sealed by several sessions at once, on a
# streaming standby, and after a crash
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Items;

# the standby compares each page that it replays with the primary's
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
wal_consistency_checking = 'all'
autovacuum = off
max_standby_streaming_delay = -1
min_parallel_table_scan_size = 1
max_parallel_maintenance_workers = 2
max_worker_processes = 16
CONF
$primary->start;
create_place($primary, 16);
$primary->safe_psql('postgres', q{
	CREATE TABLE items (id serial PRIMARY KEY, v vector(16), tenant int, name text, share numeric, tags int[]);
	CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items (v, tenant, name, share, tags)
		SELECT place(n), nullif(n % 100, 17), repeat(chr(97 + n % 26), n % 300), n % 7 / 3.0,
			ARRAY[n % 9, n % 13, n % 50, nullif(n % 4, 1)] FROM generate_series(low, high) n
	$$;
	SELECT fill(1, 6000);
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# The nearest rows that meet each of some conditions, by the index and without it.
my @conditions = ('tenant = 5', 'tenant IS NULL', 'tenant < 20 AND share > 1', q{name LIKE 'b%' AND name >= 'b' AND name < 'c'},
	q{name = ''}, 'tenant <> 3 AND share = 0', 'tags && ARRAY[12, 30]', 'tags @> ARRAY[3, 7] OR tenant = 1', '3 <> ALL (tags)', 'tenant IN (1, 2, 3, 4)');

sub nearest
{
	my ($node, $scan) = @_;
	return $node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_bitmapscan = off; SET hnsw.ef_search = 1000;
		SET enable_indexscan = $scan; SET ivf.probes = 10;"
		. join('', map { "SELECT array_agg(d) FROM (SELECT v <-> place(9) AS d FROM items WHERE $_ ORDER BY 1 LIMIT 20) s;" }
			@conditions));
}

sub same_everywhere
{
	my ($name) = @_;
	my $expected = nearest($primary, 'off');
	is(nearest($primary, 'on'), $expected, "$name: rows");
	$primary->wait_for_catchup($standby);
	is(nearest($standby, 'on'), $expected, "$name: rows on the standby");
	is($primary->safe_psql('postgres', q{SELECT vector_index_check('items_v'::regclass) >= (SELECT count(*) FROM items)}), 't',
		"$name: check");
}

foreach my $way ([ 'parallel', 'hnsw', '', '64MB', 2 ], [ 'one process', 'hnsw', '', '64MB', 0 ],
	[ 'partitions', 'hnsw', '', '1MB', 2 ], [ 'lists', 'ivf', 'WITH (lists = 10, quantizer = none)', '64MB', 2 ])
{
	my ($name, $am, $with, $memory, $workers) = @$way;
	my ($result, $out, $messages) = $primary->psql('postgres', "SET maintenance_work_mem = '$memory';
		SET max_parallel_maintenance_workers = $workers; SET client_min_messages = debug1;
		DROP INDEX IF EXISTS items_v;
		CREATE INDEX items_v ON items USING $am (v vector_l2_ops, tenant, name, share, tags) $with");
	is($result, 0, "$name: build");
	like($messages, $workers ? qr/using $workers parallel workers/ : qr/index "items_v"/, "$name: participants");
	like($messages, qr/no longer fits/, "$name: memory") if $name eq 'partitions';
	same_everywhere($name);
}

# sessions insert, change and delete rows while workers seal and merge
$primary->safe_psql('postgres', 'DROP INDEX items_v;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops, tenant, name, share, tags) WITH (seal_rows = 300)');
$primary->pgbench('--no-vacuum --client=3 --transactions=40', 0, [qr/processed: 120\/120/], [qr/^$/], 'changes',
	{ '038_changes' => q{
		\set low random(10000, 20000)
		SELECT fill(:low, :low + 20);
		UPDATE items SET tenant = tenant + 1 WHERE id = :low % 6000;
		UPDATE items SET name = 'new' WHERE id = :low % 5999;
		DELETE FROM items WHERE id = :low % 5998;
	} });
same_everywhere('changes');
$primary->safe_psql('postgres', 'VACUUM items');
same_everywhere('vacuum');
$primary->safe_psql('postgres', "SELECT vector_seal('items_v'), vector_merge('items_v')");
same_everywhere('merge');

$primary->safe_psql('postgres', 'SELECT fill(30000, 30100)');
$primary->stop('immediate');
$primary->start;
same_everywhere('crash');

# a dump has what is needed to make the index again
my ($dump) = run_command([ 'pg_dump', '-s', $primary->connstr('postgres') ]);
like($dump, qr/USING hnsw \(v public\.vector_l2_ops, tenant, name, share, tags\)/, 'dump');

# the check finds a node whose own code is wrong: its first factor
$standby->stop;
$primary->safe_psql('postgres', 'REINDEX INDEX items_v');
damage_block($primary, 'items_v', 12, 0);
my ($code, $out, $error) = $primary->psql('postgres', "SELECT vector_index_check('items_v')");
like($error, qr/DETAIL: .* node 0 has a code that does not fit its vector: the distance is estimated as -?\d/,
	'a code that does not fit is found');

done_testing();

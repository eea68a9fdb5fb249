# Curves of recall: workers measure them, standbys follow them, and they give way to DDL and survive a crash
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'curves are ours' if $ENV{VECTOR_PEER};

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nvector.idle_merge_delay = -1");
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub sql { return $primary->safe_psql('postgres', @_); }

create_place($primary, 16);
plan skip_all => 'not compiled with wait points' if !has_wait_points($primary);
sql('ALTER DATABASE postgres SET vector.target_recall = 0.95');
sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(16));
	INSERT INTO items SELECT n, place(n) FROM generate_series(1, 2000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16)");

# CREATE INDEX asks a worker, which measures as ANALYZE does
my $measured = "SELECT count(*) > 5 AND min(table_rows) = ROWS FROM vector_recall_curves('items_v')";
sub measured_with
{
	my ($rows) = @_;
	return $primary->poll_query_until('postgres', $measured =~ s/ROWS/$rows/r);
}
ok(measured_with(2000), 'a worker measures a new index');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;

# so do REINDEX and CREATE INDEX CONCURRENTLY, whose index is not valid before its end; one that is given up leaves nothing to do
sql('REINDEX INDEX items_v');
ok(measured_with(2000), 'and one that was built again');
sql("CREATE INDEX CONCURRENTLY items_w ON items USING ivfflat (v vector_l2_ops) WITH (lists = 10)");
ok($primary->poll_query_until('postgres', "SELECT count(*) > 0 FROM vector_recall_curves('items_w')"), 'and one that was built concurrently');
sql('DROP INDEX items_w; BEGIN; CREATE INDEX items_x ON items USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 16); ROLLBACK');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;

# a tenth more rows makes them due again, less does not
sql('INSERT INTO items SELECT n, place(n) FROM generate_series(2001, 2150) n; VACUUM items');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;
is(sql("SELECT min(table_rows) FROM vector_recall_curves('items_v')"), 2000, 'a few more rows are not measured');
sql('INSERT INTO items SELECT n, place(n) FROM generate_series(2151, 2400) n; VACUUM items');
ok(measured_with(2400), 'many are');

# so do rows that take the place of others, and a merge; what was measured then is newer than all segments
my $newer = "SELECT (SELECT created FROM vector_segments() WHERE index = 'items_v'::regclass AND kind = 'curves')
	> ALL (SELECT created FROM vector_segments() WHERE index = 'items_v'::regclass AND kind = 'sealed')";
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;
is(sql($newer), 't', 'what was measured is newer than the segments');
sql('UPDATE items SET v = place(id + 100000) WHERE id % 3 = 0; VACUUM items');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;
is(sql($newer), 't', 'many rows in the place of others are measured');
is(sql("SELECT min(table_rows) FROM vector_recall_curves('items_v')"), 2400, 'as many as before');
sql("SELECT vector_merge('items_v')");
ok($primary->poll_query_until('postgres', $newer), 'and what a merge made');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;

# a worker that finds the table locked, as by the VACUUM that has asked for it, comes again
my $locker = $primary->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE items IN SHARE UPDATE EXCLUSIVE MODE');
sql('UPDATE items SET v = place(id + 200000) WHERE id % 3 = 0');
is(sql("SELECT vector_seal('items_v') > 0"), 't', 'rows are sealed');
ok($primary->poll_query_until('postgres', 'SELECT count(*) = 1 FROM vector_jobs() WHERE due > now()'), 'a worker finds the table locked');
is(sql($newer), 'f', 'and measures nothing');
$locker->query_safe('COMMIT');
$locker->quit;
ok($primary->poll_query_until('postgres', $newer), 'until it is free');
sql('VACUUM items');
ok(measured_with(2400), 'and once dead rows are gone');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die;

# the standby's searches go as far as the target says
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT min(table_rows) FROM vector_recall_curves('items_v')"), 2400,
	'a standby has the curves');
like(($standby->psql('postgres', "SELECT vector_advise('items', 'v')"))[2], qr/cannot execute vector_advise\(\) during recovery/,
	'a standby gives no advice');
my $hops = 'SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> place(77) LIMIT 10) AS nearest;
	SELECT hops FROM vector_last_scan()';
my $few = $standby->safe_psql('postgres', "SET vector.target_recall = 0.5; $hops");
my $many = $standby->safe_psql('postgres', "SET vector.target_recall = 1; $hops");
s/^10\n// for $few, $many;
cmp_ok($few, '<', $many, 'and searches there follow them');

is($standby->safe_psql('postgres', "SELECT recall > 0.95, queries_used, source FROM vector_recall('items_v', samples => 20, efforts => '{1000}')"),
	't|20|rows', 'and recall is measured there');

# curves are in the WAL: a crash loses none
$primary->stop('immediate');
$primary->start;
is(sql("SELECT min(table_rows) FROM vector_recall_curves('items_v')"), 2400, 'curves survive a crash');
is(sql("SELECT vector_index_check('items_v')"), 2400, 'the index is sound');

# a worker that measures gives way to a session that wants the table or the index
foreach my $statement ('ALTER TABLE items ADD COLUMN other int', 'REINDEX INDEX items_v', 'DROP TABLE items')
{
	set_for_all($primary, "vector.wait_point = 'curve!'");
	sql('INSERT INTO items (id, v) SELECT n, place(n) FROM generate_series((SELECT max(id) + 1 FROM items), (SELECT max(id) + 700 FROM items)) n; VACUUM items');
	$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM vector_jobs() WHERE state = 'running' AND phase = 'measuring'")
	  or die 'no worker measures';
	sql($statement);
	pass("$statement while a worker measures");
	set_for_all($primary, "vector.wait_point = ''");
	$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'the worker does not end';
}
# the advised index is built while the table is written: by a session that has written it, and by one that begins to
sql('CREATE TABLE items AS SELECT n AS id, place(n)::vector(16) AS v FROM generate_series(1, 3000) n');
my $writer = $primary->background_psql('postgres');
$writer->query_safe('BEGIN; INSERT INTO items VALUES (3001, place(3001))');
my $builder = $primary->background_psql('postgres');
$builder->query_until(qr/begun/, "\\echo begun\nCALL vector_auto_index('items', 'v', 0.9, operator => '<+>', sample_rows => 1000);\n");
ok($primary->poll_query_until('postgres', "SELECT command = 'CREATE INDEX CONCURRENTLY' AND phase = 'waiting for writers before build'
	FROM pg_stat_progress_create_index WHERE relid = 'items'::regclass"), 'advice is built concurrently');
sql("SET lock_timeout = '5s'; INSERT INTO items VALUES (3002, place(3002))");
$writer->query_safe('COMMIT');
$writer->quit;
$builder->quit;
is(sql("SELECT indisvalid, vector_index_check(indexrelid) FROM pg_index WHERE indrelid = 'items'::regclass"), 't|3002', 'and has the rows of both');
unlike(slurp_file($primary->logfile), qr/ERROR|PANIC/, 'without an error in the log');

done_testing();

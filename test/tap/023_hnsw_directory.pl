# The directory has room for a fixed number of entries.  However many segments come and go, held back by old
# snapshots or because none are merged, it does not fill up, and inserts go on
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $rounds = $ENV{VECTOR_LONG} ? 60 : 6;
my $crashes = $ENV{VECTOR_LONG} ? 50 : 4;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
restart_after_crash = off
max_wal_size = 2GB
vector.idle_merge_delay = 0
CONF
$node->start;
create_items($node, 8);
$node->safe_psql('postgres',
	'CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 32)');

# Every row is in the index, once, and a sample of rows find themselves.
my $sound = q{SELECT count(*) = vector_index_check('items_v') FROM items;
	SET enable_seqscan = off; SET hnsw.ef_search = 200;
	SELECT count(*) FROM (SELECT * FROM items ORDER BY id % 7, id LIMIT 200) i
	WHERE id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)};
my $entries = q{SELECT count(*) FROM vector_segments() WHERE index = 'items_v'::regclass};

# in one statement, without a worker: three times as many segments are sealed as there is room for
foreach my $kind ('', 'TEMP')
{
	is($node->safe_psql('postgres', "CREATE $kind TABLE t (id int, v vector(8));
		BEGIN;
		CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops) WITH (seal_rows = 32);
		INSERT INTO t SELECT n, place(n) FROM generate_series(1, 8000) n;
		COMMIT;
		SELECT vector_index_check('t_v');
		DROP TABLE t"), 8000, "8000 rows into a new $kind index sealed at 32");
}

# an old snapshot holds back all retired extents; merges are rare
$node->safe_psql('postgres', "LOAD 'vector'; ALTER SYSTEM SET vector.merge_factor = 32");
$node->reload;
$node->safe_psql('postgres', 'INSERT INTO items SELECT n, place(n) FROM generate_series(1, 500) n');
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$old->query_safe('SET enable_seqscan = off');
$old->query_safe('SET hnsw.iterative_scan = strict_order');
$old->query_safe('SET hnsw.max_scan_tuples = 1000000');
$old->query_safe('SET hnsw.scan_mem_multiplier = 100');
my $probe = 'SELECT id FROM items ORDER BY v <-> place(-1)::vector LIMIT 20';
my %expected = map { $_ => 1 } split /\n/, $old->query_safe($probe);
is(scalar(keys %expected), 20, 'an old snapshot is taken');
my $most = 0;
my $next = 501;
foreach my $round (1 .. $rounds)
{
	my $work = $round % 2 ? 'on' : 'off';

	my ($low, $high) = ($next, $next + 2399);
	$next += 2400;
	my ($code, $out, $error) = $node->psql('postgres', "LOAD 'vector'; SET vector.background_work = $work;
		INSERT INTO items SELECT n, place(n) FROM generate_series($low, $high) n;
		$entries");
	is($error, '', "round $round: inserted, background work $work");
	$most = $out if $out > $most;
	$node->safe_psql('postgres', "DELETE FROM items WHERE id % 5 = 0 AND id > 500; VACUUM items") if $round % 2;

	# with ever more rows that it does not see, a search may miss one or two that it does
	my @found = split /\n/, $old->query_safe($probe);
	is(scalar(grep { $_ > 500 } @found), 0, "round $round: the old snapshot sees no other rows");
	cmp_ok(scalar(grep { $expected{$_} } @found), '>=', 18, "round $round: and sees what it saw");
}
note("most entries: $most");
cmp_ok($most, '<', 200, 'the directory does not get full');
cmp_ok($most, '>', 50, 'though much is held back');

# the server crashes with many entries while more are added, again and again
foreach my $crash (1 .. $crashes)
{
	my ($out, $err) = ('', '');
	my $committed = $node->safe_psql('postgres', 'SELECT count(*) FROM items');
	my $old = $node->background_psql('postgres');
	$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	$old->query_safe('SELECT count(*) FROM items');
	my $insert = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c',
		"INSERT INTO items SELECT n, place(n) FROM generate_series($next, $next + 100000) n" ], '>', \$out, '2>', \$err);
	my $change = $node->safe_psql('postgres', 'SELECT max(segment) FROM vector_segments()') + 5 + $crash * 7 % 40;
	$node->poll_query_until('postgres', "SELECT max(segment) > $change FROM vector_segments()");
	kill 9, $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE query LIKE 'INSERT INTO items%' LIMIT 1");
	$insert->finish;
	$old->{run}->finish;
	$node->stop('immediate', fail_ok => 1);
	$node->start;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), $committed, "crash $crash: no row is lost or won");
	is($node->safe_psql('postgres', "VACUUM items; $sound"), "t\n0", 'and the index is sound and complete');

	# half of the rows that follow are kept, so that the next crash meets other segments
	$node->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series($next, $next + 399) n;
		DELETE FROM items WHERE id >= $next AND id % 2 = 0");
	$next += 400;
}

# once nothing holds them back, all retired extents become free
$node->safe_psql('postgres', 'ALTER SYSTEM RESET vector.merge_factor');
$node->reload;
$node->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series($next, $next + 500) n");
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'the workers do not come to an end';
$node->safe_psql('postgres', 'VACUUM items');
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'the workers do not come to an end';
$node->safe_psql('postgres', 'VACUUM items');
is($node->safe_psql('postgres', $sound), "t\n0", 'the index is sound and complete');
cmp_ok($node->safe_psql('postgres', $entries), '<', 40, 'few entries are left');
my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('items_v')");
$node->safe_psql('postgres', "REINDEX INDEX items_v");
cmp_ok($size, '<=', 1.5 * $node->safe_psql('postgres', "SELECT pg_relation_size('items_v')"), 'no blocks are leaked');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|too many segments/, 'nothing bad in the log');
done_testing();

# Races between processes that read or choose segments and others that replace these and reuse their blocks: each race is
# forced by stopping a process
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off");
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

create_place($node, 16);
plan skip_all => 'not compiled with wait points' if !has_wait_points($node);
sql("LOAD 'vector'; ALTER SYSTEM SET vector.background_work = off; SELECT pg_reload_conf()");

my $gate = $node->background_psql('postgres');
sub close_gate { $gate->query_safe('SELECT pg_advisory_lock(0, 4711)') }
sub open_gate { $gate->query_safe('SELECT pg_advisory_unlock(0, 4711)') }

# Lets a session run a statement to a place where it waits.
sub stop
{
	my ($session, $place, $statement) = @_;
	$session->query_safe("LOAD 'vector'; SET vector.wait_point = '$place'");
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\n$statement;\n");
	$node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $pid")
	  or die "the session does not come to $place";
}

# Ends a session; returns what its statement has printed.
sub result
{
	my ($session) = @_;
	$session->{stdin} .= "\\q\n";
	$session->{run}->finish;
	return ($session->{stdout} =~ s/^.*begun\s*//sr =~ s/\s+$//r, $session->{stderr});
}

# Rows die while a merge that has counted them waits to write them.
foreach my $method ('hnsw', 'diskann', 'ivf', 'ivfflat')
{
	sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(16));
		CREATE INDEX items_v ON items USING $method (v vector_l2_ops, id) WITH ($with{$method});
		INSERT INTO items SELECT n, place(n) FROM generate_series(1, 300) n; SELECT vector_seal('items_v');
		INSERT INTO items SELECT n, place(n) FROM generate_series(301, 600) n; SELECT vector_seal('items_v')");
	# the merge's snapshot does not see them
	sql('DELETE FROM items WHERE id % 5 < 3');
	close_gate();
	my $merge = $node->background_psql('postgres', on_error_stop => 0);
	stop($merge, 'counted', "SELECT vector_merge('items_v') > 0");
	sql('VACUUM (INDEX_CLEANUP ON) items');
	open_gate();
	my ($out, $error) = result($merge);
	is($out, 't', "$method: rows die during a merge");
	is(sql("SELECT vector_index_check('items_v') >= count(*) FROM items"), 't', "$method: the index is sound");
	is(sql('SET enable_seqscan = off; SET enable_sort = off; SET ivf.probes = 8; SET ivfflat.probes = 8;
		SELECT count(*) FROM items i WHERE id IS DISTINCT FROM (SELECT id FROM items x WHERE x.id = i.id ORDER BY v <-> place(1) LIMIT 1)'), 0,
		"$method: rows are found");
	is(sql("VACUUM (INDEX_CLEANUP ON) items; SELECT vector_merge('items_v') >= 0;
		SELECT vector_index_check('items_v') = count(*) FROM items"), "t\nt", "$method: and no others are left");

	# all of them die before they are counted: what is written must not reach into another segment
	sql("TRUNCATE items; INSERT INTO items SELECT n, place(n) FROM generate_series(1, 100) n; SELECT vector_seal('items_v');
		INSERT INTO items SELECT n, place(n) FROM generate_series(101, 200) n; SELECT vector_seal('items_v'); DELETE FROM items");
	close_gate();
	$merge = $node->background_psql('postgres', on_error_stop => 0);
	stop($merge, 'closed', "SELECT vector_merge('items_v') > 0");
	sql('VACUUM (INDEX_CLEANUP ON) items; INSERT INTO items SELECT n, place(n) FROM generate_series(1, 100) n');
	open_gate();
	($out, $error) = result($merge);
	is($out, 't', "$method: all rows die before a merge");
	is(sql("SELECT vector_seal('items_v') > 0, vector_index_check('items_v') >= count(*) FROM items"), 't|t',
		"$method: the index is sound after it");
	is(sql("SELECT count(*) FROM vector_index_segments('items_v') WHERE kind = 'sealed' AND rows = 0"), 0,
		"$method: and has no segment without rows");
	sql('DROP TABLE items');
}

my %methods = (
	hnsw => [ 'hnsw', '' ],
	ivfflat => [ 'ivfflat', 'lists = 4,' ]);
foreach my $name (sort keys %methods)
{
	my ($method, $options) = @{ $methods{$name} };
	my $next = 1;
	my $insert = sub {
		my ($count) = @_;
		$next += $count;
		sql("INSERT INTO items SELECT n, place(n) FROM generate_series($next - $count, $next - 1) n");
	};

	# All segments become one, and their blocks are reused as soon as no snapshot can need them.
	my $replace = sub {
		$insert->(100);
		sql("SELECT vector_seal('items_v')");
		sql("SELECT vector_merge('items_v')");
		foreach my $round (1 .. 3)
		{
			$insert->(150);
			sql("SELECT vector_seal('items_v')");
		}
	};
	my $retired = "SELECT count(*) FROM vector_segments() WHERE kind = 'retired' AND index = 'items_v'::regclass";
	my $nearest = 'SELECT id FROM items ORDER BY v <-> place(-1) LIMIT 5';

	sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(16));
		CREATE INDEX items_v ON items USING $method (v vector_l2_ops) WITH ($options seal_rows = 1000)");
	$insert->(400);
	sql("SELECT vector_seal('items_v')");
	$insert->(50);

	# VACUUM, whose snapshot holds nothing back, has read the directory but not the segments
	close_gate();
	my $vacuum = $node->background_psql('postgres', on_error_stop => 0);
	stop($vacuum, 'choose', 'VACUUM items');
	my $before = sql($retired);
	$replace->();
	cmp_ok(sql($retired), '>=', $before + 2, "$name: what VACUUM is about to look at is not reused");
	open_gate();
	my ($out, $error) = result($vacuum);
	is($error =~ s/^.*QUERY_SEPARATOR.*\n//gmr, '', "$name: VACUUM goes on with segments that have been replaced");
	$insert->(10);
	$insert->(10);
	sql("SELECT vector_seal('items_v')");
	cmp_ok(sql($retired), '<', 4, "$name: and then they are free");

	# a search has read the directory
	my $expected = sql("SET enable_indexscan = off; $nearest");
	close_gate();
	my $search = $node->background_psql('postgres', on_error_stop => 0);
	$search->query_safe('SET enable_seqscan = off; SET ivfflat.probes = 4; SET hnsw.ef_search = 200');
	stop($search, 'search', $nearest);
	$replace->();
	sql("DELETE FROM items WHERE id % 3 = 0; VACUUM items");
	$replace->();
	open_gate();
	($out, $error) = result($search);
	is($out, $expected, "$name: a search finds what its snapshot sees in segments that have been replaced");

	# a rescan meets other segments each time, and one that retires as it begins
	my @expected = split /\n/, sql('SET enable_indexscan = off;
		SELECT q, (SELECT id FROM items ORDER BY v <-> place(-q) LIMIT 1) FROM generate_series(1, 3) q');
	my $scan = $node->background_psql('postgres', on_error_stop => 0);
	$scan->query_safe('SET enable_seqscan = off; SET ivfflat.probes = 4; SET hnsw.ef_search = 200');
	$scan->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	$scan->query_safe('DECLARE c CURSOR FOR
		SELECT q, (SELECT id FROM items ORDER BY v <-> place(-q) LIMIT 1) FROM generate_series(1, 3) q');
	is($scan->query_safe('FETCH c'), $expected[0], "$name: a scan begins");
	$replace->();
	sql("DELETE FROM items WHERE id % 5 = 0; VACUUM items");
	close_gate();
	stop($scan, 'search', 'FETCH c');
	$replace->();
	open_gate();
	is($scan->query_safe('FETCH c') =~ s/^.*begun\s*//sr, "$expected[1]\n$expected[2]",
		"$name: begins again, and meets segments that retire");
	$scan->query_safe('COMMIT');
	$scan->quit;

	is(sql("VACUUM items; SELECT count(*) = vector_index_check('items_v') FROM items"), 't',
		"$name: the index is sound and complete");
	sql('DROP TABLE items');
}

# Two processes find centroids that no segment names any more: one retires them, as an assertion checks.
sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(16));
	CREATE INDEX items_v ON items USING ivf (v vector_l2_ops) WITH (lists = 4, seal_rows = 10000)");
sub add { my ($first, $last) = @_; sql("INSERT INTO items SELECT n, place(n) FROM generate_series($first, $last) n") }
add(1, 100);
sql("SELECT vector_seal('items_v')");
add(101, 2000);
sql("SELECT vector_seal('items_v')");
my $centroids = "SELECT count(*) FROM vector_segments() WHERE kind = 'centroids' AND index = 'items_v'::regclass";
sql('ALTER INDEX items_v SET (seal_rows = 100)');
close_gate();
my $merge = $node->background_psql('postgres', on_error_stop => 0);
stop($merge, 'retire', "SELECT vector_merge('items_v') > 0");
is(sql($centroids), 2, 'a merge is about to retire the older ones');
# inserts seal, too
sql("INSERT INTO items SELECT n, place(n) FROM generate_series(2001, 5000) n");
is(sql($centroids), 1, 'another process does');
open_gate();
my ($out, $error) = result($merge);
is($out, 't', 'the merge ends');
is(sql("SELECT vector_index_check('items_v') = count(*) FROM items"), 't', 'and the index is sound');
sql('DROP TABLE items');
$gate->quit;

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|was reused/, 'nothing bad in the log');
done_testing();

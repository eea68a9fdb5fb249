# Segments in an object store: crashes at every point of every step, merges, VACUUM, a lost object, a standby and its
# promotion, and what the worker does by itself
use strict;
use warnings;
use File::Find;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'object stores are ours' if $ENV{VECTOR_PEER};

my $store = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = off\nvector.idle_merge_delay = -1");
$node->start;
create_items($node, 16);

sub sql { return $node->safe_psql('postgres', @_); }

sub objects
{
	my @keys;
	find(sub { push @keys, $File::Find::name =~ s/^\Q$store\E\///r if -f $_ }, $store);
	return sort @keys;
}

# An index of each method with vectors of its own; segments of 200 rows.
my %stored = (%with, diskann => "$with{diskann}, storage = full");
delete @stored{'sparse', 'bm25'};	# their segments stay in the file
my $off = "LOAD 'vector'; SET vector.background_work = off";

sql("CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$store'); CREATE SEQUENCE ids");
my $insert = "$off; INSERT INTO items SELECT n, place(n) FROM (SELECT nextval('ids') AS n FROM generate_series(1, 250)) x";
my $where = q{SELECT count(*) FILTER (WHERE store IS NULL AND rows > 64), count(*) FILTER (WHERE store = 'cold')
	FROM vector_segments() WHERE kind = 'sealed' AND index = 'items_v'::regclass};

sub create_index
{
	my ($am) = @_;
	sql("TRUNCATE items; DROP INDEX IF EXISTS items_v;
		CREATE INDEX items_v ON items USING $am (v vector_l2_ops, id) WITH ($stored{$am}, tier = cold)");
	sql("$insert; SELECT vector_seal('items_v')") foreach 1, 2;
	return;
}

sub sound
{
	my ($name) = @_;
	my $rows = sql('SELECT count(*) FROM items');

	is(sql("$off; SELECT vector_index_check('items_v') >= $rows"), 't', "$name: the index is sound");
	is(lost_rows($node, 'id DESC', 100), 0, "$name: rows are found");
	is(sql("SET enable_seqscan = off; SET enable_sort = off; SELECT count(*) FROM (SELECT * FROM items ORDER BY id DESC LIMIT 50) i
		WHERE id IS DISTINCT FROM (SELECT id FROM items WHERE id = i.id ORDER BY v <-> place(1) LIMIT 1)"), 0,
		"$name: rows are found by an attribute");
	return;
}

# Everything that an index goes through
foreach my $am (sort keys %stored)
{
	create_index($am);
	is(sql("SELECT vector_tier('items_v')"), 2, "$am: segments are moved");
	is(sql($where), '0|2', "$am: all are in the store");
	sound("$am, tiered");
	is(sql("$off; DELETE FROM items WHERE id % 7 = 0; VACUUM items; $where"), '0|2', "$am: tombstones are local");
	sound("$am, rows deleted");
	sql("$insert; SELECT vector_seal('items_v')");
	is(sql("SELECT vector_merge('items_v') > 1"), 't', "$am: merged");
	is(sql($where), '1|0', "$am: the result is in the file");
	sound("$am, merged");
	is(sql("SELECT vector_tier('items_v'); DELETE FROM items WHERE id % 3 <> 0; $off; VACUUM items; $where"), "1\n1|0",
		"$am: a segment of dead rows is rewritten");
	sound("$am, rewritten");
	is(sql("SELECT vector_tier('items_v'), vector_untier('items_v')"), '1|1', "$am: back in the file");
	is(sql($where), '1|0', "$am: all of it");
	sound("$am, back");
}

# A segment of diskann that is large enough for codes along principal axes
sql("CREATE TABLE large (id int, v vector(24)); INSERT INTO large SELECT n, (SELECT array_agg(hashint8extended(n, d) & 255) FROM generate_series(1, 24) d)
		FROM generate_series(1, 4200) n;
	CREATE INDEX large_v ON large USING diskann (v vector_l2_ops) WITH (storage = sq8, tier = cold)");
my $nearest = 'SET enable_seqscan = off; SET diskann.query_search_list_size = 200; SET diskann.query_rescore = 200;
	SELECT count(*) FROM (SELECT * FROM large WHERE id % 42 = 0) q WHERE id = (SELECT id FROM large ORDER BY v <-> q.v LIMIT 1)';
is(sql($nearest), 100, 'with axes: rows are found');
is(sql("SELECT vector_tier('large_v'), vector_index_check('large_v')"), '1|4200', 'with axes: tiered, and sound');
is(sql($nearest), 100, 'with axes: rows are found in the store');
is(sql("SELECT vector_untier('large_v'), vector_index_check('large_v')"), '1|4200', 'with axes: back, and sound');
sql('DROP TABLE large');

# A lost object
create_index('diskann');
my %before = map { $_ => 1 } objects();
is(sql("SELECT vector_merge('items_v'), vector_tier('items_v')"), '2|1', 'one segment is tiered');
my ($key) = grep { !$before{$_} } objects();
rename "$store/$key", "$store/../lost" or die $!;
my $search = 'SET enable_seqscan = off; SET enable_sort = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> place(5) LIMIT 10) x';
my ($result, $out, $error) = $node->psql('postgres', $search);
like($error, qr/object "\Q$key\E".*index "items_v"|REINDEX/s, 'a lost object is named, and REINDEX');
($result, $out, $error) = $node->psql('postgres', "SELECT vector_index_check('items_v')");
like($error, qr/index "items_v" has lost 1 object.*Segment \d+: server "cold" has no object "\Q$key\E"/s, 'the check says which segment');
is(sql("SELECT count(*) FROM items; REINDEX INDEX items_v; $search"), "500\n10", 'REINDEX makes the index again');
unlink "$store/../lost";

# The server is needed
sql("SELECT vector_tier('items_v')");
($result, $out, $error) = $node->psql('postgres', 'DROP SERVER cold');
like($error, qr/cannot drop server cold because other objects depend on it.*index items_v/s, 'the server is not dropped');
($result, $out, $error) = $node->psql('postgres', 'ALTER INDEX items_v SET (tier = nowhere)');
like($error, qr/server "nowhere" does not exist/, 'a server that does not exist');
($result, $out, $error) = $node->psql('postgres', 'ALTER INDEX items_v SET (tier_after = gestern)');
like($error, qr/invalid input syntax for type interval/, 'no interval');
sql('ALTER SERVER cold RENAME TO colder');
is(sql($search), 10, 'a server that was renamed');
sql('ALTER SERVER colder RENAME TO cold');

# Who may use the server
sql("CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN; GRANT CREATE ON SCHEMA public TO keeper; GRANT SELECT ON items TO reader");
is($node->safe_psql('postgres', $search, extra_params => [ '-U', 'reader' ]), 10, 'who may read the table needs no right to the server');
($result, $out, $error) = $node->psql('postgres', "CREATE TABLE mine (v vector(3)); CREATE INDEX mine_v ON mine USING hnsw (v vector_l2_ops)
	WITH (tier = cold)", extra_params => [ '-U', 'keeper' ]);
like($error, qr/permission denied for foreign server cold/, 'who may not use the server cannot tier to it');
($result, $out, $error) = $node->psql('postgres', "SELECT vector_tier('items_v')", extra_params => [ '-U', 'reader' ]);
like($error, qr/must be owner of index items_v/, 'who does not own the index cannot tier it');

# Crashes
SKIP:
{
	skip 'not compiled with wait points', 1 if !has_wait_points($node);
	my %steps = (
		tier => "SELECT vector_tier('items_v')",
		untier => "SELECT vector_untier('items_v')",
		merge => "SELECT vector_merge('items_v')");
	my %points = (
		diskann => [ [ 'tier', 'store', 'stored', 'copied', 'flip' ], [ 'merge', 'flip' ], [ 'untier', 'copied' ] ],
		ivf => [ [ 'tier', 'stored' ], [ 'untier', 'flip' ] ]);

	foreach my $am (sort keys %points)
	{
		create_index($am);
		foreach my $row (@{ $points{$am} })
		{
			my ($step, @places) = @$row;
			foreach my $place (@places)
			{
				my $name = "$am, $step at $place";
				my ($session_out, $session_error) = ('', '');

				sql("$insert; SELECT vector_seal('items_v')");
				sql("SELECT vector_tier('items_v')") if $step ne 'tier';
				sql("$off; DELETE FROM items WHERE id % 9 = (SELECT max(id) % 9 FROM items)");
				my $rows = sql('SELECT count(*) FROM items');
				my $session = IPC::Run::start([ 'psql', '-XAqt', '-d', $node->connstr('postgres'), '-c', "LOAD 'vector'",
					'-c', "SET vector.wait_point = '$place!'", '-c', $steps{$step} ], '>', \$session_out, '2>', \$session_error);
				ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
					WHERE wait_event = 'PgSleep' AND backend_type = 'client backend'}), "$name: it stops there");
				sql("$off; VACUUM items") if $place eq 'copied';
				$node->stop('immediate', fail_ok => 1);
				$session->finish;
				$node->start;
				is(sql('SELECT count(*) FROM items'), $rows, "$name: the rows of the table");
				sound($name);
				is(sql("$off; VACUUM (INDEX_CLEANUP ON) items; SELECT vector_seal('items_v') >= 0, vector_merge('items_v') >= 0;
					SELECT count(*) = vector_index_check('items_v') FROM items;
					SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), "t|t\nt\n0",
					"$name: the index goes on, and nothing is left reserved");
			}
		}
	}
}

# A standby reads the same objects, also after promotion
create_index('diskann');
sql("SELECT vector_tier('items_v')");
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
sql("$insert; SELECT vector_seal('items_v'), vector_tier('items_v')");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(lost_rows($standby, 'id DESC', 100), 0, 'standby: rows are found');
is($standby->safe_psql('postgres', "SELECT vector_index_check('items_v') = count(*), vector_prewarm('items_v') > 0 FROM items"), 't|t',
	'standby: the index is sound');
my @before = objects();
$standby->promote;
is($standby->safe_psql('postgres', "SELECT vector_merge('items_v'), vector_tier('items_v')"), '3|1', 'promoted: it tiers');
is(lost_rows($standby, 'id DESC', 100), 0, 'promoted: rows are found');
is(lost_rows($node, 'id DESC', 100), 0, 'the old primary still finds its rows');
my %known = map { $_ => 1 } @before;
my @new = grep { !$known{$_} } objects();
is(scalar(@new), 1, 'a new object');
like($new[0], qr{/[0-9a-f]{8}\.3\.00000002\.[0-9a-f]{16}$}, 'its key has the timeline');
$standby->stop;

# By itself
sql("$insert; ALTER INDEX items_v SET (tier_after = '0', tier_min_rows = 100)");
sql("INSERT INTO items SELECT n, place(n) FROM (SELECT nextval('ids') AS n FROM generate_series(1, 300)) x; VACUUM items");
ok($node->poll_query_until('postgres', "SELECT x = '0|1' FROM (SELECT count(*) FILTER (WHERE store IS NULL AND rows > 100) || '|' ||
	bool_or(store = 'cold')::int FROM vector_segments() WHERE kind = 'sealed' AND index = 'items_v'::regclass) y(x)"), 'the worker tiers')
  or diag(sql("SELECT * FROM vector_jobs(); SELECT * FROM vector_segments()"));
sound('tiered by the worker');

# The worker does not wait for a session that moves partitions, so the session gets its index; then the worker goes on
my $tiered = "storage = full, tier = cold, tier_after = '0', tier_min_rows = 1";
sql("$off; CREATE TABLE whole (k int, v vector(16)) PARTITION BY LIST (k);
	CREATE TABLE one PARTITION OF whole FOR VALUES IN (1) PARTITION BY LIST (k);
	CREATE TABLE two PARTITION OF whole FOR VALUES IN (2) PARTITION BY LIST (k);
	CREATE TABLE a PARTITION OF one FOR VALUES IN (1); CREATE TABLE b PARTITION OF two FOR VALUES IN (2);
	INSERT INTO whole SELECT 1 + n % 2, place(n) FROM generate_series(1, 600) n;
	CREATE INDEX whole_v ON whole USING diskann (v vector_l2_ops) WITH ($tiered); SELECT vector_tier('a_v_idx')");
my $mover = $node->background_psql('postgres', on_error_stop => 0);
$mover->query_safe("LOAD 'vector'; BEGIN; ALTER TABLE one DETACH PARTITION a");
sql('VACUUM b');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM vector_jobs() WHERE index = 'b_v_idx'::regclass AND due IS NOT NULL"),
	'the worker puts the index off');
is($mover->query('REINDEX INDEX b_v_idx') . $mover->query('COMMIT; VACUUM b') . $mover->{stderr}, '', 'the session does not wait for the worker');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM vector_segments() WHERE index = 'b_v_idx'::regclass AND store = 'cold'"),
	'the worker tiers what the session has built');
is(sql("SELECT count(*) FROM pg_depend WHERE objid = 'whole_v'::regclass AND refclassid = 'pg_foreign_server'::regclass"), 1,
	'and the index of the whole depends on the store');
$mover->quit;
sql('DROP TABLE whole, a');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'vector'");
$node->restart;
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_ls_tmpdir() WHERE name LIKE '%vector%'"),
	'a worker makes the cache after a start, before anybody searches');
sound('with this cache');

# A search that waits for the store has the blocks of the table read together that its rows are in
sql("$off; CREATE TABLE apart (id int, v vector(16), pad char(5000)); ALTER TABLE apart ALTER pad SET STORAGE PLAIN;
	INSERT INTO apart SELECT n, place(n), '' FROM generate_series(1, 300) n;
	CREATE INDEX apart_v ON apart USING diskann (v vector_l2_ops) WITH (storage = full, tier = cold, tier_min_rows = 1); SELECT vector_tier('apart_v')");
my @read;
foreach my $cached (0, 1)
{
	$node->restart;
	# a search waits for what nobody else is about to read
	$node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_ls_tmpdir() WHERE name LIKE '%vector%')
		AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'vector worker')") or die 'the workers do not come to an end';
	sql("SELECT vector_prewarm('apart_v')") if $cached;
	push @read, sql("SET enable_seqscan = off; SELECT pg_stat_get_xact_blocks_fetched('apart'::regclass) - pg_stat_get_xact_blocks_hit('apart'::regclass)
		FROM apart ORDER BY v <-> place(1000) LIMIT 10") =~ s/\n.*//sr;
}
cmp_ok($read[0], '>', 1, 'blocks of several rows are read with the first, if the search has waited');
is($read[1], 1, 'else when they are asked for');

# A directory that is lost, as that of an unlogged index is by a crash, leaves its objects to the collector
sql("$off; CREATE UNLOGGED TABLE unlogged (v vector(16)); INSERT INTO unlogged SELECT place(n) FROM generate_series(1, 100) n;
	CREATE INDEX unlogged_v ON unlogged USING hnsw (v vector_l2_ops) WITH (tier = cold)");
%known = map { $_ => 1 } objects();
sql("SELECT vector_tier('unlogged_v')");
my ($lost) = grep { !$known{$_} } objects();
my $state = "SELECT state FROM vector_tier_objects('cold') WHERE key = '$lost'";
is(sql($state), 'live', 'an object of an unlogged index');
$node->stop('immediate');
$node->start;
is(sql("SELECT vector_index_check('unlogged_v'); $state"), "0\nretained", 'is kept after a crash');
set_for_all($node, 'vector.tier_retention = 0');
cmp_ok(sql("SELECT vector_tier_collect('cold')"), '>=', 1, 'until it is collected');
is(sql($state), '', 'and only then gone');
sound('after the collector');

sql('DROP SERVER cold CASCADE');
is(sql("SELECT to_regclass('items_v') IS NULL"), 't', 'with CASCADE the index is dropped');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();

# The cache of object stores: right pages whatever goes wrong, one request for all who wait, nothing left behind, and the collector
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);
use Stores;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
	fsync = off
	log_statement = none
	restart_after_crash = on
	vector.tier_cache_size = 8MB
	vector.background_work = off
});
$node->start;
plan skip_all => 'the library of test/store is not installed' if !create_functions($node);
my ($waits) = $node->psql('postgres', "
	CREATE FUNCTION tier_put(server name, key text, pages int, seed int) RETURNS void AS 'vector', 'tier_test_put' LANGUAGE C;
	CREATE FUNCTION tier_read(server name, key text, pages int, seed int, which int[], how text) RETURNS int AS 'vector', 'tier_test_read' LANGUAGE C;
	CREATE FUNCTION tier_hold(server name, key text, pages int, seed int, which int[], fail bool) RETURNS int AS 'vector', 'tier_test_hold' LANGUAGE C;
	CREATE FUNCTION tier_at_hand(server name, key text, pages int, seed int, which int[]) RETURNS int AS 'vector', 'tier_test_at_hand' LANGUAGE C;
	CREATE FUNCTION tier_state() RETURNS text AS 'vector', 'tier_test_state' LANGUAGE C;
	CREATE FUNCTION tier_counters() RETURNS text AS 'vector', 'tier_test_counters' LANGUAGE C;
	CREATE FUNCTION tier_send_rate() RETURNS bigint AS 'vector', 'tier_test_send_rate' LANGUAGE C;");
plan skip_all => 'the extension is built without -DVECTOR_WAIT_POINTS' if $waits != 0;

# A statement's result, or its error.
sub query
{
	my ($sql) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $sql);
	return $status == 0 ? $out : $error;
}

# Begins a statement in a process of its own; what it gives is in what this returns, once it is finished.
sub begin_query
{
	my ($sql) = @_;
	my %query = (out => '', error => '');
	$query{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \$query{out}, '2>', \$query{error});
	return \%query;
}

sub finish_query
{
	my ($query) = @_;
	$query->{run}->finish;
	return $query->{out} . $query->{error};
}

# An object of 2,000 pages of 8 kB: twice the cache.
my $pages = 2000;
sub fetch
{
	my ($server, $which, $how) = @_;
	return "SELECT tier_read('$server', 'object', $pages, 1, ARRAY(SELECT $which), '" . ($how // 'fetch') . "')";
}
my $data = $node->data_dir;
my $folder = PostgreSQL::Test::Utils::tempdir();
query("CREATE SERVER shelf FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$folder');
	SELECT tier_put('shelf', 'object', $pages, 1)");
sub cache_files
{
	my @files = glob("$data/base/pgsql_tmp/pgsql_tmp_vector.*");
	return @files;
}

# Ranges, and what is at hand
is(query('SELECT tier_state()'), 'limit 1024 used 0 pinned 0 coming 0', 'an empty cache');
is(query(fetch('shelf', '10') . '; SELECT tier_counters()'), "1\nhits 0 misses 1 rounds 1 gets 1 bytes 32768", 'a page is read with its neighbours');
is(query(fetch('shelf', 'generate_series(8, 11)') . '; SELECT tier_counters()'), "4\nhits 4 misses 0 rounds 0 gets 0 bytes 0", 'another process finds them');
is(query(fetch('shelf', '100 + 8 * generate_series(0, 39)') . '; SELECT tier_counters()'), "40\nhits 0 misses 40 rounds 1 gets 40 bytes 1310720", 'many pages are one round');
is(query(fetch('shelf', 'generate_series(500, 563)') . '; SELECT tier_counters()'), "64\nhits 0 misses 64 rounds 1 gets 2 bytes 524288", 'adjacent pages are read by large requests');
is(query(fetch('shelf', '1999', 'open') . '; SELECT tier_counters()'), "1\nhits 0 misses 1 rounds 1 gets 1 bytes 32768", 'the end of an object');
is(scalar(cache_files()), 1, 'there is a file');

# What is used stays, whatever is read besides
my $hot = '4 * generate_series(0, 99)';
query(fetch('shelf', $hot)) for 1 .. 3;
query(fetch('shelf', 'generate_series(0, 1999)'));
cmp_ok(query("SELECT tier_at_hand('shelf', 'object', $pages, 1, ARRAY(SELECT $hot))"), '>=', 95, 'a reading of everything does not push out what is used');
is(query(fetch('shelf', 'generate_series(0, 1999)', 'once')), $pages, 'a reading of everything, once');
cmp_ok(query("SELECT tier_at_hand('shelf', 'object', $pages, 1, ARRAY(SELECT $hot))"), '>=', 95, 'nor does one that says so');
like(query('SELECT tier_state()'), qr/^limit 1024 used \d+ pinned 0 coming 0$/, 'nothing is left pinned');

# What is asked for again after a while stays, though with it comes as much as the cache has room for
my $spread = '4 * generate_series(0, 499)';
$node->restart;
foreach my $turn (1 .. 3)
{
	query(join('; ', map { fetch('shelf', "4 * generate_series(25 * $_, 24 + 25 * $_)") } 0 .. 19));
}
cmp_ok(query("SELECT tier_at_hand('shelf', 'object', $pages, 1, ARRAY(SELECT $spread))"), '>=', 450, 'pages that were only neighbours do not push out the memory of others');

# Pins end with what had them
like(query("SELECT tier_hold('shelf', 'object', $pages, 1, '{1, 2, 3, 900}', true)"), qr/with 4 pages open/, 'an error with pages open');
is(query("BEGIN; DO \$\$ BEGIN PERFORM tier_hold('shelf', 'object', $pages, 1, '{5, 901}', true); EXCEPTION WHEN OTHERS THEN NULL; END \$\$; SELECT tier_state() ~ ' pinned 0 '; COMMIT"), 't', 'also in a subtransaction');
is(query("BEGIN; SELECT tier_hold('shelf', 'object', $pages, 1, '{1, 2}', false); COMMIT; SELECT tier_state() ~ ' pinned 0 '"), "2\nt", 'nor by the end of a transaction');
my $holder = $node->background_psql('postgres', on_error_stop => 0);
$holder->query_safe('BEGIN');
$holder->query_safe("DECLARE c CURSOR FOR SELECT tier_hold('shelf', 'object', $pages, 1, '{1, 2, 3}', false) FROM generate_series(1, 2); FETCH c");
is(query("SELECT tier_state() ~ ' pinned 3 '"), 't', 'pages that a cursor has open are pinned');
query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = \'idle in transaction\'');
ok($node->poll_query_until('postgres', "SELECT tier_state() ~ ' pinned 0 '"), 'and no longer when its process is terminated');
eval { $holder->{run}->kill_kill };

# The size changes with the configuration
sub set_size
{
	my ($size) = @_;
	$node->append_conf('postgresql.conf', "vector.tier_cache_size = $size");
	$node->reload;
	return $node->poll_query_until('postgres', "SELECT current_setting('vector.tier_cache_size') = '$size'");
}
set_size('2MB');
like(query(fetch('shelf', 'generate_series(0, 1999)') . '; SELECT tier_state()'), qr/^$pages\nlimit 256 used (2[0-4]\d|25[0-6]) pinned 0 coming 0$/, 'a smaller cache');
cmp_ok((stat((cache_files())[0]))[12] * 512, '<=', 3 * 1024 * 1024, 'its space is given back');
set_size('16MB');
like(query(fetch('shelf', 'generate_series(0, 1999)') . '; SELECT tier_state()'), qr/^$pages\nlimit 2048 used $pages pinned 0 coming 0$/, 'a larger one');
is(scalar(cache_files()), 1, 'has a file in place of the other');
set_size('0');
is(query(fetch('shelf', 'generate_series(0, 1999)') . '; SELECT tier_state()'), "$pages\nnone", 'no shared cache');
is(scalar(cache_files()), 0, 'and no file');
set_size('8MB');
is(query(fetch('shelf', $hot) . '; SELECT tier_state()'), "100\nlimit 1024 used 400 pinned 0 coming 0", 'a cache again');

# A restart and a crash discard it, also where the server keeps temporary files
query(fetch('shelf', $hot));
$node->restart;
is(scalar(cache_files()), 0, 'discarded at a start');
foreach my $keep ('off', 'on')
{
	$node->append_conf('postgresql.conf', "remove_temp_files_after_crash = $keep");
	$node->reload;
	query(fetch('shelf', $hot));
	my $victim = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $victim->query_safe('SELECT pg_backend_pid()');
	kill 'KILL', $pid;
	eval { $victim->quit };
	# a psql that is refused does not read its input, which is an error of Perl
	my $back = 0;
	for (my $tries = 0; $tries < 600 && !$back; $tries++)
	{
		$back = eval { query('SELECT true') eq 't' };
		usleep(100_000) if !$back;
	}
	ok($back, 'the server restarts after a crash');
	is(query(fetch('shelf', $hot) . '; SELECT tier_state()'), "100\nlimit 1024 used 400 pinned 0 coming 0", "a new cache after a crash, remove_temp_files_after_crash = $keep");
	is(scalar(cache_files()), 1, 'and no other file');
}

# A full disk: the cache is as large as the disk allows, and pages are read
SKIP:
{
	my $small = "$data/base/pgsql_tmp";
	$node->stop;
	my $mounts = system("unshare --user --map-current-user --keep-caps --mount true >/dev/null 2>&1") == 0;
	skip 'this system allows no mount namespaces: a full disk cannot be made', 4 if !$mounts;
	my $log = $node->logfile;
	system('unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'bash', '-c',
		"mkdir -p '$small' && mount -t tmpfs -o size=3M none '$small' && exec pg_ctl -D '$data' -l '$log' -w start >/dev/null");
	is(query(fetch('shelf', 'generate_series(0, 1999)')), $pages, 'all pages are read on a full disk');
	my $state = query('SELECT tier_state()');
	like($state, qr/^limit 3\d\d used [23]\d\d pinned 0 coming 0$/, "the cache has become smaller");
	is(query(fetch('shelf', 'generate_series(0, 1999)') . '; ' . fetch('shelf', $hot)), "$pages\n100", 'and goes on');
	is(query('CREATE TABLE other AS SELECT n FROM generate_series(1, 1000) n; SELECT count(*) FROM other'), '1000', 'so do others');
	system('pg_ctl', '-D', $data, '-w', '-m', 'fast', 'stop');
	$node->start;
}

# The collector.  Objects of an index are live, then retained, then removed
query("CREATE SERVER shelf2 FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$folder', prefix 'two');
	CREATE TABLE items (id int, v vector(64));
	INSERT INTO items SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, 64) d)::vector FROM generate_series(1, 2000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (tier = 'shelf2', tier_min_rows = 1);
	SELECT vector_tier('items_v')");
my $states = "SELECT string_agg(state || coalesce(' ' || (unneeded_since IS NOT NULL)::text, ''), ',' ORDER BY key) FROM vector_tier_objects('shelf2')";
is(query($states), 'live false', 'an object of an index');
is(query("SELECT segments, remote_bytes > local_bytes, bytes_written = remote_bytes FROM vector_stat_tier() WHERE server = 'shelf2'"), '1|t|t', 'statistics of segments');
is(query("SELECT vector_tier_collect('shelf2')"), '0', 'is not removed');
query("BEGIN; DROP INDEX items_v; ROLLBACK");
is(query("$states; SELECT vector_tier_collect('shelf2')"), "live false\n0", 'nor if a DROP was rolled back');
$node->psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', "CREATE EXTENSION vector; CREATE SERVER shelf2 FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$folder', prefix 'two')");
is($node->safe_psql('second', "$states; SELECT vector_tier_collect('shelf2')"), "other false\n0", 'another database does not decide on it');
query('DROP INDEX items_v');
is(query($states), 'retained false', 'no index needs it');
is(query("SELECT vector_tier_collect('shelf2'); $states"), "0\nretained true", 'and that was noticed');
$node->append_conf('postgresql.conf', 'vector.tier_retention = 0');
$node->reload;
ok($node->poll_query_until('postgres', "SELECT state = 'orphaned' FROM vector_tier_objects('shelf2')"), 'the retention has passed');
is(query('SET ROLE pg_monitor; SELECT vector_tier_collect(\'shelf2\')') =~ /must be owner of foreign server/, 1, 'only the owner of the server collects');
is(query("SELECT vector_tier_collect('shelf2'); $states"), "1\n", 'it is removed');

# Those of a dropped database, and of a promoted standby's earlier timeline
$node->safe_psql('second', "CREATE TABLE items (id int, v vector(64));
	INSERT INTO items SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real) FROM generate_series(1, 64) d)::vector FROM generate_series(1, 2000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (tier = 'shelf2', tier_min_rows = 1);
	SELECT vector_tier('items_v')");
is(query("$states; SELECT vector_tier_collect('shelf2')"), "other false\n0", 'an object of another database');
query('DROP DATABASE second');
is(query("SELECT vector_tier_collect('shelf2'); $states"), "1\n", 'that was dropped');
query("CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (tier = 'shelf2', tier_min_rows = 1); SELECT vector_tier('items_v')");
$node->backup('base', backup_options => [ '--checkpoint', 'fast' ]);
is(scalar(glob($node->backup_dir . '/base/base/pgsql_tmp/*') // ''), '', 'a backup has no cache');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $nearest = 'SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = 77) LIMIT 1';
is($standby->safe_psql('postgres', $nearest), '77', 'a standby reads the same objects');
like(($standby->psql('postgres', "SELECT vector_tier_collect('shelf2')"))[2], qr/cannot be collected during recovery/, 'and removes none');
$standby->promote;
$standby->safe_psql('postgres', 'REINDEX INDEX items_v; SELECT vector_tier(\'items_v\')');
is($standby->safe_psql('postgres', "SELECT vector_tier_collect('shelf2'); SELECT count(*) FROM vector_tier_objects('shelf2')"), "0\n2", 'a promoted standby leaves the objects of the old primary');
is(query("SELECT vector_tier_collect('shelf2'); SELECT string_agg(state, ',' ORDER BY timeline) FROM vector_tier_objects('shelf2'); $nearest"), "0\nlive,other\n77", 'and the old primary those of the new one');
is($standby->safe_psql('postgres', "SELECT vector_tier_collect('shelf2', earlier_timelines => true); $nearest"), "1\n77", 'unless it is told that there is no old primary');
like(query("SELECT setting FROM pg_settings WHERE name = 'vector.tier_retention'; SET enable_seqscan = off; " . fetch('shelf', '1') . ';' . $nearest), qr/77|object store "shelf2", object/, 'what is cached is read, what is gone is named');
$standby->stop('immediate');

# Segments go there as fast as may be, but slowly while any session searches, unless a rate is set
my $rate = 'SELECT tier_send_rate()';
ok($node->poll_query_until('postgres', $rate, '0'), 'while nobody searches, any number of bytes may be sent');
my $beside = 0;
for (my $i = 0; $i < 100 && $beside == 0; $i++)
{
	query($nearest);
	$beside = query($rate);
}
is($beside, 20 * 1024 * 1024, 'few beside searches of other sessions');
is(query("SET vector.tier_rate = 5; $nearest; $rate; SET vector.tier_rate = 0; $rate") =~ s/^77\n//r, 5 * 1024 * 1024 . "\n0", 'or as many as is set');
ok($node->poll_query_until('postgres', $rate, '0'), 'and any number again');

# A segment that goes there leaves in shared buffers what others read
query("CREATE TABLE used AS SELECT n, repeat('used', 400) AS text FROM generate_series(1, 500) n;
	CREATE TABLE wide (v vector(1000));
	INSERT INTO wide SELECT array_agg(hashint4(n * 1000 + d) & 255)::vector FROM generate_series(1, 2500) n, generate_series(1, 1000) d GROUP BY n;
	CREATE INDEX wide_v ON wide USING ivfflat (v vector_l2_ops) WITH (lists = 5, tier = 'shelf2', tier_min_rows = 1);
	VACUUM used");
$node->append_conf('postgresql.conf', 'shared_buffers = 4MB');
$node->restart;
my $count = 'EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM used';
like(query("SELECT count(*) FROM used; $count"), qr/shared hit=1\d\d$/m, 'a table in shared buffers');
is(query("SELECT vector_tier('wide_v'), sum(stored_bytes) > 2 * 4194304 FROM vector_segments() WHERE index = 'wide_v'::regclass AND kind = 'sealed'") =~ /^1\|/, 1, 'a segment of twice their size goes to a store');
unlike(query($count), qr/read=/, 'the table is still there');
$node->append_conf('postgresql.conf', 'shared_buffers = 128MB');
$node->restart;

# Faults of a real server
my $rgw = start_rgw('cold');
if (!$rgw)
{
	note('Ceph\'s gateway is not installed: without faults of a real server');
	done_testing();
	exit;
}
my $proxy = start_proxy($rgw->{port});
s3_server($node, 'cold', $rgw, $proxy, ", stall_timeout '500ms', timeout '4s'");
query("SELECT tier_put('cold', 'object', $pages, 1)");

# Bodies are sent at the rate, too, not only read; but within the time that a request has
sub slowest_body
{
	my ($pages, $seed, $rate) = @_;
	set_faults($proxy);
	is(query("SET vector.tier_rate = $rate; SELECT tier_put('cold', 'paced', $pages, $seed); SELECT tier_read('cold', 'paced', $pages, $seed, '{0, 5}', 'fetch')"),
		"\n2", "$pages pages at $rate MB/s");
	my ($slowest) = sort { $b <=> $a } map { /^PUT .* (\d+)$/ } proxy_bodies($proxy);
	return $slowest;
}
cmp_ok(slowest_body(1000, 3, 10), '>=', 300, 'a body of 7.8 MB is sent at about 10 MB/s');
is(query("ALTER SERVER cold OPTIONS (SET timeout '3s')"), '', 'a deadline');
slowest_body(600, 4, 1);
query("ALTER SERVER cold OPTIONS (SET timeout '4s')");
query("SELECT vector_stat_tier_reset()");
my $base = 40;
foreach my $fault ('status 503:SlowDown', 'status 500', 'reset', 'truncate', 'corrupt', 'short', 'whole', 'shift', 'hang 3', 'delay 30')
{
	my ($name, $value) = split ' ', $fault;
	set_faults($proxy, "GET 2 $name " . ($value // '0'));
	is(query(fetch('cold', "$base + 8 * generate_series(0, 9)")), '10', "right pages: $fault");
	$base += 100;
}
is(query("SELECT gets >= 100, bytes_read >= 100 * 32768, retries >= 18, errors >= 18, last_error IS NULL, get_p99 >= get_p50, get_p50 > 0
	FROM vector_stat_tier() WHERE server = 'cold'"), 't|t|t|t|t|t|t', 'statistics');

# The first who reads makes the cache while he waits for the store
$node->restart;
query("ALTER SERVER cold OPTIONS (SET stall_timeout '20s', SET timeout '20s')");
set_faults($proxy, 'GET 1 hang 15');
is(scalar(cache_files()), 0, 'there is no cache');
my $first_reader = begin_query(fetch('cold', '1400 + 8 * generate_series(0, 9)'));
for (my $tries = 0; $tries < 1400 && cache_files() == 0; $tries++) { usleep(10_000); }
is(scalar(cache_files()), 1, 'a file of the cache');
is(query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1400%' AND state = 'active' AND pid <> pg_backend_pid()"), '1', 'while the reader waits');
is(query(fetch('cold', '1400')), '1', 'another one does not wait for it');
query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%1400 %' AND pid <> pg_backend_pid()");
like(finish_query($first_reader), qr/cancel/, 'it may be cancelled');
is(query('SELECT tier_state()'), 'limit 1024 used 4 pinned 0 coming 0', 'and leaves nothing behind');
$node->restart;
set_faults($proxy, 'GET 100 delay 50');
is(finish_query($_), "10\n", 'processes that make it together') foreach map { begin_query(fetch('cold', '1400 + 8 * generate_series(0, 9)')) } 1 .. 3;
is(query(fetch('cold', '1400 + 8 * generate_series(0, 9)') . '; SELECT tier_counters(), tier_state()'),
	"10\nhits 10 misses 0 rounds 0 gets 0 bytes 0|limit 1024 used 40 pinned 0 coming 0", 'have all of their pages in it');
$node->restart;
set_faults($proxy, 'GET 100 status 403:AccessDenied');
like(query(fetch('cold', '1400')), qr/denied/i, 'a first read that fails');
set_faults($proxy);
is(query(fetch('cold', '1400') . '; SELECT tier_state()'), "1\nlimit 1024 used 4 pinned 0 coming 0", 'and one that does not');
query("ALTER SERVER cold OPTIONS (SET stall_timeout '500ms', SET timeout '4s')");

# One request for all who wait
set_faults($proxy, 'GET 1 delay 400');
my @readers = map { begin_query(fetch('cold', '1500')) } 1 .. 5;
is(join(',', map { finish_query($_) } @readers), "1\n," x 4 . "1\n", 'five processes read a page');
is(scalar(grep { /^GET/ } proxy_log($proxy)), 1, 'by one request');
# whoever reads for others may be cancelled or killed: another one reads
query("ALTER SERVER cold OPTIONS (SET stall_timeout '20s', SET timeout '20s')");
foreach my $how ('pg_cancel_backend', 'pg_terminate_backend')
{
	my $page = $how eq 'pg_cancel_backend' ? 1600 : 1700;
	set_faults($proxy, 'GET 1 hang 8');
	my $first = begin_query(fetch('cold', $page) . " /* first */");
	ok($node->poll_query_until('postgres', "SELECT tier_state() ~ ' coming 4'"), 'a process reads');
	my $second = begin_query(fetch('cold', $page));
	ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM pg_stat_activity WHERE query LIKE '%tier_read%$page%' AND state = 'active' AND pid <> pg_backend_pid()"), 'another one waits');
	query("SELECT $how(pid) FROM pg_stat_activity WHERE query LIKE '%first%' AND pid <> pg_backend_pid()");
	is(finish_query($second), "1\n", "the other reads after $how");
	like(finish_query($first), qr/cancel|terminat/, 'the first does not');
}
# whoever waits for it may be cancelled, too
set_faults($proxy, 'GET 1 hang 15');
my $reading = begin_query(fetch('cold', 1750) . " /* first */");
ok($node->poll_query_until('postgres', "SELECT tier_state() ~ ' coming 4'"), 'a process reads');
my $waiting = begin_query("SET statement_timeout = '200ms'; " . fetch('cold', 1750));
like(finish_query($waiting), qr/canceling statement/, 'one that waits for it is cancelled');
is(query("SELECT tier_state() ~ ' coming 4'"), 't', 'and the reader is not');
query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%first%' AND pid <> pg_backend_pid()");
like(finish_query($reading), qr/cancel/, 'until it is, too');
# where the store is gone, each fails, with the object's name, and none waits for ever
stop_proxies();
query("ALTER SERVER cold OPTIONS (SET stall_timeout '500ms', SET timeout '1s')");
my $begin = time();
@readers = map { begin_query(fetch('cold', '1800')) } 1 .. 3;
like(finish_query($_), qr/object store "cold", object "object": /, 'an endpoint that is gone') foreach @readers;
cmp_ok(time() - $begin, '<', 20, 'is noticed in time');
like(query("SELECT last_error IS NOT NULL AND last_error_at > now() - interval '1 minute' FROM vector_stat_tier() WHERE server = 'cold'"), qr/^t$/, 'the last error is shown');
is(query(fetch('cold', '1500')), '1', 'what is at hand is read');
start_proxy($rgw->{port}, $proxy);
query("ALTER SERVER cold OPTIONS (SET timeout '4s', ADD connections '2')");
is(query(fetch('cold', '1800')), '1', 'an endpoint that comes back');
like(query('SELECT tier_state()'), qr/ pinned 0 coming 0$/, 'nothing is left');
my $open = "SELECT 'open', count(*) FROM pg_ls_dir('/proc/self/fd')";
my @open = query(join('; ', (map { fetch('cold', "1900 + $_") } 1 .. 10), $open, (map { fetch('cold', "1920 + $_") } 1 .. 40), $open)) =~ /open\|(\d+)/g;
cmp_ok($open[1], '<=', $open[0] + 2, 'no file is left open');

# Least privilege: who may read the table gets rows, and no key
set_faults($proxy);
query("CREATE TABLE cold_items AS SELECT * FROM items;
	CREATE INDEX cold_v ON cold_items USING hnsw (v vector_l2_ops) WITH (tier = 'cold', tier_min_rows = 1);
	SELECT vector_tier('cold_v');
	CREATE ROLE reader LOGIN; GRANT SELECT ON cold_items TO reader");
my $read = 'SET enable_seqscan = off; SELECT id FROM cold_items ORDER BY v <-> (SELECT v FROM cold_items WHERE id = 77) LIMIT 1';
is(query("SET ROLE reader; $read"), '77', 'a role that may SELECT gets rows');
my $secrets = join(' UNION ALL ', map { "SELECT count(*) FROM $_ t WHERE t::text LIKE '%$rgw->{secret}%'" }
	qw(pg_user_mappings pg_foreign_server pg_class pg_stat_activity pg_settings vector_stat_tier() information_schema.user_mapping_options));
is(query("SET ROLE reader; SELECT sum(count) FROM ($secrets) s"), '0', 'and no key');
like(query("SET ROLE reader; SELECT * FROM pg_user_mapping"), qr/permission denied/, 'nor by the catalog');
like(query("SET ROLE reader; SELECT * FROM vector_tier_objects('cold')"), qr/permission denied for foreign server/, 'nor names of objects');
like(query("SET ROLE reader; SELECT vector_stat_tier_reset()"), qr/permission denied/, 'nor may it reset statistics');
query("SET ROLE reader; SELECT tier_put('cold', 'x', 1, 1)");
unlike(slurp_file($node->logfile), qr/$rgw->{secret}/, 'the log has no key');
is(query("SELECT count(*) FROM pg_ls_dir('pg_stat') f WHERE pg_read_file('pg_stat/' || f, 0, 100000, true) LIKE '%$rgw->{secret}%'"), '0', 'nor has a file of ours');

done_testing();

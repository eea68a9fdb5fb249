# hnsw, diskann, ivf, ivfflat, sparse and bm25 on a streaming standby: the same results as on the primary after every kind of change, and after
# promotion
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $peer = $ENV{VECTOR_PEER};
my $with = $peer ? '' : 'WITH (seal_rows = 300)';

# the standby compares each page that it replays with the primary's
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
wal_consistency_checking = 'all'
wal_keep_size = 4GB
autovacuum = off
max_standby_streaming_delay = -1
hot_standby_feedback = off
min_parallel_table_scan_size = 1
vector.idle_merge_delay = 0
CONF
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION place(id bigint, dims int) RETURNS real[]
		LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(id, d) & 255)::real) FROM generate_series(1, dims) d$$;
	CREATE TABLE items (id int PRIMARY KEY, v vector(20), h halfvec(600), s sparsevec(30),
		b bit(64), l vector(20), f vector(20), d vector(20), e halfvec(20), p sparsevec(30), w text);
	CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items SELECT n, place(n, 20), place(n, 600),
			('{' || n % 30 + 1 || ':' || n % 100 + 1 || '}/30')::sparsevec,
			hashint8extended(n, 0)::bit(64), place(n, 20), place(n, 20), place(n, 20), place(n, 20),
			('{' || n % 30 + 1 || ':' || n % 100 - 30 || '}/30')::sparsevec,
			array_to_string(place(n % 700, n % 20 + 1), ' ')
			FROM generate_series(low, high) n
	$$;
	SELECT fill(1, 1500);
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my %probe = (v => 'place(100000 + q, 20)::vector', h => 'place(100000 + q, 600)::halfvec',
	b => 'hashint8extended(100000 + q, 0)::bit(64)', l => 'place(100000 + q, 20)::vector',
	f => 'place(100000 + q, 20)::vector', d => 'place(100000 + q, 20)::vector', e => 'place(100000 + q, 20)::halfvec',
	w => q{array_to_string(place(q, 5), ' ')},
	map { $_ => q{('{' || q % 30 + 1 || ':55.5,30:' || q || '}/30')::sparsevec} } 's', 'p');
my %operator = (v => '<->', h => '<=>', b => '<~>', s => '<#>', l => '<->', f => '<=>', d => '<->', e => '<=>', p => '<#>', w => '<@>');
my $queries = 'SET enable_seqscan = off; SET enable_sort = off;' . join('', map {
	"SELECT md5(string_agg(d::text, ',')), count(*) FROM generate_series(1, 20) q, LATERAL
		(SELECT $_ $operator{$_} $probe{$_} AS d FROM items
		ORDER BY $_ $operator{$_} $probe{$_} LIMIT 30) x;"
} sort keys %probe);

# Both return the same rows, and each row is found by its own vector.  Where rows are dead that VACUUM has not removed, all
# lists are read: a session of the primary leaves out those that it has met, so it may go on to further lists for others.
my $all_lists = 'SET ivf.probes = 20; SET ivfflat.probes = 20;';
sub same
{
	my ($name, $lists) = (@_, '');
	# the result depends on the segments, which workers may still be changing
	$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()')
	  or die 'the workers do not come to an end'
	  unless $peer;
	$primary->wait_for_catchup($standby);
	my $expected = $primary->safe_psql('postgres', $lists . $queries);
	is($standby->safe_psql('postgres', $lists . $queries), $expected, "$name: the same answers");
	my $missing = q{SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 200;
		SELECT count(*) FROM items i
		WHERE id % 2 = 0 AND id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)};
	is($standby->safe_psql('postgres', $missing), 0, "$name: every row is found");
}

my $indexes = "CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) $with;
	CREATE INDEX items_h ON items USING hnsw (h halfvec_cosine_ops) $with;
	CREATE INDEX items_s ON items USING hnsw (s sparsevec_ip_ops) $with;
	CREATE INDEX items_b ON items USING hnsw (b bit_hamming_ops) $with;";
$indexes .= 'CREATE INDEX items_l ON items USING ivf (l vector_l2_ops)
		WITH (lists = 20, bits = 4, refine = none, seal_rows = 300);
	CREATE INDEX items_f ON items USING ivfflat (f vector_cosine_ops)
		WITH (lists = 20, seal_rows = 300);
	CREATE INDEX items_d ON items USING diskann (d vector_l2_ops) WITH (seal_rows = 300);
	CREATE INDEX items_e ON items USING diskann (e halfvec_cosine_ops) WITH (storage = full, seal_rows = 300);
	CREATE INDEX items_p ON items USING sparse (p sparsevec_ip_ops) WITH (seal_rows = 300);
	CREATE INDEX items_w ON items USING bm25 (w) WITH (text_config = simple, seal_rows = 300);'
  unless $peer;
my $names = join(', ', map { "items_$_" } $peer ? qw(v h s b) : qw(v h s b l f d e p w));
$primary->safe_psql('postgres', $indexes);
same('built');
unless ($peer)
{
	# a standby has no data of unlogged tables
	$primary->safe_psql('postgres', 'CREATE UNLOGGED TABLE fleeting AS SELECT v FROM items;
		CREATE INDEX fleeting_v ON fleeting USING hnsw (v vector_l2_ops);
		CREATE INDEX fleeting_d ON fleeting USING diskann (v vector_l2_ops);
		CREATE INDEX fleeting_p ON fleeting USING sparse ((v::sparsevec(20)));
		CREATE INDEX fleeting_l ON fleeting USING ivf (v vector_l2_ops)');
	$primary->wait_for_catchup($standby);
	my $seen = "SELECT count(DISTINCT index) FROM vector_segments(); SELECT count(*) FROM vector_legacy_indexes()";
	is($primary->safe_psql('postgres', $seen), "14\n0", 'the primary has unlogged indexes');
	is($standby->safe_psql('postgres', $seen), "10\n0", 'the standby shows the others');
	my ($code, $out, $error) = $standby->psql('postgres', "SELECT vector_index_check('fleeting_l')");
	like($error, qr/ERROR:  cannot access temporary or unlogged relations during recovery/, 'and says so');
	$primary->safe_psql('postgres', 'DROP TABLE fleeting');
}
$primary->safe_psql('postgres', 'SELECT fill(1501, 2000)');
same('inserted');
$primary->safe_psql('postgres', 'SELECT fill(n, n) FROM generate_series(2001, 2020) n');
same('inserted one by one');
$primary->safe_psql('postgres', "BEGIN; SELECT fill(5001, 5400); ROLLBACK");
same('rolled back', $all_lists);
$primary->safe_psql('postgres', 'DELETE FROM items WHERE id % 3 = 0');
same('deleted', $all_lists);
$primary->safe_psql('postgres', 'VACUUM items; SELECT txid_current()');
same('vacuumed', $all_lists);
$primary->safe_psql('postgres', 'SELECT fill(3001, 4200)');
same('inserted again', $all_lists);
$primary->safe_psql('postgres', 'UPDATE items SET v = place(id + 200000, 20)
	WHERE id % 5 = 0 AND id > 4000');
same('updated', $all_lists);
$primary->safe_psql('postgres', 'VACUUM items; SELECT txid_current(); VACUUM items');
same('vacuumed again', $all_lists);
$primary->safe_psql('postgres', 'DELETE FROM items WHERE id > 3000; VACUUM items;
	SELECT txid_current(); VACUUM items; SELECT txid_current();
	SELECT fill(4501, 5600); VACUUM items');
same('most deleted, inserted, vacuumed', $all_lists);
$primary->safe_psql('postgres', 'REINDEX TABLE items');
same('built again');
$primary->safe_psql('postgres', "DROP INDEX $names;
	SET max_parallel_maintenance_workers = 2; $indexes");
same('built in parallel');
$primary->safe_psql('postgres', "REINDEX TABLE CONCURRENTLY items");
same('built again concurrently');
$primary->safe_psql('postgres', 'TRUNCATE items; SELECT fill(1, 1000)');
same('truncated and filled');
$primary->safe_psql('postgres', "DROP INDEX $names;
	SET maintenance_work_mem = '1MB'; $indexes");
same('built in little memory');

# a cursor on the standby while the primary removes what the cursor may still need: with feedback it
# continues; without, it gets its rows or a conflict
my $fetch = q{SET enable_seqscan = off; BEGIN ISOLATION LEVEL REPEATABLE READ;
	DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> place(3, 20)::vector;
	MOVE 5 FROM c; SELECT pg_sleep(%d); FETCH 20 FROM c; COMMIT;};
foreach my $feedback ('on', 'off')
{
	$standby->append_conf('postgresql.conf', "hot_standby_feedback = $feedback\n"
		. "wal_receiver_status_interval = 1s\nmax_standby_streaming_delay = 500ms");
	$standby->reload;
	my $expected = $standby->safe_psql('postgres', sprintf($fetch, 0)) =~ s/^\n//r;
	my ($out, $err) = ('', '');
	my $reader = IPC::Run::start([ 'psql', '-XAqt', '-d', $standby->connstr('postgres'),
		'-c', sprintf($fetch, 5) ], '>', \$out, '2>', \$err);
	$standby->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
	my $known = $feedback eq 'on' ? 'IS NOT NULL' : 'IS NULL';
	$primary->poll_query_until('postgres',
		"SELECT bool_and(backend_xmin $known) FROM pg_stat_replication");
	foreach my $round (1 .. 2)
	{
		my $low = 10000 * $round + ($feedback eq 'on' ? 100000 : 0);
		$primary->safe_psql('postgres', "DELETE FROM items");
		$primary->safe_psql('postgres', "SELECT fill($low, $low + 800)");
		$primary->safe_psql('postgres', "VACUUM items");
		$primary->safe_psql('postgres', 'SELECT txid_current()');
	}
	$reader->finish;
	$out =~ s/^\n//;
	if ($feedback eq 'on')
	{
		# a VACUUM that truncates the file takes a lock that affects standbys, as with tables
		ok($out eq "$expected\n" || $err =~ /holding a relation lock for too long/,
			'a cursor on a standby with feedback goes on, or is in the way of VACUUM')
		  or diag("$out$err");
	}
	else
	{
		ok($out eq "$expected\n" || $err =~ /conflict with recovery/,
			'one without goes on or conflicts')
		  or diag("$out$err");
	}
	same("cursor, feedback $feedback", $all_lists);
}

# dead rows that a search has met are left out by the next one of the session; not by one that began in recovery, for a standby's transactions may see them
unless ($peer)
{
	my $search = join('', 'SET enable_seqscan = off; SET enable_sort = off; SET max_parallel_workers_per_gather = 0;', ("SELECT string_agg(k::text, ' ')
		FROM (SELECT k FROM gone WHERE k > 0 ORDER BY v <-> '[0,1,1]' LIMIT 3) x; SELECT survivors FROM vector_last_scan();") x 2);
	$primary->safe_psql('postgres', 'CREATE TABLE gone (k int, v vector(3)); INSERT INTO gone SELECT n, ARRAY[n, 1, 1] FROM generate_series(1, 200) n;
		CREATE INDEX gone_v ON gone USING ivf (v vector_l2_ops, k) WITH (lists = 2)');
	$primary->safe_psql('postgres', 'DELETE FROM gone WHERE k <= 10');
	$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()')
		or die 'somebody may still see them';
	is($primary->safe_psql('postgres', $search), "11 12 13\n200\n11 12 13\n190", 'dead rows are met once');
	$primary->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', $search), "11 12 13\n200\n11 12 13\n200", 'and on a standby each time');
}

# a standby that is stopped and started, and one that crashes
$standby->stop('immediate');
$primary->safe_psql('postgres', 'SELECT fill(7001, 7500);
	DELETE FROM items WHERE id % 4 = 0; VACUUM items');
$standby->start;
same('standby crashed', $all_lists);

my $expected = $primary->safe_psql('postgres', $all_lists . $queries);
$primary->stop;
$standby->promote;
is($standby->safe_psql('postgres', $all_lists . $queries), $expected, 'promoted: the same answers');
$standby->safe_psql('postgres', 'SELECT fill(8001, 9000);
	DELETE FROM items WHERE id % 3 = 1; VACUUM items;
	SELECT txid_current(); VACUUM items; SELECT fill(9001, 9500)');
is($standby->safe_psql('postgres', q{SET enable_seqscan = off; SET enable_sort = off;
	SET hnsw.ef_search = 200;
	SELECT count(*) FROM items i
		WHERE id % 2 = 0 AND id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)}), 0,
	'promoted: it goes on');
$standby->stop;
unlike(slurp_file($_->logfile), qr/inconsistent page|PANIC|TRAP|signal 11/,
	'nothing bad in the log of the ' . $_->name) foreach ($primary, $standby);
done_testing();

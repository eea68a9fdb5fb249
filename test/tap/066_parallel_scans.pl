# A parallel scan of a graph that ends early: a participant that is killed, also while it makes a bitmap or waits for one, a leader
# that is cancelled, a worker that does not see the segments of the first participant; and standbys
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_worker_processes = 8
CONF
$node->start;

my $settings = q{
	SET enable_seqscan = off; SET enable_sort = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_index_scan_size = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
};
my $point = q{'[0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5]'};
my $nearest = "SELECT id FROM items ORDER BY v <-> $point LIMIT 3000";

$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int, v vector(8)) WITH (parallel_workers = 2);
	SELECT setseed(0.3);
	INSERT INTO items SELECT i, ARRAY(SELECT random() FROM generate_series(1, 8) WHERE i > 0)::vector FROM generate_series(1, 8000) i;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
	ANALYZE items;
	-- a condition at which a participant stays until it is interrupted
	CREATE FUNCTION waits(int) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE COST 0.0001 AS $$
	BEGIN
		IF $1 % 100 = 0 THEN
			PERFORM pg_sleep(600);
		END IF;
		RETURN true;
	END $$;
});
like($node->safe_psql('postgres', "$settings EXPLAIN $nearest"), qr/Gather Merge.*Parallel Index Scan using items_v/s,
	'the plan is parallel');
my $right = $node->safe_psql('postgres', "SET enable_indexscan = off; SELECT count(*), sum(id) FROM ($nearest) x");
sub check
{
	is($node->safe_psql('postgres', "$settings SELECT count(*), sum(id) FROM ($nearest) x"), $right, "$_[0]: the next search is right");
}
check('at first');

my $workers = "FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event = 'PgSleep'";
my $leader = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND query ~ 'waits' AND pid <> pg_backend_pid()";

foreach my $case ([ 'a worker that is terminated', "SELECT pg_terminate_backend(pid) $workers LIMIT 1", qr/terminating|connection to parallel worker|parallel worker/ ],
	[ 'a leader that is cancelled', "SELECT pg_cancel_backend(pid) $leader", qr/canceling statement due to user request/ ])
{
	my ($name, $deed, $error) = @$case;
	my ($out, $err) = ('', '');
	my $query = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'), '-c',
			# without the leader, as that could take all rows before a worker starts
			"$settings SET parallel_leader_participation = off; SELECT count(*) FROM (SELECT id FROM items WHERE waits(id) ORDER BY v <-> $point LIMIT 3000) x" ],
		'>', \$out, '2>', \$err);
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 $workers"), "$name: workers search");
	$node->safe_psql('postgres', $deed);
	$query->finish;
	like($err, $error, "$name: an error");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"),
		"$name: no worker is left");
	check($name);
}
# partitions that are searched by several processes: one stays at a row, and the others wait for it once they have their rows
$node->safe_psql('postgres', q{
	CREATE TABLE parts (id int, v vector(8)) PARTITION BY HASH (id);
	SELECT format('CREATE TABLE parts_%s PARTITION OF parts FOR VALUES WITH (MODULUS 40, REMAINDER %1$s)', n) FROM generate_series(0, 39) n \gexec
	INSERT INTO parts SELECT id, v FROM items;
	CREATE INDEX ON parts USING hnsw (v vector_l2_ops);
	ANALYZE parts;
	CREATE FUNCTION waits_once(int) RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE COST 0.0001 AS $$
	BEGIN
		IF $1 = 4000 THEN
			PERFORM pg_sleep(600);
		END IF;
		RETURN true;
	END $$;
});
my $parts = "SELECT id FROM parts ORDER BY v <-> $point LIMIT 3000";
my $stays = "SELECT id FROM parts WHERE waits_once(id) ORDER BY v <-> $point LIMIT 8000";
$settings .= 'SET cpu_operator_cost = 1; SET max_parallel_workers_per_gather = 4;';
foreach my $plan ("EXPLAIN $parts", "EXPLAIN $stays", "SET parallel_leader_participation = off; EXPLAIN $stays")
{
	like($node->safe_psql('postgres', "$settings $plan"), qr/Gather Merge.*Parallel Custom Scan \(Vector Merge Append\)/s,
		'the plan of a search of partitions is parallel');
}
$right = $node->safe_psql('postgres', "SET enable_indexscan = off; SELECT count(*), sum(id) FROM ($parts) x");
my $waits_for_others = "FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event = 'Extension'";
foreach my $case ([ 'a worker that is terminated while another one waits for it', "SELECT pg_terminate_backend(pid) $workers", 'off' ],
	[ 'a worker that is terminated while it waits for another one', "SELECT pg_terminate_backend(pid) $waits_for_others LIMIT 1", 'off' ],
	[ 'a leader that is cancelled while workers wait', "SELECT pg_cancel_backend(pid) $leader", 'on' ])
{
	my ($name, $deed, $leads) = @$case;
	my ($out, $err) = ('', '');
	my $query = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'), '-c',
			"$settings SET parallel_leader_participation = $leads; SELECT count(*) FROM ($stays) x" ], '>', \$out, '2>', \$err);
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 $waits_for_others"), "$name: a worker waits");
	$node->safe_psql('postgres', $deed);
	$query->finish;
	like($err, qr/terminating|parallel worker|canceling statement due to user request/, "$name: an error");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"),
		"$name: no worker is left");
	is($node->safe_psql('postgres', "$settings SELECT count(*), sum(id) FROM ($parts) x"), $right, "$name: the next search is right");
}
$settings =~ s/SET cpu_operator_cost = 1; SET max_parallel_workers_per_gather = 4;//;
# a search among the rows of a bitmap, which one participant makes while the others wait: of a condition that waits where it is
# asked to, after the statement was planned
$node->safe_psql('postgres', q{
	ALTER TABLE items ADD tag int;
	UPDATE items SET tag = id % 4;
	VACUUM FULL items;
	CREATE INDEX items_tag ON items (tag);
	VACUUM ANALYZE items;
	CREATE FUNCTION tag_of(int) RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
	BEGIN
		IF current_setting('test.waits', true) = 'on' THEN
			PERFORM pg_sleep(600);
		END IF;
		RETURN $1;
	END $$;
});
my $among = "SELECT id FROM items WHERE tag = tag_of(1) ORDER BY v <-> $point LIMIT 1500";
like($node->safe_psql('postgres', "$settings EXPLAIN $among"),
	qr/Gather Merge.*Parallel Custom Scan \(Vector Filter Scan\).*Parallel Index Scan using items_v.*Bitmap Index Scan on items_tag/s,
	'the plan of a search among the rows of a bitmap is parallel');
$right = $node->safe_psql('postgres', "SET enable_indexscan = off; SELECT count(*), sum(id) FROM ($among) x");
my $waiting = "FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND wait_event = 'Extension'";
foreach my $case ([ 'a worker that is terminated while it makes a bitmap', "SELECT pg_terminate_backend(pid) $workers", 'off' ],
	[ 'a worker that is terminated while it waits for a bitmap', "SELECT pg_terminate_backend(pid) $waiting", 'off' ],
	[ 'a leader that is cancelled while it makes a bitmap', "SELECT pg_cancel_backend(pid) $leader", 'on' ])
{
	my ($name, $deed, $leads) = @$case;
	my ($out, $err) = ('', '');
	my $query = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'),
			'-c', "$settings SET parallel_leader_participation = $leads; SET plan_cache_mode = force_generic_plan; PREPARE waits AS $among",
			'-c', 'EXPLAIN EXECUTE waits', '-c', 'SET test.waits = on', '-c', 'EXECUTE waits' ], '>', \$out, '2>', \$err);
	# the leader makes it if it can, as it is there first, and then both workers wait
	ok($node->poll_query_until('postgres', "SELECT count(*) = " . ($leads eq 'on' ? 2 : 1) . " $waiting"), "$name: workers wait");
	$node->safe_psql('postgres', $deed);
	$query->finish;
	like($err, qr/terminating|parallel worker|canceling statement due to user request/, "$name: an error");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"),
		"$name: no worker is left");
	is($node->safe_psql('postgres', "$settings SELECT count(*), sum(id) FROM ($among) x"), $right, "$name: the next search is right");
}
# the one that makes the bitmap searches the index for its condition after segments were merged, while another one knows the old ones
$node->safe_psql('postgres', q{
	SET vector.background_work = off;
	CREATE FUNCTION nearest_tag(int) RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
	BEGIN
		IF current_setting('test.waits', true) = 'on' THEN
			WHILE (pg_stat_file('merged', true)).size IS NULL LOOP
				PERFORM pg_sleep(0.02);
			END LOOP;
			PERFORM id FROM items ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 1;
		END IF;
		RETURN $1;
	END $$;
	INSERT INTO items SELECT i + 10000, v, tag FROM (SELECT row_number() OVER () i, v, tag FROM items LIMIT 700) x;
	SELECT vector_seal('items_v');
	INSERT INTO items SELECT i + 20000, v, tag FROM (SELECT row_number() OVER () i, v, tag FROM items LIMIT 600) x;
	SELECT vector_seal('items_v');
});
{
	my $tagged = "SELECT id FROM items WHERE tag = nearest_tag(1) ORDER BY v <-> $point LIMIT 3000";
	my $count = "SELECT count(*), count(DISTINCT id), sum(id) FROM ($tagged) x";
	my $expected = $node->safe_psql('postgres', "SET enable_indexscan = off; $count");
	my ($out, $err) = ('', '');
	my $query = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'),
			'-c', "$settings SET parallel_leader_participation = off; SET plan_cache_mode = force_generic_plan; PREPARE merged AS $count",
			'-c', 'EXPLAIN EXECUTE merged', '-c', 'SET test.waits = on', '-c', 'EXECUTE merged' ], '>', \$out, '2>', \$err);
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting"), 'one worker makes the bitmap, another one waits');
	is($node->safe_psql('postgres', q{SET vector.background_work = off; SELECT vector_merge('items_v')}), 3,
		'segments are merged meanwhile');
	append_to_file($node->data_dir . '/merged', 'x');
	$query->finish;
	is($err, '', 'no error where the maker of the bitmap searches the index');
	like($out, qr/Parallel Custom Scan \(Vector Filter Scan\)/, 'where it does, the plan is parallel');
	like($out, qr/^\Q$expected\E$/m, 'and all rows are found once');
	unlink($node->data_dir . '/merged');
}
$right = $node->safe_psql('postgres', "SET enable_indexscan = off; SELECT count(*), sum(id) FROM ($nearest) x");

# segments change between searches and while they go on
my $search = $node->background_psql('postgres');
$search->query_safe($settings);
$search->query_safe("BEGIN; DECLARE c CURSOR FOR $nearest; FETCH 5 FROM c");
$node->safe_psql('postgres', q{
	INSERT INTO items (id, v) SELECT i, ARRAY(SELECT random() + 10 FROM generate_series(1, 8) WHERE i > 0)::vector FROM generate_series(8001, 9000) i;
	SELECT vector_seal('items_v');
});
is($search->query_safe('MOVE ALL FROM c; COMMIT; SELECT 1'), 1, 'a cursor goes on when segments have changed');
$search->quit;
check('more segments');

# on a standby
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "$settings SELECT count(*), sum(id) FROM ($nearest) x"), $right, 'on a standby');
is($standby->safe_psql('postgres', "$settings SELECT count(*), sum(id) FROM ($among) x"),
	$standby->safe_psql('postgres', "SET enable_indexscan = off; SELECT count(*), sum(id) FROM ($among) x"), 'among the rows of a bitmap on a standby');

$standby->stop;
$node->stop;
done_testing();

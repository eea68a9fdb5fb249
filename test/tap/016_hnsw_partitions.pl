# Graphs that do not fit into maintenance_work_mem: built in partitions, into one segment nevertheless
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	autovacuum = off
	fsync = off
	min_parallel_table_scan_size = 0
	max_worker_processes = 16
	max_parallel_workers = 8
});
$node->start;

# groups of rows near each other, some without a vector, some with equal ones
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION place(id bigint, dims int) RETURNS real[]
		LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(id % 25, d) & 1023)::real / 1024
			+ (hashint8extended(id, d) & 1023)::real / 2048)
		FROM generate_series(1, dims) d$$;
	CREATE TABLE items (id int, v vector(32), s sparsevec(100), b bit(200));
	INSERT INTO items SELECT n, place(n, 32),
		(SELECT '{' || string_agg((12 * d - 11 + (hashint8extended(n % 25, d) & 7))::text || ':'
			|| 1 + (hashint8extended(n, d) & 1023) / 1024.0, ',') || '}/100'
		FROM generate_series(1, 8) d)::sparsevec,
		(SELECT string_agg(((hashint8extended(n % 25, d)
			# (CASE WHEN hashint8extended(n, d) % 8 = 0 THEN 1 ELSE 0 END)) & 1)::text, '')::bit(200)
		FROM generate_series(1, 200) d)
		FROM generate_series(1, 6000) n;
	UPDATE items SET v = NULL, s = NULL, b = NULL WHERE id % 100 = 0;
	UPDATE items SET v = (SELECT v FROM items WHERE id = 1) WHERE id % 10 = 3;
	ALTER TABLE items SET (parallel_workers = 2);
});

foreach my $case (['v', 'vector_l2_ops', '<->', '1MB'], ['v', 'vector_ip_ops', '<#>', '1MB'],
	['v', 'vector_cosine_ops', '<=>', '2MB'], ['v', 'vector_l1_ops', '<+>', '1MB'],
	['s', 'sparsevec_l2_ops', '<->', '1MB'], ['b', 'bit_hamming_ops', '<~>', '1MB'])
{
	my ($column, $class, $operator, $memory) = @$case;

	foreach my $workers (0, 2)
	{
		my $name = "$class, $workers workers";
		my ($status, $stdout, $stderr) = $node->psql('postgres', qq{
			SET maintenance_work_mem = '$memory';
			SET max_parallel_maintenance_workers = $workers;
			CREATE INDEX items_i ON items USING hnsw ($column $class) WITH (ef_construction = 100)});

		like($stderr, qr/NOTICE:  hnsw graph no longer fits .*\nDETAIL:  .*partitions/,
			"$name: in partitions");
		is($node->safe_psql('postgres', 'SELECT kind, rows FROM vector_segments()'),
			'sealed|5940', "$name: one segment");
		is($node->safe_psql('postgres', q{SELECT vector_index_check('items_i')}), 5940,
			"$name: sound and complete");
		is($node->safe_psql('postgres', qq{
			SET enable_seqscan = off; SET enable_sort = off; SET hnsw.iterative_scan = relaxed_order;
			SET hnsw.max_scan_tuples = 100000; SET work_mem = '256MB';
			SELECT count(*), count(DISTINCT id) FROM
				(SELECT id FROM items ORDER BY $column $operator (SELECT $column FROM items
					WHERE id = 7)) found}),
			'5940|5940', "$name: every row is reached, once");
		cmp_ok(recall_of($node, $column, $operator, '1e-5', 'SET hnsw.ef_search = 100;'), '>=', 0.95, "$name: the nearest are found");
		$node->safe_psql('postgres', 'DROP INDEX items_i');
	}
}

# partitions are of one size, and all memory together stays within the limit of a build
$node->safe_psql('postgres', q{
	CREATE TABLE even (v vector(16));
	INSERT INTO even SELECT place(n * 25, 16) FROM generate_series(1, 10000) n;
	ALTER TABLE even SET (parallel_workers = 2);
});
# whenever the leader gives the workers the memory that it has taken for them: here, when both wait
my $gate = $node->background_psql('postgres');
foreach my $case ([0, 3], [2, 5])
{
	my ($workers, $limit) = @$case;
	my $held = $workers && has_wait_points($node);
	my $stderr = '';

	$gate->query_safe('SELECT pg_advisory_lock(0, 4711)') if $held;
	my $build = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'),
		($held ? ('-c', "LOAD 'vector'", '-c', "SET vector.wait_point = 'memory'") : ()),
		'-c', "SET maintenance_work_mem = '${limit}MB'", '-c', 'SET client_min_messages = debug1',
		'-c', "SET max_parallel_maintenance_workers = $workers",
		'-c', 'CREATE INDEX even_v ON even USING hnsw (v vector_l2_ops) WITH (ef_construction = 32)'],
		'<', \undef, '2>', \$stderr);
	if ($held)
	{
		ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_stat_activity
			WHERE backend_type = 'parallel worker' AND wait_event = 'Extension'}), 'workers wait for memory');
		$gate->query_safe('SELECT pg_advisory_unlock(0, 4711)');
	}
	$build->finish;
	my @divisions = $stderr =~ /partitions of (\d+) to (\d+) kB, with (\d+) kB for each/g;
	my ($memory) = $stderr =~ /memory of the build: at most (\d+) kB/;

	is(scalar(@divisions), 3, "$workers workers: divided once");
	cmp_ok($divisions[0], '>=', $divisions[1] * 0.6, "$workers workers: evenly");
	cmp_ok($divisions[1], '<=', $divisions[2], "$workers workers: all partitions fit");
	cmp_ok($memory, '<=', $limit * 1024, "$workers workers: all memory is within maintenance_work_mem");
	$node->safe_psql('postgres', 'DROP INDEX even_v');
}
$gate->quit;
$node->safe_psql('postgres', 'DROP TABLE even');

# rows beyond the limit of a segment go to further segments, in memory and in partitions, and no merge exceeds the limit
SKIP:
{
	skip 'the extension has no wait points: compile it with COPT=-DVECTOR_WAIT_POINTS', 18
		if !has_wait_points($node);
	foreach my $case (['8MB', 0], ['1MB', 0], ['1MB', 2])
	{
		my ($memory, $workers) = @$case;
		my $name = "$memory, $workers workers, several segments";

		$node->safe_psql('postgres', qq{
			SET maintenance_work_mem = '$memory'; SET max_parallel_maintenance_workers = $workers;
			SET vector.max_segment_rows = 2500;
			CREATE INDEX items_i ON items USING hnsw (s sparsevec_l2_ops);
			SELECT vector_merge('items_i')});
		is($node->safe_psql('postgres', q{SELECT string_agg(rows::text, ' ' ORDER BY rows DESC)
			FROM vector_index_segments('items_i')}), '2500 2500 940', $name);
		is($node->safe_psql('postgres', q{SELECT vector_index_check('items_i')}), 5940, "$name: sound");
		cmp_ok(recall_of($node, 's', '<->', '1e-5', 'SET hnsw.ef_search = 100;'), '>=', 0.95, "$name: the nearest are found");
		$node->safe_psql('postgres', 'DROP INDEX items_i');

		# the ids of nodes that differ in size come to an end sooner; a merge would make as many segments again
		my @segments = split /\n/, $node->safe_psql('postgres', qq{
			SET maintenance_work_mem = '$memory'; SET max_parallel_maintenance_workers = $workers;
			SET client_min_messages = warning; SET vector.max_segment_id = 40000;
			CREATE INDEX items_i ON items USING hnsw (s sparsevec_l2_ops);
			SELECT array_agg(segment ORDER BY segment) FROM vector_index_segments('items_i');
			SELECT coalesce(vector_merge('items_i'), 0);
			SELECT array_agg(segment ORDER BY segment) FROM vector_index_segments('items_i')});
		like($segments[0], qr/^\{\d+(,\d+){2,8}\}$/, "$name by ids");
		is($segments[2], $segments[0], "$name by ids: merged no further");
		is($node->safe_psql('postgres', q{SELECT vector_index_check('items_i')}), 5940, "$name by ids: sound");
		$node->safe_psql('postgres', 'DROP INDEX items_i');
	}
}

# afterwards rows are inserted and deleted as in any segment
$node->safe_psql('postgres', q{
	SET maintenance_work_mem = '1MB';
	CREATE INDEX items_i ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 500);
	DELETE FROM items WHERE id % 3 = 0;
	INSERT INTO items SELECT n, place(n, 32) FROM generate_series(6001, 8000) n;
	VACUUM items;
});
is($node->safe_psql('postgres', q{SELECT vector_index_check('items_i')}),
	$node->safe_psql('postgres', 'SELECT count(v) FROM items'), 'sound after deletes and inserts');
$node->safe_psql('postgres', 'DROP INDEX items_i');

# many rows with few distinct vectors
$node->safe_psql('postgres', q{
	CREATE TABLE equals (id int, v vector(32));
	INSERT INTO equals SELECT n, place(n % 3, 32) FROM generate_series(1, 5000) n;
	SET maintenance_work_mem = '1MB';
	CREATE INDEX equals_v ON equals USING hnsw (v vector_l2_ops);
});
is($node->safe_psql('postgres', q{SELECT vector_index_check('equals_v')}), 5000, 'equal vectors');

# a build that is cancelled, wherever it is, leaves nothing behind
my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(0, 4711)');
foreach my $workers (0, 2)
{
	foreach my $place ('divide', 'grow', 'unite')
	{
		my ($status, $stdout, $stderr) = $node->psql('postgres', qq{
			SET maintenance_work_mem = '1MB'; SET max_parallel_maintenance_workers = $workers;
			SET vector.wait_point = '$place'; SET statement_timeout = '2s';
			CREATE INDEX items_c ON items USING hnsw (v vector_l2_ops)});

		like($stderr, qr/canceling statement due to statement timeout/,
			"$workers workers, cancelled at $place");
	}
}
$holder->quit;
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'items_c'}), 0,
	'no index is left');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), 0,
	'no temporary files are left');

$node->stop;
done_testing();

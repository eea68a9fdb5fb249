# hnsw and ivf after crashes during inserts, updates, deletes, VACUUM and builds: every committed row is
# in the index, and is found
#
# VECTOR_LONG=1 in the environment: many more rounds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $peer = $ENV{VECTOR_PEER};
my $rounds = $ENV{VECTOR_LONG} ? 200 : 50;
my $with = $peer ? '' : 'WITH (seal_rows = 200)';
my $attributes = $peer ? '' : ', id, note, (id % 10)';
my $lists = $peer ? '' : 'CREATE INDEX items_l ON items USING ivf (h halfvec_cosine_ops)
	WITH (lists = 10, seal_rows = 200);
	CREATE INDEX items_c ON items USING ivf (v vector_ip_ops)
	WITH (lists = 10, seal_rows = 200, refine = none, bits = 6);
	CREATE INDEX items_d ON items USING diskann (v vector_cosine_ops, id) WITH (seal_rows = 200);
	CREATE INDEX items_s ON items USING sparse ((v::sparsevec(24)), id) WITH (seal_rows = 200);
	CREATE INDEX items_b ON items USING bm25 ((v::text)) WITH (text_config = $$pg_catalog.simple$$, seal_rows = 200);';
my $fleeting_lists = $peer ? '' : 'CREATE INDEX fleeting_l ON fleeting USING ivf (v vector_cosine_ops)
	WITH (lists = 4, seal_rows = 200);';
srand(42);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
restart_after_crash = off
max_connections = 40
shared_buffers = 4MB
checkpoint_timeout = 30s
max_wal_size = 64MB
wal_level = replica
vector.idle_merge_delay = 0
CONF
$node->start;

# v follows from the id, so everything that the index returns can be verified
$node->safe_psql('postgres', qq{
	CREATE EXTENSION vector;
	CREATE FUNCTION place(id bigint) RETURNS vector(24) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		\$\$SELECT array_agg((hashint8extended(id, d) & 1023)::real)
		FROM generate_series(1, 24) d\$\$;
	CREATE TABLE items (id bigint PRIMARY KEY, v vector(24), h halfvec(24), note text)
		WITH (autovacuum_vacuum_threshold = 20, autovacuum_vacuum_scale_factor = 0);
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops$attributes) $with;
	CREATE INDEX items_h ON items USING hnsw (h halfvec_l2_ops) $with;
	$lists
	CREATE UNLOGGED TABLE fleeting (id bigint, v vector(24));
	CREATE INDEX fleeting_v ON fleeting USING hnsw (v vector_l2_ops) $with;
	$fleeting_lists
	CREATE SEQUENCE ids;
	INSERT INTO items SELECT n, place(n), place(n)
		FROM (SELECT nextval('ids') AS n FROM generate_series(1, 500)) x;
});

my %scripts = (
	'insert@10' => 'INSERT INTO items SELECT n, place(n), place(n) FROM nextval($$ids$$) n;',
	'several@3' => 'BEGIN; INSERT INTO items SELECT n, place(n), place(n) FROM'
	  . ' (SELECT nextval($$ids$$) AS n FROM generate_series(1, 20)) x; COMMIT;',
	'abort@2' => 'BEGIN; INSERT INTO items SELECT n, place(n), place(n) FROM'
	  . ' (SELECT nextval($$ids$$) AS n FROM generate_series(1, 5)) x; ROLLBACK;',
	'update@3' => 'UPDATE items SET v = place(id), h = place(id), note = repeat($$x$$, 50)'
	  . ' WHERE id = (SELECT id FROM items WHERE id > :client_id * 50'
	  . ' LIMIT 1 FOR UPDATE SKIP LOCKED);',
	'delete@8' => 'DELETE FROM items WHERE id IN (SELECT id FROM items WHERE id > :client_id * 70'
	  . ' LIMIT 3 FOR UPDATE SKIP LOCKED);',
	'fleeting@2' => 'INSERT INTO fleeting SELECT n, place(n) FROM nextval($$ids$$) n;',
	'search@2' => 'SELECT id FROM items ORDER BY v <-> place(:client_id) LIMIT 5;');
my @files;
foreach my $name (sort keys %scripts)
{
	my ($file) = split(/@/, $name);
	append_to_file($node->basedir . "/$file.sql", "$scripts{$name}\n");
	push @files, '-f', $node->basedir . "/$file.sql@" . (split(/@/, $name))[1];
}

# What one session does repeatedly, next to the clients.
sub loop_of
{
	my ($file, $sql) = @_;
	append_to_file($node->basedir . "/$file.sql", "$sql\n");
	return [ '-f', $node->basedir . "/$file.sql" ];
}
my $vacuum = loop_of('vacuum', 'VACUUM items;');
my $reindex = loop_of('reindex', 'REINDEX INDEX CONCURRENTLY items_h;'
	. ($peer ? '' : "\nREINDEX INDEX CONCURRENTLY items_l;\nREINDEX INDEX CONCURRENTLY items_c;\nREINDEX INDEX CONCURRENTLY items_d;"));
my $build = loop_of('build', join("\n", map { "$_\nDROP INDEX other;" }
	'CREATE INDEX other ON items USING hnsw (v vector_cosine_ops);',
	'CREATE INDEX other ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 20);'));

my @output;

sub pgbench
{
	my ($clients, @arguments) = @_;
	push @output, '';
	my $out = \$output[-1];
	return IPC::Run::start([ 'pgbench', '-n', '-t', 1000000, '-c', $clients, '-h', $node->host,
		'-p', $node->port, @arguments, 'postgres' ], '>', $out, '2>', $out);
}

# Counts the rows that a scan of everything does not return, and of 100 rows those that do not find themselves.
# A graph need not lead to every node: one or two rows may be missed.
sub found_ok
{
	my ($name) = @_;
	foreach my $column ('v', 'h')
	{
		my $missing = $node->safe_psql('postgres', qq{
			SET hnsw.ef_search = 1000;
			SET hnsw.iterative_scan = relaxed_order;
			SET hnsw.max_scan_tuples = 2147483647;
			SET hnsw.scan_mem_multiplier = 1000;
			SET enable_seqscan = off;
			SET enable_sort = off;
			SELECT 'not reached', i.id, i.ctid, i.xmin FROM items i
				LEFT JOIN (SELECT id FROM items ORDER BY $column <-> place(0) OFFSET 0) x USING (id)
				WHERE x.id IS NULL;
			SET hnsw.iterative_scan = strict_order;
			SELECT 'not itself', i.id, i.ctid, i.xmin
				FROM (SELECT *, ctid, xmin FROM items ORDER BY id % 3 = 0, id DESC LIMIT 100) i,
				LATERAL (SELECT array_agg(id) AS found FROM
					(SELECT id FROM items o ORDER BY o.$column <-> i.$column LIMIT 1) y) x
				WHERE found <> ARRAY[i.id]});
		cmp_ok(scalar(my @missing = split(/\n/, $missing)), '<=', 3,
			"$name: rows are found by $column") or diag($missing);
		next if $peer;
		is($node->safe_psql('postgres', q{
			SET enable_seqscan = off;
			SET enable_sort = off;
			SELECT count(*) FROM (SELECT id FROM items ORDER BY id DESC LIMIT 300) i
				WHERE id IS DISTINCT FROM (SELECT id FROM items WHERE id % 10 = i.id % 10 AND id = i.id ORDER BY v <-> place(0) LIMIT 1)}),
			0, "$name: rows are found by attributes") if $column eq 'v';

		# after VACUUM the index has as many rows as the table
		my $answer = $node->safe_psql('postgres',
			"VACUUM (INDEX_CLEANUP ON) items;
			SELECT count(*), vector_index_check('items_$column') FROM items");
		like($answer, qr/^(\d+)\|\1$/, "$name: the index on $column is sound and complete");
	}
	return if $peer;

	# a graph read to its end finds nearly all rows, and all lists are searched
	my ($sound, $missed) = split /\|/, $node->safe_psql('postgres', q{
		SET enable_seqscan = off;
		SET enable_sort = off;
		SELECT count(*) = vector_index_check('items_d'), count(*) - (SELECT count(DISTINCT id) FROM
			(SELECT id FROM items ORDER BY v <=> place(0) OFFSET 0) x) FROM items});
	is($sound, 't', "$name: the graphs of codes are sound and complete");
	is($node->safe_psql('postgres', q{SELECT count(*) = vector_index_check('items_s'), count(*) = vector_index_check('items_b') FROM items}),
		't|t', "$name: the lists of dimensions and of words are sound and complete");
	cmp_ok($missed, '<=', 3, "$name: all rows are found by codes");
	is($node->safe_psql('postgres', q{
		SET enable_seqscan = off;
		SET enable_sort = off;
		SET ivf.iterative_scan = relaxed_order;
		SELECT count(*) = vector_index_check('items_l'), count(*) - (SELECT count(*) FROM
			(SELECT id FROM items ORDER BY h <=> place(0)::halfvec(24) OFFSET 0) x) FROM items;
		SELECT count(*) = vector_index_check('items_c'), count(*) - (SELECT count(*) FROM
			(SELECT id FROM items ORDER BY v <#> place(0) OFFSET 0) x) FROM items}),
		"t|0\nt|0", "$name: all rows are in lists and found there");
}

foreach my $round (1 .. $rounds)
{
	@output = ();
	my @sessions = (pgbench(6, @files), pgbench(1, @$vacuum),
		pgbench(1, $round % 2 ? @$build : @$reindex));
	usleep(400_000 + int(rand(1_000_000)));
	if ($round % 3 == 2)
	{
		# only one server process dies, as if killed for its memory: the server ends all of them
		my $pid = $node->safe_psql('postgres',
			q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'INSERT INTO items%' LIMIT 1});
		kill 9, $pid if $pid;
	}
	$node->stop('immediate', fail_ok => 1);
	$_->finish foreach @sessions;
	unlike(join('', @output), qr/ERROR/, "crash $round: no client met an error before");
	$node->start;

	is($node->safe_psql('postgres', 'SELECT count(*) > 100, bool_and(v = place(id)) FROM items'),
		't|t', "crash $round: rows are there");
	$node->safe_psql('postgres', q{
		DROP INDEX IF EXISTS other;
		SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index
			WHERE indrelid = 'items'::regclass AND NOT indisvalid \gexec});
	found_ok("crash $round");

	# and the index still works
	$node->safe_psql('postgres', 'DELETE FROM items WHERE id % 7 = 0; VACUUM items;
		INSERT INTO items SELECT n, place(n), place(n)
			FROM (SELECT nextval($$ids$$) AS n FROM generate_series(1, 200)) x');
	found_ok("crash $round, after VACUUM and INSERT");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM fleeting'), 0,
		"crash $round: the unlogged table is empty");
	$node->safe_psql('postgres',
		'SET vector.background_work = off; INSERT INTO fleeting SELECT n, place(n) FROM generate_series(1, 50) n');
	is($node->safe_psql('postgres', 'SET enable_seqscan = off;
		SELECT id FROM fleeting ORDER BY v <-> place(7) LIMIT 1'), 7,
		"crash $round: and its index works");
	is($node->safe_psql('postgres', q{SET enable_seqscan = off;
		SELECT vector_seal('fleeting_l') > 0, vector_index_check('fleeting_l'),
			(SELECT id FROM fleeting ORDER BY v <=> place(7) LIMIT 1)}), 't|50|7',
		"crash $round: and so do its lists") unless $peer;
	$node->safe_psql('postgres', 'DELETE FROM items WHERE id NOT IN
		(SELECT id FROM items ORDER BY id DESC LIMIT 2500)');
}

# blocks that no extent covers after a crash are free again
if (!$peer)
{
	# VACUUM gives blocks back only from an index that nobody else uses at that moment
	$node->append_conf('postgresql.conf', 'autovacuum = off');
	$node->reload;
	foreach my $round (1, 2)
	{
		$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP ON) items; SELECT txid_current()');
		$node->poll_query_until('postgres', q{SELECT (SELECT count(*) = 0 FROM vector_jobs())
			AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type IN ('autovacuum worker', 'vector worker'))})
		  or die 'the workers do not come to an end';
	}
	$node->safe_psql('postgres', 'SET vector.background_work = off; VACUUM (INDEX_CLEANUP ON) items');
	foreach my $index ('items_v', 'items_h', 'items_l', 'items_c', 'items_d')
	{
		my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('$index')");
		$node->safe_psql('postgres', "REINDEX INDEX $index");
		my $new = $node->safe_psql('postgres', "SELECT pg_relation_size('$index')");
		cmp_ok($size, '<=', 2.3 * $new, "$index is not much larger than a new one");
	}
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page|could not read block/,
	'nothing bad in the log');
done_testing();

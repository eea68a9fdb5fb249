# A system with little shared memory, such as a container's /dev/shm of 64 MB: a build goes on in partitions or in one process,
# and says so; none fails
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'pgvector fails here' if $ENV{VECTOR_PEER};

# runs a command in a namespace of its own, whose /dev/shm has this many bytes
sub in_small
{
	my ($size, $command) = @_;
	return ('unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'bash', '-c',
		"mount -t tmpfs -o size=$size none /dev/shm && $command");
}

plan skip_all => 'this system allows no mount namespaces: a small /dev/shm cannot be made'
	if !-d '/dev/shm' || system(join(' ', map { "'$_'" } in_small('1M', 'true')) . ' >/dev/null 2>&1') != 0;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	autovacuum = off
	fsync = off
	dynamic_shared_memory_type = posix
	min_parallel_table_scan_size = 0
	max_parallel_maintenance_workers = 2
	maintenance_work_mem = 64MB
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int, v vector(64));
	INSERT INTO items SELECT n, (SELECT array_agg((hashint8extended(n, d) & 1023)::real)
		FROM generate_series(1, 64) d)::vector FROM generate_series(1, 6000) n;
	ALTER TABLE items SET (parallel_workers = 2);
});

# Builds an index with this much shared memory; returns its messages.
sub build
{
	my ($size, $method) = @_;
	my ($status, $stdout, $stderr);

	$node->stop;
	system_or_bail(in_small($size, "exec pg_ctl -w -D '" . $node->data_dir . "' -l '" . $node->logfile
		. "' start >/dev/null"));
	$node->_update_pid(1);
	($status, $stdout, $stderr) = $node->psql('postgres', "SET client_min_messages = debug1;
		CREATE INDEX items_v ON items USING $method (v vector_l2_ops)");
	is($status, 0, "$method in $size: built");
	is($node->safe_psql('postgres', "SELECT vector_index_check('items_v')"), 6000,
		"$method in $size: sound and complete");
	$node->safe_psql('postgres', 'DROP INDEX items_v');
	return $stderr;
}

my $said = build('64M', 'hnsw');
unlike($said, qr/NOTICE/, 'enough: nothing to say');
like($said, qr/using 2 parallel workers/, 'enough: in parallel');

$said = build('9M', 'hnsw');
like($said, qr/using 2 parallel workers/, 'little: in parallel');
like($said, qr/NOTICE:  hnsw graph no longer fits into shared memory after \d+ tuples\nDETAIL:  .*partitions/,
	'little: in partitions');

foreach my $method ('hnsw', 'diskann', 'ivf', 'ivfflat')
{
	$said = build('2M', $method);
	like($said, qr/NOTICE:  not enough shared memory to build the index in parallel\nDETAIL:  \d+ MB/,
		"$method, none: one process");
	unlike($said, qr/using \d parallel workers/, "$method, none: no workers");
}

# samples of queries that have no room: searches go on, and can be cancelled afterwards
$node->stop;
$node->append_conf('postgresql.conf', "vector.sample_queries = 1\nenable_seqscan = off");
system_or_bail(in_small('1500k', "exec pg_ctl -w -D '" . $node->data_dir . "' -l '" . $node->logfile . "' start >/dev/null"));
$node->_update_pid(1);
$node->safe_psql('postgres', "CREATE INDEX items_s ON items USING sparse ((v::sparsevec(64)) sparsevec_ip_ops)");
my $offset = -s $node->logfile;
my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT count(*) FROM (SELECT id FROM items ORDER BY v::sparsevec(64) <#> '{1:1}/64' LIMIT 3) s;
	SET statement_timeout = 100; SELECT pg_sleep(60)");
is($stdout, 3, 'no room for samples: a search goes on');
like($stderr, qr/canceling statement due to statement timeout/, 'no room for samples: statements can be cancelled');
like(slurp_file($node->logfile, $offset), qr/LOG:  there is no shared memory for samples of queries/, 'no room for samples: the log says so');
is($node->safe_psql('postgres', "SELECT count(*) FROM vector_query_samples('items_s')"), 0, 'no room for samples: there are none');

$node->stop;
done_testing();

# Samples of queries: all sessions' are one sample, in memory only, of each server its own; they go with the index, its file, the
# database and the server; sessions that search, read, forget and drop do not meet each other's; workers measure curves by them
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Find;

plan skip_all => 'samples are ours' if $ENV{VECTOR_PEER};

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
# segments of dynamic shared memory are files, which can be counted
$primary->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
dynamic_shared_memory_type = mmap
max_parallel_workers_per_gather = 0
restart_after_crash = on
vector.sample_queries = 1
CONF
$primary->start;
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub sql { return $primary->safe_psql('postgres', @_); }

# the segments of a server with 1,000 samples of 4 dimensions, or as many of 1,000 as have room
sub segments
{
	my ($node, $size) = @_;
	return scalar(grep { -s $_ == ($size // 1000 * (24 + 24)) } glob($node->data_dir . '/pg_dynshmem/mmap.*'));
}
sub samples { my ($node, $index) = @_; return $node->safe_psql('postgres', "SELECT count(*) FROM vector_query_samples('$index')"); }

sub search
{
	my ($node, $table, $first, $last) = @_;
	$node->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM generate_series($first, $last) n,
		LATERAL (SELECT id FROM $table ORDER BY v <-> ARRAY[n, n, n, n * 1234.5625]::vector LIMIT 1) s");
}

sub make
{
	my ($table) = @_;
	sql("CREATE TABLE $table (id int, v vector(4)); INSERT INTO $table SELECT n, ARRAY[n, n, n, n] FROM generate_series(1, 500) n;
		CREATE INDEX ${table}_v ON $table USING hnsw (v vector_l2_ops)");
}

sql('CREATE EXTENSION vector');
make('a');
make('b');

# sessions add to the same sample
search($primary, 'a', 1, 3);
search($primary, 'a', 4, 5);
is(samples($primary, 'a_v'), 5, 'sessions add to one sample');
is(segments($primary), 1, 'which takes a segment');
is(sql("SELECT string_agg(query, ' ' ORDER BY query) FROM vector_query_samples('a_v') WHERE k = 1"),
	'[1,1,1,1234.5625] [2,2,2,2469.125] [3,3,3,3703.6875] [4,4,4,4938.25] [5,5,5,6172.8125]', 'of the queries');

# the standby has its own
$primary->wait_for_catchup($standby);
is(samples($standby, 'a_v'), 0, 'a standby does not have those of its primary');
search($standby, 'a', 101, 104);
is(samples($standby, 'a_v'), 4, 'but its own');
is($standby->safe_psql('postgres', "SELECT recall, queries_used, source FROM vector_recall('a_v', k => 3, queries => 'samples', efforts => '{500}')"),
	'1|4|samples', 'by which recall is measured there');
is(samples($primary, 'a_v'), 5, 'and the primary does not get them');
$standby->safe_psql('postgres', "SELECT vector_query_samples_reset('a_v')");
is(samples($standby, 'a_v'), 0, 'a standby forgets');
search($standby, 'a', 101, 104);

# a session that has not used the extension drops an index: the segment is gone at once
search($primary, 'b', 1, 3);
is(segments($primary), 2, 'two indexes have samples');
sql('DROP INDEX a_v');
is(segments($primary), 1, 'that of a dropped index is gone');
$primary->wait_for_catchup($standby);
search($standby, 'b', 1, 1);
is(segments($standby), 1, 'on the standby as well');
sql('BEGIN; DROP TABLE b; ROLLBACK');
is(samples($primary, 'b_v'), 3, 'a table that was not dropped after all keeps its samples');
sql('REINDEX INDEX CONCURRENTLY b_v');
is(segments($primary), 0, 'those of an index that was made anew are gone');
search($primary, 'b', 1, 3);
sql('VACUUM FULL b');
is(samples($primary, 'b_v'), 0, 'and with a table that was rewritten');
search($primary, 'b', 1, 3);
sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
is(segments($primary), 0, 'and with a schema');
sql('CREATE EXTENSION IF NOT EXISTS vector');

# a database
sql('CREATE DATABASE other');
$primary->safe_psql('other', "CREATE EXTENSION vector; SET enable_seqscan = off;
	CREATE TABLE c (v vector(4)); INSERT INTO c VALUES ('[1,2,3,4]'); CREATE INDEX c_v ON c USING hnsw (v vector_l2_ops);
	SELECT v FROM c ORDER BY v <-> '[4,3,2,1]' LIMIT 1");
is(segments($primary), 1, 'another database has samples');
sql('DROP DATABASE other');
make('e');
search($primary, 'e', 1, 1);
is(segments($primary), 1, 'until it is dropped');
sql('DROP TABLE e');
is(segments($primary), 0, 'with all');

# so many indexes that not all have room: those searched last have samples
my $size = 260 * (4008 + 24);
sql('CREATE FUNCTION one(n int) RETURNS vector LANGUAGE sql AS $$ SELECT array_fill(n, ARRAY[1000])::vector $$');
sql('SET enable_seqscan = off;' . join('', map { "CREATE TABLE s$_ (id int, v vector(1000)); INSERT INTO s$_ SELECT n, one(n) FROM generate_series(1, 20) n;
	CREATE INDEX s${_}_v ON s$_ USING hnsw (v vector_l2_ops); SELECT id FROM s$_ ORDER BY v <-> one(7) LIMIT 1;" } 1 .. 18));
is(segments($primary, $size), 16, 'at most 16 MB');
is(sql("SELECT string_agg((SELECT count(*) FROM vector_query_samples(format('s%s_v', n)::regclass))::text, ',' ORDER BY n) FROM generate_series(1, 18) n"),
	'0,0' . ',1' x 16, 'which those searched last have');

# many sessions at the same time
$primary->append_conf('postgresql.conf', 'enable_seqscan = off');
$primary->reload;
my %scripts = (
	'067_search@6' => "\\set i random(1, 18)\n\\set n random(1, 1000)\nSELECT id FROM s:i ORDER BY v <-> one(:n) LIMIT 3;\n",
	'067_read@2' => "\\set i random(1, 18)\nSELECT count(query::vector(1000)) FROM vector_query_samples('s' || :i || '_v');\n",
	'067_reset@1' => "\\set i random(1, 18)\nSELECT vector_query_samples_reset('s' || :i || '_v');\n",
	'067_reindex@1' => "REINDEX INDEX s1_v;\n"
);
$primary->pgbench('--no-vacuum --client=5 --transactions=60', 0, [qr{processed: 300/300}], [qr{^$}], 'searches, readers, resets and REINDEX at the same time', \%scripts);
cmp_ok(segments($primary, $size), '<=', 16, 'do not exceed the memory');
sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION vector');
is(segments($primary, $size), 0, 'and leave nothing');

# a preloaded library: workers measure curves by samples once there are enough, though no row has changed
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'vector'");
$primary->restart;
make('d');
sql('ALTER DATABASE postgres SET vector.target_recall = 0.9');
sql('ANALYZE d');
is(sql("SELECT DISTINCT source FROM vector_recall_curves('d_v')"), 'rows', 'without samples curves are measured by rows');
search($primary, 'd', 1, 120);
sql('VACUUM d');
ok($primary->poll_query_until('postgres', "SELECT DISTINCT source = 'samples' AND min(queries) = 120 FROM vector_recall_curves('d_v') WHERE k = 10 GROUP BY source"),
	'a worker measures by samples');
$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()') or die 'the worker does not end';

# a crash ends them, and they begin anew
my $victim = $primary->background_psql('postgres', on_error_stop => 0);
kill 'KILL', $victim->query_safe('SELECT pg_backend_pid()');
$primary->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
eval { $victim->quit };
is(samples($primary, 'd_v'), 0, 'a crash ends the samples');
search($primary, 'd', 3, 4);
is(samples($primary, 'd_v'), 2, 'after which queries are sampled');

# and so does the server's end: they are in no file, nor in the log or a dump
my ($dump) = run_command([ 'pg_dump', '-d', $primary->connstr('postgres') ]);
unlike($dump, qr/3703\.6875/, 'no dump has them');
$primary->stop;
my @found;
my $bytes = pack('f<4', 3, 3, 3, 3703.6875);
foreach my $node ($primary, $standby)
{
	$standby->stop if $node == $standby;
	find(sub {
		return if !-f $_;
		my $text = slurp_file($_);
		push @found, $File::Find::name if index($text, $bytes) >= 0 || index($text, '3703.6875') >= 0;
	}, $node->data_dir, $node->logfile);
}
is("@found", '', 'no file has them');
$primary->start;
is(samples($primary, 'd_v'), 0, 'a restart ends them');
is(sql("SELECT DISTINCT source FROM vector_recall_curves('d_v')"), 'samples', 'but not what was measured by them');
search($primary, 'd', 3, 5);
is(samples($primary, 'd_v'), 3, 'after which queries are sampled');
sql('DROP TABLE d');
is(segments($primary), 0, 'and dropped');
$primary->stop;
done_testing();

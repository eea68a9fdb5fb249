# The table of jobs: if there is no memory for it rows are sealed nevertheless; a job that cannot be done now is put off
# and does not block others, and one that fails is tried again after pauses that double
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
max_connections = 10
max_locks_per_transaction = 30
max_parallel_workers_per_gather = 0
vector.idle_merge_delay = 0
CONF
$node->start;
create_items($node, 8);

sub sql { return $node->safe_psql('postgres', @_); }

sub create
{
	my ($table) = @_;
	sql("CREATE TABLE $table (v vector(8));
		CREATE INDEX ${table}_v ON $table USING hnsw (v vector_l2_ops) WITH (seal_rows = 200)");
}

sub insert
{
	my ($table, $rows) = @_;
	sql("INSERT INTO $table SELECT place(n) FROM generate_series(1, $rows) n");
}

my $jobs = 'vector_jobs()';
my $segments = 'vector_segments()';
sub sealed { "SELECT coalesce(sum(rows), 0) >= $_[1] FROM $segments WHERE index = '$_[0]_v'::regclass AND kind = 'sealed'" }
my $idle = "SELECT count(*) = 0 FROM $jobs";

# a session with very many locks uses up the server's spare memory, for good
create('alone');
my ($code, $out, $error) = $node->psql('postgres', 'SELECT pg_advisory_lock(n) FROM generate_series(1, 1000000) n');
like($error, qr/out of shared memory/, 'the shared memory is used up');
insert('alone', 1000);
ok(1, 'rows can be inserted past seal_rows');
like(sql("SELECT coalesce(sum(rows) FILTER (WHERE kind = 'growing'), 0) <= 400, vector_index_check('alone_v') FROM $segments"),
	qr/^t\|1000$/, 'and are sealed by who inserts them') if $node->pg_version < 17;
is(sql("SELECT vector_seal('alone_v') >= 0, count(*) FROM $jobs"), 't|0', 'there are no jobs');
sql('VACUUM alone');
is(sql("SET enable_seqscan = off; SELECT id FROM (SELECT 1 AS id FROM alone ORDER BY v <-> place(1) LIMIT 1) s;
	SELECT scans, rows_inserted FROM vector_stat_indexes() WHERE index = 'alone_v'::regclass"), "1\n1|0", 'a session sees its own statistics')
	if $node->pg_version < 17;
if ($node->pg_version < 17)
{
	like(slurp_file($node->logfile), qr/background workers for vector indexes are not available/, 'the log says why');
}
$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 64');
$node->restart;
insert('alone', 600);
ok($node->poll_query_until('postgres', sealed('alone', 1400)), 'with memory there are workers again');
ok($node->poll_query_until('postgres', $idle), 'which end');

# indexes that open transactions have locked leave the workers to other indexes
create($_) foreach qw(first second third);
my @sessions = map { $node->background_psql('postgres') } 1 .. 2;
foreach my $i (0 .. 1)
{
	my $table = (qw(first second))[$i];
	$sessions[$i]->query_safe("BEGIN; TRUNCATE $table; INSERT INTO $table SELECT place(n) FROM generate_series(1, 500) n");
}
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM $jobs WHERE state IN ('running', 'waiting')"),
	'two indexes are locked');
insert('third', 500);
ok($node->poll_query_until('postgres', sealed('third', 200)), 'a third is sealed');
is(sql("SELECT count(*) FROM $jobs WHERE index IN ('first_v'::regclass, 'second_v'::regclass)"), 2,
	'while the two are locked and not given up');
$_->query_safe('COMMIT') foreach @sessions;
ok($node->poll_query_until('postgres', sealed($_, 200)), "then $_ is sealed, too") foreach qw(first second);
ok($node->poll_query_until('postgres', $idle), 'and the workers end');
$_->quit foreach @sessions;

SKIP:
{
	skip 'not compiled with wait points', 1 unless has_wait_points($node);

	# rows that die while a worker replaces their segments stay dead, before most tombstones are copied and after
	local $ENV{PGOPTIONS} = '-c vector.wait_point=';
	my $gate = $node->background_psql('postgres');
	set_for_all($node, 'vector.merge_factor = 2');
	foreach my $case ('hnsw reserved', 'hnsw flip', 'ivf reserved', 'ivf flip')
	{
		my ($method, $place) = split(/ /, $case);
		my $with = $method eq 'ivf' ? ', lists = 4' : '';
		my $work = 'SET vector.background_work = off';
		sql("CREATE TABLE moved (id int PRIMARY KEY, v vector(8));
			CREATE INDEX moved_v ON moved USING $method (v vector_l2_ops) WITH (seal_rows = 600$with)");
		foreach my $step ("INSERT INTO moved SELECT n, place(n) FROM generate_series(1, 700) n", 'VACUUM moved')
		{
			$gate->query_safe('SELECT pg_advisory_lock(0, 4711)');
			set_for_all($node, "vector.wait_point = '$place'");
			sql($step);
			# reading a catalog takes a snapshot for a moment
			ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
				WHERE backend_type = 'vector worker' AND wait_event = 'PgSleep' AND backend_xmin IS NULL"),
				"$case: a worker stops");
			sql("DELETE FROM moved WHERE id % 20 = 7 OR id % 700 < 20; $work; VACUUM (INDEX_CLEANUP ON) moved");
			$gate->query_safe('SELECT pg_advisory_unlock(0, 4711)');
			ok($node->poll_query_until('postgres', $idle), 'and ends');
			is(sql("SELECT count(*) - vector_index_check('moved_v') FROM moved"), 0, 'what has died stays dead');
			sql("$work; INSERT INTO moved SELECT n, place(n) FROM generate_series(1001, 1700) n;
				SELECT vector_seal('moved_v')") if $step =~ /INSERT/;
		}
		# and the rest with it, as the worker is idle
		is(sql("SELECT count(*) FROM $segments WHERE index = 'moved_v'::regclass AND kind = 'sealed'"),
			1, 'segments of one size became one');
		sql('DROP TABLE moved');
	}
	$gate->quit;

	# a job that fails is tried again after a pause that doubles
	create('failing');
	set_for_all($node, "vector.wait_point = 'reserved*'");
	foreach my $pause ('00:00:10', '00:00:20')
	{
		my $failed = "FROM $jobs WHERE state = 'failed' AND last_error = 'out of memory'";
		$node->poll_query_until('postgres', "SELECT count(*) = 1 $failed AND due IS NULL") or die 'it is not due'
			if $pause ne '00:00:10';
		insert('failing', 300);
		ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $failed AND due IS NOT NULL"), 'a worker fails');
		is(sql("SELECT date_trunc('second', due - last_error_at) $failed"), $pause, "and is not to come before $pause");
	}
	set_for_all($node, "vector.wait_point = ''");
	sql("SELECT vector_seal('failing_v'); VACUUM failing");
	is(sql("SELECT vector_index_check('failing_v')"), 600, 'others seal meanwhile');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|WARNING/, 'nothing bad in the log');
done_testing();

# Standbys while workers seal and merge on the primary: readers on them, a cascade, promotion in the
# middle of a merge, and archive recovery to a point in time
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'workers are ours' if $ENV{VECTOR_PEER};

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, has_archiving => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
wal_keep_size = 1GB
max_wal_size = 1GB
max_standby_streaming_delay = 300ms
hot_standby_feedback = off
vector.idle_merge_delay = 0
CONF
$primary->start;
create_items($primary, 16);
$primary->safe_psql('postgres',
	'CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 200)');
my $points = has_wait_points($primary);

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$standby->backup('base');
my $cascade = PostgreSQL::Test::Cluster->new('cascade');
$cascade->init_from_backup($standby, 'base', has_streaming => 1);
$cascade->start;

sub idle
{
	$_[0]->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()')
	  or die 'the workers do not come to an end';
}

# Every row of a node's table is found by its own vector.
my $missing = 'SET enable_seqscan = off; SET hnsw.ef_search = 200;
	SELECT count(*) FROM items i WHERE id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)';

# Readers on both standbys, while the primary's workers merge and its blocks are reused: the wanted row is
# found, also by a transaction that looks again later, or the query gets a recovery conflict.  With feedback the primary
# keeps what the standbys need, except for queries that begin before it knows of them.
my $conflicts = 'SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts';
my $next = 700;
foreach my $feedback ('off', 'on')
{
	my @readers;
	# the cascaded standby first, so that the other one passes its feedback on
	foreach my $node ($cascade, $standby)
	{
		$node->append_conf('postgresql.conf', "hot_standby_feedback = $feedback\nwal_receiver_status_interval = 1s");
		$node->reload;
		my $xmin = $feedback eq 'on' ? 'IS NOT NULL' : 'IS NULL';
		($node == $standby ? $primary : $standby)->poll_query_until('postgres',
			"SELECT bool_and(backend_xmin $xmin) FROM pg_stat_replication") or die 'no feedback';
		# a graph need not lead to every node; division by zero reports that several rows are not found
		my $read = 'SELECT 1 / (count(*) FILTER (WHERE id <> found) < 3)::int FROM
			(SELECT id, (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1) AS found
			FROM items i WHERE id BETWEEN :id AND :id + 5) x;' =~ s/\s+/ /gr;
		my %scripts = (once => $read, again =>
			"BEGIN ISOLATION LEVEL REPEATABLE READ;\n$read\n\\sleep 200 ms\n$read\nCOMMIT;");
		foreach my $name (sort keys %scripts)
		{
			my $file = $node->basedir . "/$name.$feedback.sql";
			append_to_file($file, "\\set id random($next - 1500, $next + 7000)\n$scripts{$name}\n");
			# a session idle in a transaction that conflicts is disconnected: others follow
			my ($out, $err) = ('', '');
			push @readers, { name => "feedback $feedback, " . $node->name . ", $name", err => \$err, out => \$out,
				run => IPC::Run::start([ 'env', 'PGOPTIONS=-c enable_seqscan=off -c hnsw.ef_search=200', 'sh', '-c',
				'for i in 1 2 3 4; do pgbench "$@"; done; true', 'sh',
				'-n', '-c', 2, '-T', 2, '--max-tries=3', '-h', $node->host, '-p', $node->port, '-f', $file,
				'postgres' ], '>', \$out, '2>', \$err) };
		}
	}
	my $before = $standby->safe_psql('postgres', $conflicts);
	foreach my $round (1 .. 12)
	{
		$primary->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series($next, $next + 699) n");
		$primary->safe_psql('postgres', "DELETE FROM items WHERE id < $next - 2000; VACUUM items; SELECT txid_current()");
		$next += 700;
	}
	foreach my $reader (@readers)
	{
		$reader->{run}->finish;
		unlike(${ $reader->{err} }, qr/division by zero/, "$reader->{name}: readers never see a wrong row");
		my @errors = grep { /ERROR|FATAL/ } split /\n/, ${ $reader->{err} };
		is(scalar(grep { !/conflict with recovery|was reused while it was being read/ } @errors), 0,
			'and meet no error but those of recovery') or diag(join("\n", grep { defined } @errors[ 0 .. 5 ]));
		like(${ $reader->{out} }, qr/actually processed: [1-9]/, 'but get answers')
		  if $feedback eq 'on' || $reader->{name} =~ /once/;
		my $answers = 0;
		$answers += $1 while ${ $reader->{out} } =~ /actually processed: (\d+)/g;
		note("$answers transactions, " . @errors . ' errors');
	}
	is($standby->safe_psql('postgres', $conflicts), $before, 'with feedback no snapshot is in the way of recovery')
	  if $feedback eq 'on';
}
idle($primary);
$primary->wait_for_catchup($standby);
$standby->wait_for_catchup($cascade, 'replay', $standby->lsn('replay'));
my $nearest = 'SET enable_seqscan = off; SELECT md5(string_agg(id::text, $$,$$)) FROM
	generate_series(1, 30) q, LATERAL (SELECT id FROM items ORDER BY v <-> place(-q) LIMIT 20) x';
foreach my $node ($standby, $cascade)
{
	is($node->safe_psql('postgres', $nearest), $primary->safe_psql('postgres', $nearest),
		$node->name . ': the same answers');
	is($node->safe_psql('postgres', $missing), 0, $node->name . ': every row is found');
	my ($code, $out, $error) = $node->psql('postgres', "SELECT vector_merge('items_v')");
	like($error, qr/recovery is in progress/, $node->name . ': nothing is merged there');
}

# archive recovery to a point before and after a merge
$primary->backup('archive');
$primary->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series(25001, 25500) n");
idle($primary);
my %expected = (before => $primary->safe_psql('postgres', 'SELECT count(*), sum(id) FROM items'));
$primary->safe_psql('postgres', "SELECT pg_create_restore_point('before')");
$primary->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series(30001, 30500) n;
	SELECT vector_seal('items_v'), vector_merge('items_v')");
$expected{after} = $primary->safe_psql('postgres', 'SELECT count(*), sum(id) FROM items');
$primary->safe_psql('postgres', "SELECT pg_create_restore_point('after'); SELECT pg_switch_wal()");
foreach my $point ('before', 'after')
{
	my $node = PostgreSQL::Test::Cluster->new("restored_$point");
	$node->init_from_backup($primary, 'archive', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "recovery_target_name = '$point'\nrecovery_target_action = promote\n"
		. "recovery_target_timeline = current\narchive_mode = off");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
	is($node->safe_psql('postgres', 'SELECT count(*), sum(id) FROM items'), $expected{$point},
		"restored to the point $point: the rows are there");
	is($node->safe_psql('postgres', $missing), 0, 'and found');
	is($node->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series(40001, 40600) n;
		VACUUM items; SELECT count(*) = vector_index_check('items_v') FROM items"), 't', 'and it goes on');
	$node->stop;
}

# promotion while the primary's worker has written a segment, but not published it
if ($points)
{
	$primary->safe_psql('postgres', "LOAD 'vector'; ALTER SYSTEM SET vector.wait_point = 'flip!'");
	$primary->safe_psql('postgres', 'SELECT pg_reload_conf()');
}
# sessions of this test do not stop where the worker waits
$ENV{PGOPTIONS} = '-c vector.wait_point=' if $points;
$primary->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series(50001, 50350) n");
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM vector_segments() WHERE kind = 'reserved'")
  if $points;
$primary->wait_for_catchup($standby);
my $rows = $primary->safe_psql('postgres', 'SELECT count(*), sum(id) FROM items');
my $reserved = $standby->safe_psql('postgres', "SELECT coalesce(max(segment), 0) FROM vector_segments()
	WHERE kind = 'reserved'");
cmp_ok($reserved, '>', 0, 'the standby knows of a segment that is being written') if $points;
$primary->stop('immediate');
$standby->promote;
delete $ENV{PGOPTIONS};
is($standby->safe_psql('postgres', 'SELECT count(*), sum(id) FROM items'), $rows, 'promoted: the rows are there');
is($standby->safe_psql('postgres', $missing), 0, 'promoted: they are found');
$standby->safe_psql('postgres', "INSERT INTO items SELECT n, place(n) FROM generate_series(60001, 61000) n");
idle($standby);
is($standby->safe_psql('postgres', "SELECT count(*) FROM vector_segments() WHERE segment = $reserved"), 0,
	'promoted: what was being written is free again');
is($standby->safe_psql('postgres', "VACUUM items; SELECT count(*) = vector_index_check('items_v') FROM items"), 't',
	'promoted: the index is sound and complete');
$standby->wait_for_catchup($cascade);
is($cascade->safe_psql('postgres', $missing), 0, 'the cascade follows');
$_->stop foreach $cascade, $standby;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log of ' . $_->name)
  foreach $primary, $standby, $cascade;
done_testing();

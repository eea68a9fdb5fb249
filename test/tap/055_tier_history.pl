# Segments in an object store over time: kill -9 at any moment while they are moved there and back, and restores to points of
# a history, at which searches return what they returned then
# VECTOR_LONG=1 in the environment: 200 kills in place of 50, and each of the 20 points is restored from the backup, too.
# VECTOR_SEED: another sequence.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

plan skip_all => 'object stores are ours' if $ENV{VECTOR_PEER};

my $long = $ENV{VECTOR_LONG};
my $kills = $long ? 200 : 50;
my $seed = $ENV{VECTOR_SEED} // 1;
srand($seed);
note "VECTOR_SEED=$seed";

my $store = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1, has_archiving => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on\nvector.idle_merge_delay = -1\n"
	. "vector.background_work = off\nvector.tier_retention = 0");
$node->start;
create_items($node, 16);

sub sql { return $node->safe_psql('postgres', "LOAD 'vector';" . shift); }

sql("CREATE SERVER cold FOREIGN DATA WRAPPER vector_store OPTIONS (provider 'folder', path '$store'); CREATE SEQUENCE ids");
my $insert = "INSERT INTO items SELECT n, place(n) FROM (SELECT nextval('ids') AS n FROM generate_series(1, 220)) x";
sql("$insert;
	CREATE INDEX items_d ON items USING diskann (v vector_l2_ops) WITH ($with{diskann}, storage = full, tier = cold);
	CREATE INDEX items_i ON items USING ivf (v vector_cosine_ops) WITH ($with{ivf}, tier = cold)");
my %operator = (items_d => '<->', items_i => '<=>');
my @indexes = sort keys %operator;

sub each_index
{
	my ($function) = @_;
	return 'SELECT ' . join(', ', map { "$function('$_')" } @indexes);
}

# What is done to the table and its indexes, again and again.
my @steps = (
	"$insert; " . each_index('vector_seal'),
	each_index('vector_tier'),
	'DELETE FROM items WHERE id % 11 = (SELECT max(id) % 11 FROM items); VACUUM items',
	each_index('vector_merge'),
	each_index('vector_tier'),
	each_index('vector_untier'),
	each_index('vector_tier'));

# Whether the indexes are sound, and the ten nearest rows of some places, by either.
sub found
{
	my ($where) = @_;
	my $checks = join(' ', map { "SELECT vector_index_check('$_') >= count(*) FROM items;" } @indexes);
	my $searches = join(' UNION ALL ', map {
		my $operator = $operator{$_};
		map { "SELECT string_agg(id::text, ',') FROM (SELECT id FROM items ORDER BY v $operator place($_) LIMIT 10) x" } (3, 50, 120)
	} @indexes);
	my ($status, $out, $error) = $where->psql('postgres', "LOAD 'vector'; SET vector.background_work = off; SET enable_seqscan = off;
		SET enable_sort = off; SET ivf.probes = 8; $checks
		SELECT count(*) FROM items; $searches");
	return $status ? $error : $out;
}

# Likewise, as soon as the server is back.
sub found_after_crash
{
	my $answer = '';
	for (my $tries = 0; $tries < 9000 && $answer !~ /^[tf]\n|ERROR/; $tries++)
	{
		usleep(20_000);
		$answer = eval { found($node) } // '';
	}
	return $answer;
}

# Kills the process that moves segments, at a moment that is in no way chosen.
my @work = map { split /; / } (@steps) x 20;
my ($unsound, $killed) = (0, 0);
foreach my $round (1 .. $kills)
{
	my ($out, $error) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-XAqt', '-d', $node->connstr('postgres'),
		map { ('-c', $_) } 'SELECT pg_backend_pid()', "LOAD 'vector'", @work ], '>', \$out, '2>', \$error);
	$session->pump until $out =~ /^\d+\n/;
	my ($pid) = $out =~ /^(\d+)/;
	usleep(int(rand($round % 5 ? 60_000 : 400_000)));
	$killed += kill 'KILL', $pid;
	$session->finish;
	my $answer = found_after_crash();
	next if $answer =~ /^t\nt\n/;
	diag("round $round: $answer");
	$unsound++;
}
is($killed, $kills, 'a process was killed in each round');
is($unsound, 0, 'no row is lost, and nothing damaged');
is(sql("VACUUM (INDEX_CLEANUP ON) items; SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 0, 'nothing is left reserved');
sql("VACUUM items; SELECT txid_current(); VACUUM items; SELECT vector_tier_collect('cold')");
is(sql("SELECT count(*) FROM vector_tier_objects('cold') WHERE state = 'orphaned'"), 0, 'the collector removes what a kill has left');
like(found($node), qr/^t\nt\n/, 'and nothing else');

# A history from a backup on, and what is found at each of its points
set_for_all($node, "vector.tier_retention = '7d'");
$node->backup('start');
my @then;
foreach my $point (0 .. 19)
{
	sql($steps[ $point % @steps ]);
	push @then, found($node);
	sql("SELECT pg_create_restore_point('point $point')");
}
sql('SELECT pg_switch_wal()');
my $last = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_lsn())');
sql("INSERT INTO items VALUES (0, place(0)); SELECT pg_switch_wal()");
$node->poll_query_until('postgres', "SELECT last_archived_wal >= '$last' FROM pg_stat_archiver") or die 'not archived';

# A server that replays until a point, and stops there
sub restore
{
	my ($name, $point, $action) = @_;
	my $restored = PostgreSQL::Test::Cluster->new($name);
	$restored->init_from_backup($node, 'start', has_restoring => 1, standby => 1);
	go_to($restored, $point, $action);
	return $restored;
}

sub go_to
{
	my ($restored, $point, $action) = @_;
	$restored->append_conf('postgresql.conf', "recovery_target_name = 'point $point'\nrecovery_target_action = '$action'\narchive_mode = off");
	$restored->start;
	my $there = $action eq 'promote' ? 'NOT pg_is_in_recovery()' : "pg_get_wal_replay_pause_state() = 'paused'";
	$restored->poll_query_until('postgres', "SELECT $there") or die 'not restored';
	return;
}

my $walker = restore('walker', 0, 'pause');
foreach my $point (0 .. 19)
{
	if ($point > 0)
	{
		$walker->stop('fast');
		go_to($walker, $point, 'pause');
	}
	is(found($walker), $then[$point], "restored to point $point: the same rows are found");
}
$walker->stop('immediate');
foreach my $point ($long ? (0 .. 19) : 18)
{
	my $restored = restore("restored$point", $point, 'promote');
	is(found($restored), $then[$point], "restored to point $point, and promoted: the same rows are found");
	like($restored->safe_psql('postgres', "LOAD 'vector'; " . each_index('vector_untier') . '; ' . each_index('vector_index_check')),
		qr/^[1-9]\d*\|[1-9]\d*\n(\d+)\|\1$/, "restored to point $point: all is brought back") if $point == 18;
	$restored->stop('immediate');
}
like(found($node), qr/^t\nt\n/, 'the primary finds its rows');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();

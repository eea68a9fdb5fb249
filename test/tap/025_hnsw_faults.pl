# Faults in every phase, with every access method: no memory, cancelled, timed out, a worker killed, fsync that fails.  A clear
# error, no locks, memory or blocks left behind, and the index as it was
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on\nmax_wal_size = 2GB");
$node->start;
create_items($node, 16);
plan skip_all => 'not compiled with wait points' if !has_wait_points($node);

sub sql { return $node->safe_psql('postgres', @_); }

sql('CREATE SEQUENCE ids');

my $insert = 'INSERT INTO items SELECT n, place(n) FROM (SELECT nextval($$ids$$) AS n FROM generate_series(1, 150)) x';
my $off = "LOAD 'vector'; SET vector.background_work = off";

sub create
{
	my ($am) = @_;
	sql("TRUNCATE items; DROP INDEX IF EXISTS items_v; CREATE INDEX items_v ON items USING $am (@{[ column_of($am, 16) ]}) WITH ($with{$am})");
}

# Several segments of both kinds, with dead rows.
sub fill
{
	sql("$off; $insert; SELECT vector_seal('items_v')") foreach 1, 2;
	sql("$off; $insert; DELETE FROM items WHERE id % 9 = (SELECT max(id) % 9 FROM items)");
}

sub sound
{
	my ($name) = @_;
	is(sql("VACUUM (INDEX_CLEANUP ON) items; SELECT count(*) = vector_index_check('items_v') FROM items"), 't',
		"$name: the index is sound and complete");
	is(lost_rows($node, 'id % 7, id', 100), 0, "$name: rows are found");
}

# What a session must not have after an error: page locks, and memory of the failed statement.
my $left = "SELECT (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('page', 'extend'))
	+ (SELECT count(*) FROM pg_backend_memory_contexts WHERE name IN ('vector seal', 'vector insert', 'vector build', 'vector lists', 'vector scan', 'vector filter'))";

my %statements = (
	insert => $insert,
	'insert that seals' => $insert =~ s/150/600/r,
	seal => "SELECT vector_seal('items_v')",
	merge => "SELECT vector_merge('items_v')",
	build => 'CREATE INDEX other ON items USING AM (COLUMN)',
	rebuild => 'REINDEX INDEX items_v',
	'build in partitions' => "SET maintenance_work_mem = '1MB'; REINDEX INDEX items_v",
	search => 'SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> place(7) LIMIT 5',
	vacuum => 'VACUUM (INDEX_CLEANUP ON) items');
my @lists = ([ 'insert', 'append*', 'append*70' ],
	[ 'insert that seals', 'closed*', 'reserved*', 'flip*', 'assign*', 'write*50' ],
	[ 'seal', 'closed*', 'reserved*', 'flip*', 'assign*', 'write*', 'write*100' ],
	[ 'merge', 'reserved*', 'flip*', 'write*', 'write*300' ],
	[ 'build', 'train*', 'train*5', 'centroids*', 'assign*', 'assign*2', 'write*', 'write*200' ],
	[ 'search', 'allocate*' ],
	[ 'vacuum', 'bury*', 'flip*', 'write*' ]);
my %faults = (
	hnsw => [ [ 'insert', 'append*', 'append*70' ],
		[ 'insert that seals', 'closed*', 'reserved*', 'flip*', 'allocate*5' ],
		[ 'seal', 'closed*', 'reserved*', 'flip*', map { "allocate*$_" } 1, 2, 5, 20, 50 ],
		[ 'merge', 'closed*', 'reserved*', 'flip*', map { "allocate*$_" } 1, 3, 9 ],
		[ 'build', map { "allocate*$_" } 1, 2, 5, 20, 100 ],
		[ 'build in partitions', map { "allocate*$_" } 1, 30 ],
		[ 'search', map { "allocate*$_" } 1, 2, 4 ],
		[ 'vacuum', 'bury*', 'closed*', 'flip*', 'allocate*3' ] ],
	diskann => [ [ 'seal', 'closed*', 'flip*', map { "allocate*$_" } 1, 5, 20 ],
		[ 'merge', 'reserved*', 'flip*', map { "allocate*$_" } 1, 3, 9 ],
		[ 'build', map { "allocate*$_" } 1, 5, 20 ],
		[ 'build in partitions', map { "allocate*$_" } 1, 30 ],
		[ 'search', map { "allocate*$_" } 1, 2, 4 ] ],
	sparse => [ [ 'seal', 'closed*', 'write*', 'write*100', 'flip*' ], [ 'merge', 'reserved*', 'write*300', 'flip*' ], [ 'build', 'write*', 'write*200' ],
		[ 'vacuum', 'bury*', 'flip*', 'write*' ] ],
	bm25 => [ [ 'seal', 'closed*', 'write*', 'flip*' ], [ 'merge', 'reserved*', 'write*300', 'flip*' ], [ 'rebuild', 'write*' ] ],
	ivf => \@lists,
	ivfflat => [ [ 'seal', 'write*' ], [ 'merge', 'write*' ], [ 'build', 'train*', 'centroids*', 'write*' ] ]);
my %stops = (
	hnsw => [ [ 'insert', 'append!' ], [ 'seal', 'closed!' ], [ 'merge', 'flip!' ], [ 'vacuum', 'bury!' ],
		[ 'search', 'allocate!' ], [ 'build', 'allocate!' ] ],
	ivf => [ [ 'seal', 'assign!' ], [ 'merge', 'write!' ], [ 'search', 'allocate!' ],
		map { [ 'build', "$_!" ] } 'train', 'centroids', 'assign', 'write' ],
	sparse => [ map { [ $_, 'write!' ] } 'seal', 'merge', 'build' ],
	bm25 => [ map { [ $_, 'write!' ] } 'merge', 'rebuild' ],
	ivfflat => [ [ 'seal', 'write!' ], map { [ 'build', "$_!" ] } 'train', 'write' ]);

foreach my $am (sort keys %faults)
{
	create($am);
	foreach my $row (@{ $faults{$am} })
	{
		my ($what, @places) = @$row;
		my $failed = 0;
		foreach my $place (@places)
		{
			fill();
			my ($code, $out, $error) = $node->psql('postgres', "$off; SET vector.wait_point = '$place';
				$statements{$what};\nSET vector.wait_point = '';
				$left;
				SELECT vector_seal('items_v') >= 0;
				SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'" =~ s/;\s*/;\n/gr =~ s/USING AM/USING $am/r =~ s/COLUMN/column_of($am, 16) =~ s|_l2_|_cosine_|r/er,
				on_error_stop => 0);
			$failed++ if $error =~ /ERROR:  out of memory\nDETAIL:  Failed as told/;
			unlike($error =~ s/ERROR:  out of memory//r, qr/ERROR|WARNING|FATAL/, "$am, $what, $place: no other error");
			like($out, qr/(?:^|\n)0\nt\n0$/, "$am, $what, $place: nothing is left behind, and the session goes on");
			sql('DROP INDEX IF EXISTS other');
		}
		cmp_ok($failed, '>=', @places / 2, "$am, $what failed as told");
		sound("$am, no memory in $what");
	}
	is(sql("SELECT vector_merge('items_v') >= 0; SELECT txid_current(); VACUUM items;
		SELECT count(*) FROM vector_segments() WHERE kind IN ('reserved', 'retired')") =~ s/^t\n\d+\n//r, 0,
		"$am: no blocks are left behind");

	# cancelled or timed out, wherever it waits
	foreach my $case (@{ $stops{$am} })
	{
		my ($what, $place) = @$case;
		fill();
		my ($code, $out, $error) = $node->psql('postgres', "$off; SET vector.wait_point = '$place';
			SET statement_timeout = '200ms';\n$statements{$what};\nSET vector.wait_point = '';
			RESET statement_timeout; $left" =~ s/;\s*/;\n/gr =~ s/USING AM/USING $am/r =~ s/COLUMN/column_of($am, 16) =~ s|_l2_|_cosine_|r/er, on_error_stop => 0);
		like($error, qr/canceling statement due to statement timeout/, "$am, $what times out at $place");
		is($out, 0, 'and leaves nothing behind');
		sql('DROP INDEX IF EXISTS other');
		sound("$am, $what timed out");
	}
}

# entries that failed builds left in the session's cache are dropped for other entries
my ($code, $cached) = $node->psql('postgres', join("\n", "$off;", "SET vector.wait_point = 'assign*';",
	("SET vector.wait_point = 'assign*';", 'CREATE INDEX other ON items USING ivf (v vector_l2_ops) WITH (lists = 2);') x 40,
	q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN ('vector index', 'vector centroids')}), on_error_stop => 0);
cmp_ok($cached, '<=', 32 * 1024 * 1024, 'builds that failed leave no more in the cache than it has room for');

create('hnsw');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe("SELECT vector_seal('items_v')");
$holder->query_safe('LOCK TABLE items IN SHARE UPDATE EXCLUSIVE MODE');
foreach my $statement ('REINDEX INDEX items_v', 'VACUUM items', 'DROP INDEX items_v')
{
	my ($code, $out, $error) = $node->psql('postgres', "SET lock_timeout = '200ms';\n$statement");
	like($error, qr/canceling statement due to lock timeout/, "$statement does not wait longer than told");
}
$holder->query_safe('COMMIT');
$holder->quit;
sound('lock timeout');

# errors of a worker are shown, and the next worker does its work
foreach my $place ('closed*', 'reserved*', 'flip*', 'allocate*7')
{
	sql("LOAD 'vector'; ALTER SYSTEM SET vector.wait_point = '$place'");
	$node->reload;
	$ENV{PGOPTIONS} = '-c vector.wait_point=';

	# a worker that started before the setting was read again does not fail
	my $failed = "SELECT count(*) = 1 FROM vector_jobs() WHERE state = 'failed' AND last_error = 'out of memory'";
	for (my $tries = 0; $tries < 20 && sql($failed) ne 't'; $tries++)
	{
		sql($insert);
		$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM vector_jobs()
			WHERE state IN ('waiting', 'starting', 'running')") or die 'the worker does not come to an end';
	}
	is(sql($failed), 't', "a worker fails at $place");
	sql('ALTER SYSTEM RESET vector.wait_point');
	$node->reload;
	delete $ENV{PGOPTIONS};
	sound("a worker failed at $place");
	$node->restart;
}

# a killed worker: the server restarts
sql("LOAD 'vector'; ALTER SYSTEM SET vector.wait_point = 'reserved!'");
$node->reload;
$ENV{PGOPTIONS} = '-c vector.wait_point=';
# a worker that started before the setting was read again does not stop, but seals
my $reserved = "SELECT count(*) = 1 FROM vector_segments() WHERE kind = 'reserved'";
for (my $tries = 0; $tries < 20 && sql($reserved) ne 't'; $tries++)
{
	sql($insert);
	$node->poll_query_until('postgres', "SELECT ($reserved) OR count(*) = 0 FROM vector_jobs()
		WHERE state IN ('waiting', 'starting', 'running')") or die 'the worker does not come to an end';
}
is(sql($reserved), 't', 'a worker stops');
my ($worker, $segment) = split /\|/, sql("SELECT pid, segment FROM pg_stat_activity, vector_segments()
	WHERE backend_type = 'vector worker' AND kind = 'reserved'");
sql('ALTER SYSTEM RESET vector.wait_point');
$node->reload;
kill 9, $worker;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $worker");
delete $ENV{PGOPTIONS};
$node->poll_query_until('postgres', 'SELECT true');
sql($insert);
sql("SELECT vector_seal('items_v')");
is(sql("SELECT count(*) FROM vector_segments() WHERE segment = $segment AND kind = 'reserved'"), 0,
	'what a killed worker had reserved is free again');
sound('a worker was killed');
$node->stop;

# fsync fails: the server stops, and recovers what it had
my $library = $node->basedir . '/failing.so';
append_to_file($node->basedir . '/failing.c', q{
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
int fsync(int fd) { if (access(getenv("FAILING"), F_OK) == 0) { errno = EIO; return -1; } return fdatasync(fd); }
});
SKIP:
{
	skip 'no compiler', 1 if system('cc', '-shared', '-fPIC', '-o', $library, $node->basedir . '/failing.c') != 0;
	local $ENV{LD_PRELOAD} = $library;
	local $ENV{FAILING} = $node->basedir . '/fail';
	$node->append_conf('postgresql.conf', 'fsync = on');
	$node->start;
	sql("$insert; SELECT vector_seal('items_v'), vector_merge('items_v')");
	append_to_file($ENV{FAILING}, '');
	my ($code, $out, $error) = $node->psql('postgres', 'CHECKPOINT');
	isnt($code, 0, 'a checkpoint fails with fsync');
	unlink $ENV{FAILING};
	$node->stop('immediate', fail_ok => 1);
	like(slurp_file($node->logfile), qr/PANIC:  could not fsync file/, 'which stops the server');
	$node->start;
	sound('after a failed fsync');
	$node->stop;
}
my $log = slurp_file($node->logfile) =~ s/PANIC:  could not fsync file//gr;
unlike($log, qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();

# The server crashes at every point of every step, with every access method: the index is as before the step or as after
# it, and nothing half-done is left
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
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = off");
$node->start;
create_items($node, 16);
plan skip_all => 'not compiled with wait points' if !has_wait_points($node);

sub sql { return $node->safe_psql('postgres', @_); }

sql('CREATE SEQUENCE ids');

my $off = "LOAD 'vector'; SET vector.background_work = off";
my $insert = "$off; INSERT INTO items SELECT n, place(n) FROM (SELECT nextval('ids') AS n FROM generate_series(1, 150)) x";
my %steps = (
	insert => 'INSERT INTO items SELECT n, place(n) FROM generate_series(1000001, 1000010) n',
	seal => "SELECT vector_seal('items_v')",
	merge => "SELECT vector_merge('items_v')",
	build => 'CREATE INDEX other ON items USING AM (COLUMN)',
	rebuild => 'REINDEX INDEX items_v',
	vacuum => 'VACUUM (INDEX_CLEANUP ON) items');
my @lists = ([ 'seal', 'assign', 'write', 'flip' ], [ 'merge', 'reserved', 'write', 'flip' ],
	[ 'build', 'train', 'centroids', 'write' ], [ 'rebuild', 'assign' ], [ 'vacuum', 'bury' ]);
my %points = (
	hnsw => [ [ 'insert', 'append' ], [ 'seal', 'closed', 'reserved', 'flip' ], [ 'merge', 'flip' ],
		[ 'vacuum', 'bury' ] ],
	diskann => [ [ 'insert', 'append' ], [ 'seal', 'closed', 'flip' ], [ 'merge', 'reserved', 'flip' ], [ 'vacuum', 'bury' ] ],
	ivf => \@lists,
	ivfflat => [ [ 'seal', 'write' ], [ 'build', 'centroids' ] ],
	sparse => [ [ 'insert', 'append' ], [ 'seal', 'closed', 'write', 'flip' ], [ 'merge', 'reserved', 'write' ], [ 'build', 'write' ],
		[ 'vacuum', 'bury' ] ],
	bm25 => [ [ 'seal', 'write', 'flip' ], [ 'merge', 'reserved', 'write' ], [ 'vacuum', 'bury' ] ],
	'hnsw with attributes' => [ [ 'insert', 'append' ], [ 'merge', 'reserved', 'flip' ] ],
	'ivf with attributes' => [ [ 'seal', 'write' ], [ 'merge', 'flip' ] ]);

foreach my $kind (sort keys %points)
{
	my ($am, $attributes) = split / with /, $kind;
	my $columns = $attributes ? ', id, (md5(id::text)), (id % 7)' : '';
	sql("TRUNCATE items; DROP INDEX IF EXISTS items_v;
		CREATE INDEX items_v ON items USING $am (@{[ column_of($am, 16) ]}$columns) WITH ($with{$am})");
	foreach my $row (@{ $points{$kind} })
	{
		my ($step, @places) = @$row;
		foreach my $place (@places)
		{
			my $name = "$kind, $step at $place";

			sql("$insert; SELECT vector_seal('items_v')") foreach 1, 2;
			sql("$insert; DELETE FROM items WHERE id % 9 = (SELECT max(id) % 9 FROM items)");
			my $rows = sql('SELECT count(*) FROM items');

			# everything committed must survive; what the step does is not flushed
			my ($out, $error) = ('', '');
			my $session = IPC::Run::start([ 'psql', '-XAqt', '-d', $node->connstr('postgres'), '-c', $off =~ s/; .*//r,
				'-c', 'SET vector.background_work = off', '-c', "SET vector.wait_point = '$place!'",
				'-c', $steps{$step} =~ s/USING AM/USING $am/r =~ s/COLUMN/column_of($am, 16) =~ s|_l2_|_cosine_|r/er ], '>', \$out, '2>', \$error);
			ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
				WHERE wait_event = 'PgSleep' AND backend_type = 'client backend'}), "$name: it stops there");
			sql('CHECKPOINT') if $place eq 'write' || $place eq 'reserved';
			$node->stop('immediate', fail_ok => 1);
			$session->finish;
			unlike($error, qr/ERROR/, "$name: no error");
			$node->start;

			is(sql('SELECT count(*) FROM items'), $rows, "$name: the rows of the table");
			is(sql("$off; SELECT vector_index_check('items_v') >= $rows"), 't', "$name: the index is sound");
			is(lost_rows($node, 'id DESC', 200), 0, "$name: rows are found");
			is(sql("SET enable_seqscan = off; SET enable_sort = off; SELECT count(*) FROM (SELECT * FROM items ORDER BY id DESC LIMIT 200) i
				WHERE id IS DISTINCT FROM (SELECT id FROM items WHERE md5(id::text) = md5(i.id::text) ORDER BY v <-> place(1) LIMIT 1)"), 0,
				"$name: rows are found by an attribute") if $attributes;
			is(sql("$off; VACUUM (INDEX_CLEANUP ON) items;
				SELECT vector_seal('items_v') >= 0, vector_merge('items_v') >= 0;
				SELECT count(*) = vector_index_check('items_v') FROM items;
				SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), "t|t\nt\n0",
				"$name: the index goes on, and nothing is left reserved");
		}
	}
}
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();

# A merge's result finds room in the file: segments move first where gaps are in between.  Rows that die meanwhile, and a
# crash, do no harm
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
$node->append_conf('postgresql.conf', "autovacuum = off\nvector.idle_merge_delay = -1");
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

create_items($node, 32);

# Makes an empty index.
sub make_index
{
	my ($am, $options) = @_;
	sql("TRUNCATE items; DROP INDEX IF EXISTS items_v;
		CREATE INDEX items_v ON items USING $am (v vector_l2_ops) WITH ($options)");
	return;
}

# Inserts this many rows.
sub insert
{
	my ($rows) = @_;
	sql("INSERT INTO items SELECT n, place(n)
		FROM (SELECT max(id) AS last FROM items) i, generate_series(coalesce(last, 0) + 1, coalesce(last, 0) + $rows) n");
	return;
}

# Waits until workers have nothing left to do.
sub wait_for_workers
{
	return if $node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()');
	die 'the workers do not come to an end';
}

sub check
{
	my ($name) = @_;
	is(sql("SELECT vector_index_check('items_v') = count(*) FROM items"), 't', "$name: the index is sound");
	is(lost_rows($node, 'id', 100), 0, "$name: rows are found");
	return;
}

# Makes an index, and a segment of each number of rows.
sub make_segments
{
	my ($am, @rows) = @_;

	make_index($am, $with{$am} =~ s/seal_rows = \d+/seal_rows = 5000/r);
	foreach my $rows (@rows)
	{
		insert($rows);
		sql("SELECT vector_seal('items_v')");
	}
	return;
}

# a merge that is not due, of a large segment behind a gap and small ones in this
make_segments('hnsw', (400) x 4);
sql("SELECT vector_merge('items_v')");
foreach my $i (1, 2)
{
	insert(400);
	sql("SELECT vector_seal('items_v')");
}
set_for_all($node, 'vector.idle_merge_delay = 0');
sql('ALTER INDEX items_v SET (seal_rows = 200)');
insert(300);
wait_for_workers();
set_for_all($node, 'vector.idle_merge_delay = -1');
is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'sealed'"), 1, 'all become a segment');
my $size = sql("SELECT pg_relation_size('items_v')");
my $live = sql("SELECT sum(bytes) FROM vector_segments() WHERE kind <> 'retired'");
cmp_ok($size, '<=', 2.2 * $live, 'the file was never much longer than the result and its inputs');
check('moved and merged');

# Segments of which the first is dead, and a session that keeps VACUUM from closing the gap; VACUUM asks a worker to merge the
# others, whose result does not fit into it.
sub make_gap
{
	my ($am) = @_;
	my $session = $node->background_psql('postgres');

	make_segments($am, (500) x 5);
	sql('DELETE FROM items WHERE id <= 500');
	$session->query_safe("BEGIN; SET LOCAL enable_seqscan = off; SELECT id FROM items ORDER BY v <-> place(1) LIMIT 1");
	sql('VACUUM items');
	$session->quit;
	return;
}

# rows die before and after their segment is copied, and the server crashes
my %ways = (
	hnsw => [ 'deleted at copy', 'deleted at copied', 'crash at copied' ],
	diskann => [ 'deleted at copied', 'crash at copied' ],
	ivf => ['deleted at copied']);
foreach my $am (has_wait_points($node) ? sort keys %ways : ())
{
	foreach my $way (@{ $ways{$am} })
	{
		my ($place) = $way =~ /(\w+)$/;
		my $name = "$am, $way";

		set_for_all($node, "vector.wait_point = '$place!'");
		make_gap($am);
		ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
			WHERE wait_event = 'PgSleep' AND backend_type = 'vector worker'}), "$name: a worker moves a segment");
		if ($way =~ /crash/)
		{
			sql('CHECKPOINT');
			$node->stop('immediate');
			$node->start;
			check($name);
		}
		else
		{
			sql('DELETE FROM items WHERE id % 10 = 0');
			sql('VACUUM (INDEX_CLEANUP ON) items');
		}
		set_for_all($node, "vector.wait_point = ''");
		sql('VACUUM items');
		wait_for_workers();
		check("$name, gone on");
		is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'reserved'"), 0, "$name: nothing is left reserved");
	}
}
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|invalid page/, 'nothing bad in the log');
done_testing();

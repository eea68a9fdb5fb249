# The space of an hnsw index: the space of deleted rows is reused
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $peer = $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nvector.idle_merge_delay = 0");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION place(id bigint, dims int) RETURNS real[]
		LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(id, d) & 1023)::real / 1024)
		FROM generate_series(1, dims) d$$;
});

sub size
{
	my $table = shift // 'items';
	return $node->safe_psql('postgres', "SELECT pg_relation_size('$table\_v')");
}

# Vacuums, and once more when the workers have finished.
sub vacuum
{
	$node->safe_psql('postgres', 'VACUUM items');
	return if $peer;
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM vector_jobs()')
	  or die 'the workers do not come to an end';
	$node->safe_psql('postgres', 'SELECT txid_current(); VACUUM items');
}

# A scan that is read to its end returns all rows.  A search for one may miss it, but very seldom with so many candidates.
sub all_are_found
{
	my ($name) = @_;

	is($node->safe_psql('postgres', q{SET enable_seqscan = off; SET enable_sort = off;
		SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <-> (SELECT v FROM items LIMIT 1)) s}),
		$node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT id) FROM items'), "$name: all are found");
	cmp_ok($node->safe_psql('postgres', q{SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 1000;
		SELECT count(*) FROM items i WHERE id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)}),
		'<=', 2, "$name: as the nearest to themselves");
}

# all rows are deleted and inserted again, after a build or after inserts
foreach my $dims (3, 100)
{
	foreach my $way ('built', 'inserted')
	{
		my $index = "CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);";
		my $insert = "SET vector.background_work = off; INSERT INTO items SELECT n, place(n, $dims) FROM generate_series(1, 3000) n;";
		my $name = "$dims dimensions, $way";

		$node->safe_psql('postgres', "CREATE TABLE items (id int, v vector($dims));"
			. ($way eq 'built' ? "$insert $index" : "$index $insert"));
		my $first = size();
		foreach my $round (1 .. 3)
		{
			$node->safe_psql('postgres', 'DELETE FROM items');
			$node->safe_psql('postgres', 'VACUUM items');
			my $empty = size();
			cmp_ok($empty, '<=', 1.02 * $first, "$name, round $round: no more when empty");
			$node->safe_psql('postgres', $insert);
			cmp_ok(size(), '<=', 1.02 * $first, "$name, round $round: no more when filled again");
		}
		all_are_found($name);
		$node->safe_psql('postgres', 'DROP TABLE items');
	}
}

# a tenth is replaced in each round
foreach my $with ('', $peer ? () : 'WITH (seal_rows = 100)')
{
	my ($most, $most_vacuumed) = (0, 0);

	$node->safe_psql('postgres', "CREATE TABLE items (id int, v vector(50));
		INSERT INTO items SELECT n, place(n, 50) FROM generate_series(1, 3000) n;
		CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) $with");
	my $built = size();

	# sessions that have cached the index before
	my @old = map { $node->background_psql('postgres', on_error_stop => 0) } 1, 2;
	$_->query('SET enable_seqscan = off; SET hnsw.ef_search = 200') foreach @old;
	my $wrong = 0;
	foreach my $round (0 .. 19)
	{
		my $low = $round * 300;
		my @steps = ("DELETE FROM items WHERE id BETWEEN $low + 1 AND $low + 300",
			"INSERT INTO items SELECT n, place(n, 50)
				FROM generate_series($low + 3001, $low + 3300) n",
			'VACUUM items');

		foreach my $step (@steps)
		{
			if ($step =~ /VACUUM/)
			{
				vacuum();
			}
			elsif ($step =~ /INSERT/ && $round % 2)
			{
				$old[0]->query($step);
			}
			else
			{
				$node->safe_psql('postgres', $step);
			}
			foreach my $session (@old)
			{
				my $id = $low + 301 + ($round * 977 + length($step) * 53) % 2700;
				my $found = $session->query(
					"SELECT id FROM items ORDER BY v <-> place($id, 50)::vector LIMIT 1");
				$wrong++ if $found ne $id;
			}
			my $size = size();
			$most = $size if $size > $most;
			$most_vacuumed = $size if $step =~ /VACUUM/ && $size > $most_vacuumed;
		}
	}
	note("built $built, most $most, most after VACUUM $most_vacuumed");
	cmp_ok($most, '<=', 2.3 * $built, "replaced bit by bit $with: never much more");
	$_->quit foreach @old;
	cmp_ok($wrong, '<=', 1, "replaced bit by bit $with: old sessions find what they look for");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), 3000,
		"replaced bit by bit $with: all were inserted");
	cmp_ok($most_vacuumed, '<=', 1.3 * $built,
		"replaced bit by bit $with: little more after VACUUM");
	all_are_found("replaced bit by bit $with");
	$node->safe_psql('postgres', 'DROP TABLE items');
}

# likewise with updates, where old and new rows exist at the same time
$node->safe_psql('postgres', 'CREATE TABLE items (id int, v vector(50));
	INSERT INTO items SELECT n, place(n, 50) FROM generate_series(1, 2000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops)');
my $first = size();
foreach my $round (1 .. 5)
{
	$node->safe_psql('postgres', "UPDATE items SET v = place(id + 10000 * $round, 50)");
	vacuum();
}
cmp_ok(size(), '<=', 2.3 * $first, 'all updated five times');
all_are_found('all updated five times');

# blocks that a cursor may still need are not reused before the cursor ends
my $reader = $node->background_psql('postgres');
$reader->query_safe('SET enable_seqscan = off');
$reader->query_safe('SET hnsw.ef_search = 500');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$reader->query_safe('DECLARE c CURSOR FOR SELECT id FROM items
	ORDER BY v <-> place(3, 50)::vector');
my $before = $reader->query_safe('FETCH 5 FROM c');
my $rest = $node->safe_psql('postgres', q{SET enable_seqscan = off; SET hnsw.ef_search = 500;
	SELECT id FROM items
	ORDER BY v <-> place(3, 50)::vector LIMIT 35 OFFSET 5});
foreach my $round (1 .. 4)
{
	$node->safe_psql('postgres', 'DELETE FROM items WHERE id > 0');
	$node->safe_psql('postgres',
		"INSERT INTO items SELECT -n, place(n + 100000, 50) FROM generate_series(1, 2000) n");
	$node->safe_psql('postgres', 'VACUUM items');
	$node->safe_psql('postgres', 'UPDATE items SET id = -id');
	$node->safe_psql('postgres', 'VACUUM items');
}
is($reader->query_safe('FETCH 35 FROM c'), $rest, 'an old cursor still finds its rows');
$reader->query_safe('COMMIT');
$reader->quit;
all_are_found('and new searches find the new rows');

$node->stop;
done_testing();

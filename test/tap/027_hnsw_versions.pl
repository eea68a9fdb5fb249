# Versions of a row, and rows with the same vector, in any segments: versions that a snapshot does not see hide none of those
# that it sees
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
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off");
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

create_place($node, 16);
sql(q{
	LOAD 'vector';
	ALTER SYSTEM SET vector.background_work = off;
	SELECT pg_reload_conf();
	CREATE FUNCTION bits(id bigint) RETURNS bit(64) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT hashint8extended(id, 0)::bit(64)$$});

my %kinds = (
	vector => [ 'place(id)', 'vector(16)', 'vector_l2_ops', '<->' ],
	'half of cosine' => [ 'place(id)::halfvec', 'halfvec(16)', 'halfvec_cosine_ops', '<=>' ],
	bit => [ 'bits(id)', 'bit(64)', 'bit_hamming_ops', '<~>' ],
	diskann => [ 'place(id)', 'vector(16)', 'vector_l2_ops', '<->', 'diskann' ],
	'diskann without vectors' => [ 'place(id)', 'vector(16)', 'vector_l2_ops', '<->', 'diskann', ', storage = none' ]);
foreach my $kind (sort keys %kinds)
{
	my ($value, $type, $class, $operator, $method, $options) = @{ $kinds{$kind} };
	$method //= 'hnsw';
	$options //= '';
	my $probe = $value =~ s/id/-7/r;

	# compare the distances of the ten nearest: for bits, many rows are equally far
	my $nearest = "SELECT string_agg((v $operator $probe)::text, ' ')
		FROM (SELECT v FROM items ORDER BY v $operator $probe LIMIT 10) x";
	my $truth = "BEGIN; SET LOCAL enable_indexscan = off; $nearest; COMMIT";
	my $found = "BEGIN; SET LOCAL enable_seqscan = off; $nearest; COMMIT";

	sql("CREATE TABLE items (id bigint PRIMARY KEY, v $type, note int) WITH (fillfactor = 50);
		INSERT INTO items SELECT id, $value, 0 FROM generate_series(1, 2000) id;
		CREATE INDEX items_v ON items USING $method (v $class) WITH (seal_rows = 10000$options);
		CREATE INDEX ON items (note)");
	sql("CREATE TABLE hot AS SELECT id FROM items ORDER BY v $operator $probe LIMIT 10");
	my $expected = sql($truth);
	is(sql($found), $expected, "$kind: the nearest are found");

	# a snapshot that keeps every version but the newest
	my $old = $node->background_psql('postgres');
	$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
	is($old->query_safe("SET LOCAL enable_seqscan = off; $nearest"), $expected, "$kind: an old snapshot is taken");
	foreach my $round (1 .. 12)
	{
		sql('UPDATE items SET note = note + 1 WHERE id IN (SELECT id FROM hot)');
		next if $round % 3;
		is(sql($found), $expected, "$kind: found after $round updates of each, in growing segments");
		sql("VACUUM items; SELECT vector_seal('items_v')");
		is(sql($found), $expected, "$kind: found after $round updates of each, in sealed ones");
	}
	is($old->query_safe($nearest), $expected, "$kind: the old snapshot finds its versions");
	$old->query_safe('COMMIT');
	$old->quit;

	# a scan that is read to its end returns all rows, whatever versions there are
	my $all = "BEGIN; SET LOCAL enable_seqscan = off; SELECT count(*), count(DISTINCT v)
		FROM (SELECT v FROM items ORDER BY v $operator $probe) x; COMMIT";
	sql("UPDATE items SET note = note + 1; VACUUM items");
	is(sql($all), '2000|2000', "$kind: a scan to the end gives every row once");
	sql("INSERT INTO items SELECT 5000 + n, $probe, 0 FROM generate_series(1, 100) n");
	is(sql($all), '2100|2001', "$kind: of a vector all rows are returned");
	sql('DROP TABLE items, hot');
}

$node->stop;
done_testing();

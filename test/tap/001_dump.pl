# pg_dump and restore, and COPY in text and binary, of every type
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('postgres', 'CREATE DATABASE target');
$node->safe_psql(
	'source', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (
		id serial PRIMARY KEY,
		v vector(3) DEFAULT '[1,2,3]',
		large vector(800),
		h halfvec(3),
		b bf16vec(3),
		i int8vec(3),
		s sparsevec(1000000),
		bits bit(3),
		plain vector,
		vectors vector[],
		norm float8 GENERATED ALWAYS AS (vector_norm(v)) STORED
	);
	INSERT INTO items (v, large, h, b, i, s, bits, plain, vectors)
	SELECT v, array_fill(n / 7.0, ARRAY[800])::vector, v, v, ARRAY[n % 128, -(n % 128), 0]::int8vec, ('{' || n || ':0.1,999999:-2}/1000000')::sparsevec,
		binary_quantize(v), l2_normalize(v), ARRAY[v, v]
	FROM (SELECT n, ('[' || n / 3.0 || ',' || -n || ',1e-30]')::vector AS v FROM generate_series(1, 300) n) x;
	INSERT INTO items (v, h) VALUES (NULL, NULL);
	CREATE INDEX ON items (v);
	CREATE INDEX ON items USING hash (h);
	CREATE VIEW nearest AS SELECT id, v <-> '[1,2,3]' AS distance FROM items ORDER BY distance;
	CREATE TABLE parted (b bf16vec(2)) PARTITION BY HASH (b);
	CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);
	INSERT INTO parted VALUES ('[1,2]');
	CREATE FUNCTION near(vector) RETURNS SETOF items LANGUAGE sql AS 'SELECT * FROM items ORDER BY v <-> $1 LIMIT 3';
});

my $digest = q{SELECT md5(string_agg(t::text, E'\n' ORDER BY id)) FROM items t};
my $expected = $node->safe_psql('source', $digest);

my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-f', $dump, $node->connstr('source') ], 'pg_dump');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('target') ], 'restore');
is($node->safe_psql('target', $digest), $expected, 'the same rows after a restore');
is($node->safe_psql('target', 'SELECT count(*) FROM nearest WHERE distance IS NOT NULL'), 300, 'the view computes');
is($node->safe_psql('target', 'SELECT b FROM parted'), '[1,2]', 'the partition has its row');

my $again = $node->basedir . '/again.sql';
command_ok([ 'pg_dump', '-f', $again, $node->connstr('target') ], 'pg_dump of the restored database');
my ($first, $second) = map { my $text = slurp_file($_); $text =~ s/^\\(un)?restrict .*$//mg; $text } ($dump, $again);
is($first, $second, 'both dumps are the same');

foreach my $format ('text', 'binary', 'csv')
{
	my $file = $node->basedir . "/items.$format";
	my $columns = 'id, v, large, h, b, i, s, bits, plain, vectors';

	$node->safe_psql('source', "COPY items ($columns) TO '$file' (FORMAT $format)");
	$node->safe_psql('target', "TRUNCATE items; COPY items ($columns) FROM '$file' (FORMAT $format)");
	is($node->safe_psql('target', $digest), $expected, "COPY there and back, $format");
}

# a message cut short leaves the table as it was
my $broken = $node->basedir . '/broken';
open(my $in, '<:raw', $node->basedir . '/items.binary') or die;
read($in, my $bytes, 100);
close $in;
open(my $out, '>:raw', $broken) or die;
print $out $bytes;
close $out;
my ($status, $stdout, $stderr) = $node->psql('target', "COPY items (id, v, large, h, b, i, s, bits, plain, vectors) FROM '$broken' (FORMAT binary)");
isnt($status, 0, 'a binary file cut short is an error');
is($node->safe_psql('target', $digest), $expected, 'and nothing is lost');

$node->stop;
done_testing();

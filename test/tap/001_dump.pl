# pg_dump and restore, and COPY in text and binary, of every type
use strict;
use warnings;
use FindBin;
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

# indexes of every method, with all options
my $every = "$FindBin::RealBin/../compat/every_method.sql";
my $indexes = q{SELECT pg_get_indexdef(oid) FROM pg_class WHERE relname ~ '^every_' AND relkind = 'i' ORDER BY relname};
my $sound = q{SELECT relname FROM pg_class WHERE relname ~ '^every_' AND relkind = 'i' AND relname !~ 'pkey'
	AND vector_index_check(oid::regclass) < (SELECT count(*) FROM every_row)};
my $right = 'SELECT i.index, i.distances, s.distances FROM every_answers(true) i JOIN every_answers(false) s USING (index)
	WHERE i.distances IS DISTINCT FROM s.distances';
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach 'every', 'every_restored';
$node->safe_psql('every', 'CREATE EXTENSION vector');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $every, $node->connstr('every') ], 'indexes of every method');
# scores of bm25 count dead rows as long as these are in a segment
my $same = q{SELECT * FROM every_answers(true) WHERE index <> 'bm25'};
my $answers = $node->safe_psql('every', $same);
is($node->safe_psql('every', $right), '', 'find what is nearest');
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('every') ], 'pg_dump of these');
command_ok([ 'pg_restore', '-d', $node->connstr('every_restored'), $dump ], 'pg_restore');
is($node->safe_psql('every_restored', $indexes), $node->safe_psql('every', $indexes), 'the same indexes, with their options');
is($node->safe_psql('every_restored', $same), $answers, 'which answer the same');
is($node->safe_psql('every_restored', $right), '', 'what is nearest');
is($node->safe_psql('every_restored', $sound), '', 'and are sound');

# under each version number of pgvector that can be requested, the objects are the same, and an update keeps them
my $definitions = slurp_file("$FindBin::RealBin/../compat/definitions.sql");
my $version = "SELECT extversion FROM pg_extension WHERE extname = 'vector'";
$node->safe_psql('postgres', 'CREATE EXTENSION vector');
my $members = $node->safe_psql('postgres', $definitions);
cmp_ok(scalar(split /\n/, $members), '>', 400, 'the extension has members');
foreach my $number (map { "0.8.$_" } 0 .. 7)
{
	$node->safe_psql('postgres', "DROP EXTENSION vector; CREATE EXTENSION vector VERSION '$number'");
	is($node->safe_psql('postgres', $version), $number, "installed as $number");
	is($node->safe_psql('postgres', $definitions), $members, "$number: the same members");
	$node->safe_psql('postgres', 'ALTER EXTENSION vector UPDATE');
	is($node->safe_psql('postgres', $version), '1.0', "$number is updated to 1.0");
	is($node->safe_psql('postgres', $definitions), $members, "$number, updated: the same members");
}
$node->safe_psql('postgres', "ALTER EXTENSION vector UPDATE TO '0.8.5'");
is($node->safe_psql('postgres', $version), '0.8.5', 'back to a number of pgvector');
is($node->safe_psql('postgres', $definitions), $members, 'which changes no member');

# a dump does not contain the number: the result has that of the database restored into, or else 1.0
$node->safe_psql('postgres', 'CREATE DATABASE numbered');
$node->safe_psql('postgres', "CREATE DATABASE $_") foreach 'fresh', 'prepared';
my $create = "CREATE SCHEMA other; CREATE EXTENSION vector SCHEMA other VERSION '0.8.6'";
$node->safe_psql('numbered', "$create; CREATE TABLE items (id int, v other.vector(2));
	INSERT INTO items SELECT n, ARRAY[n, n % 7] FROM generate_series(1, 100) n;
	CREATE INDEX items_v ON items USING hnsw (v other.vector_l2_ops)");
$node->safe_psql('prepared', $create);
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('numbered') ], 'pg_dump of a database with the number');
foreach (['fresh', '1.0'], ['prepared', '0.8.6'])
{
	my ($database, $number) = @$_;

	# the schema exists already, an error after which pg_restore continues
	$node->run_log([ 'pg_restore', '-d', $node->connstr($database), $dump ]);
	is($node->safe_psql($database, $version), $number, "restored as $number");
	is($node->safe_psql($database, "SET enable_seqscan = off;
		SELECT id FROM items ORDER BY v OPERATOR(other.<->) '[50,1]' LIMIT 1"), 50, "$number: the index is searched");
	$node->safe_psql($database, 'ALTER EXTENSION vector UPDATE');
	is($node->safe_psql($database, $version), '1.0', "$number: the update leads to 1.0");
}

$node->stop;
done_testing();

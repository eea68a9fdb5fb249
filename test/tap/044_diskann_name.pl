# The names diskann, sparse and bm25, and what words are searched by: others may have them, take them, and give them away
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

sub sql
{
	my ($database, $query) = @_;
	return $node->safe_psql($database, $query);
}

# Runs statements; returns whether they succeed, and what they report.
sub report
{
	my ($database, $query) = @_;
	my ($status, undef, $messages) = $node->psql($database, "\\set VERBOSITY verbose\n$query");
	return ($status == 0 ? 'done' : 'failed', $messages);
}

my $definitions = slurp_file("$FindBin::RealBin/../compat/definitions.sql");
my $other = q{
	CREATE ACCESS METHOD diskann TYPE INDEX HANDLER gisthandler;
	CREATE OPERATOR CLASS boxes DEFAULT FOR TYPE box USING diskann AS OPERATOR 3 &&, OPERATOR 6 ~=,
		FUNCTION 1 gist_box_consistent(internal, box, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
		FUNCTION 5 gist_box_penalty(internal, internal, internal), FUNCTION 6 gist_box_picksplit(internal, internal),
		FUNCTION 7 gist_box_same(box, box, internal);
	CREATE TABLE boxes (b box);
	INSERT INTO boxes SELECT box(point(n, n), point(n + 1, n + 1)) FROM generate_series(1, 1000) n;
	CREATE INDEX boxes_b ON boxes USING diskann (b);
	ANALYZE boxes;};
my $uses_other = q{SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN (COSTS off) SELECT b FROM boxes WHERE b && box '(7,7),(7,7)'};
my $items = q{CREATE TABLE items (id int, v vector(3));
	INSERT INTO items SELECT n, ARRAY[n % 17, n % 23, n % 29] FROM generate_series(1, 300) n;};
my $nearest = q{SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> '[4,4,4]' LIMIT 1};
my $owned = q{SELECT count(*) FROM pg_depend d JOIN pg_extension e ON refobjid = e.oid AND refclassid = 'pg_extension'::regclass
	WHERE extname = 'vector' AND pg_describe_object(classid, objid, objsubid) ~ 'access method diskann'};

# where the name is taken, the extension comes without the access method
sql('postgres', "CREATE DATABASE $_") foreach 'taken', 'fresh', 'prepared', 'unprepared', 'placed';
sql('taken', $other);
my ($status, $messages) = report('taken', 'CREATE EXTENSION vector');
is($status, 'done', 'CREATE EXTENSION where another access method has the name');
like($messages, qr/NOTICE:  42710: access method "diskann" already exists, skipping\n.*DETAIL:  .*\n.*HINT:  .*vector_create_diskann/s,
	'a notice tells of it');
is(sql('taken', $owned), 0, 'nothing of it is the extension\'s');
like(sql('taken', $uses_other), qr/using boxes_b/, 'the other access method works');
is(sql('taken', "$items CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops, id);
	SELECT count(*), min(index::text) FROM vector_segments(); SELECT count(*) FROM vector_legacy_indexes(); $nearest"),
	"1|items_v\n0\n4", 'other indexes of the extension, and none of the other');
is(sql('taken', 'SELECT vector_drop_diskann(), vector_create_diskann()'), 'f|f', 'what is another\'s stays');

# its settings are no setting of the library
($status, $messages) = report('taken', "SET diskann.query_rescore = 'all'; SET diskann.query_search_list_size = 0; SET diskann.other = 1;
	SELECT '[1]'::vector; SET diskann.other = 2; SHOW diskann.query_rescore");
is("$status: $messages", 'done: ', 'settings of the other are left alone, before and after the library is loaded');
($status, $messages) = report('taken', "LOAD 'vector'; SET hnsw.other = 1");
like($messages, qr/invalid configuration parameter name "hnsw.other"/, 'but those of hnsw are known');

# DROP EXTENSION leaves it, and the update from a number of pgvector changes nothing
sql('taken', 'DROP EXTENSION vector CASCADE');
like(sql('taken', $uses_other), qr/using boxes_b/, 'DROP EXTENSION leaves the other access method');
sql('taken', "CREATE EXTENSION vector VERSION '0.8.5'; ALTER EXTENSION vector UPDATE");
is(sql('taken', $owned), 0, 'no part of it after an update');

# dump and restore
my $dump = $node->basedir . '/taken.sql';
command_ok([ 'pg_dump', '-f', $dump, $node->connstr('taken') ], 'pg_dump');
is(sql('prepared', 'CREATE EXTENSION vector; SELECT vector_drop_diskann()'), 't', 'a database is prepared to be restored into');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('prepared') ], 'restored into it');
like(sql('prepared', $uses_other), qr/using boxes_b/, 'with the other access method');
is(sql('prepared', $owned), 0, 'and not with ours');
command_fails_like([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('unprepared') ],
	qr/access method "diskann" already exists/, 'restored into one that is not prepared');

# the name is handed over
sql('fresh', 'CREATE EXTENSION vector');
my $members = sql('fresh', $definitions);
sql('taken', 'DROP ACCESS METHOD diskann CASCADE');
is(sql('taken', 'SELECT vector_create_diskann()'), 't', 'the extension takes the name');
is(sql('taken', $definitions), $members, 'and has the members that it has elsewhere');
is(sql('taken', "LOAD 'vector'; SHOW diskann.query_rescore"), '50', 'sessions that begin now know its settings');
sql('taken', "DROP TABLE items; $items");
is(sql('taken', "CREATE INDEX items_v ON items USING diskann (v vector_l2_ops, id); $nearest"), '4', 'an index of diskann');
is(sql('taken', 'SELECT count(*) FROM vector_segments()'), 1, 'has segments');
$dump = $node->basedir . '/given.sql';
command_ok([ 'pg_dump', '-f', $dump, $node->connstr('taken') ], 'pg_dump after that');
unlike(slurp_file($dump), qr/CREATE (ACCESS METHOD|OPERATOR)/, 'has the access method as part of the extension');

# and given away, when no index uses it
($status, $messages) = report('taken', 'SELECT vector_drop_diskann()');
is($status, 'failed', 'not while there is an index');
like($messages, qr/2BP01: cannot drop .* because other objects depend on it.*index public\.items_v/s, 'as the error says');
is(sql('taken', $definitions), $members, 'nothing is changed then');
is(sql('taken', 'DROP INDEX items_v; SELECT vector_drop_diskann()'), 't', 'the extension gives the name away');
sql('taken', "DROP TABLE boxes; $other");
like(sql('taken', $uses_other), qr/using boxes_b/, 'another takes it');
is(sql('taken', 'SELECT count(v) FROM items'), 300, 'columns and types are as they were');
sql('taken', 'DROP EXTENSION vector CASCADE');

# in a schema of its own, whatever the search path is
sql('placed', 'CREATE SCHEMA other; CREATE EXTENSION vector SCHEMA other');
$members = sql('placed', $definitions);
is(sql('placed', 'SELECT other.vector_drop_diskann(), other.vector_create_diskann()'), 't|t', 'in another schema');
is(sql('placed', $definitions), $members, 'the members are in their schema');

# likewise the name sparse, whatever becomes of the other
sql('postgres', 'CREATE DATABASE sparse');
sql('sparse', $other =~ s/diskann/sparse/gr);
($status, $messages) = report('sparse', 'CREATE EXTENSION vector');
is($status, 'done', 'CREATE EXTENSION where another access method is named sparse');
like($messages, qr/NOTICE:  42710: access method "sparse" already exists, skipping\n.*DETAIL:  .*\n.*HINT:  .*vector_create_sparse/s,
	'a notice tells of it');
is(sql('sparse', $owned =~ s/diskann/sparse/r), 0, 'nothing of it is the extension\'s');
cmp_ok(sql('sparse', $owned), '>', 0, 'diskann is there');
is(sql('sparse', 'SELECT vector_drop_sparse(), vector_create_sparse()'), 'f|f', 'what is another\'s stays');
($status, $messages) = report('sparse', "SET sparse.drop_ratio = 'all'; SELECT '[1]'::vector; SHOW sparse.drop_ratio");
is("$status: $messages", 'done: ', 'its settings are left alone');
sql('sparse', 'DROP ACCESS METHOD sparse CASCADE');
is(sql('sparse', 'SELECT vector_create_sparse()'), 't', 'the extension takes the name');
is(sql('sparse', $definitions), sql('fresh', $definitions), 'and has the members that it has elsewhere');
is(sql('sparse', "CREATE TABLE words (v sparsevec(9)); INSERT INTO words VALUES ('{1:1}/9'), ('{2:3}/9'); CREATE INDEX ON words USING sparse (v);
	SET enable_seqscan = off; SELECT v FROM words ORDER BY v <#> '{1:1}/9' LIMIT 1"), '{1:1}/9', 'an index');
($status, $messages) = report('sparse', 'SELECT vector_drop_sparse()');
like($messages, qr/2BP01: cannot drop .* because other objects depend on it/, 'the name is not given away while there is one');
is(sql('sparse', 'DROP TABLE words; SELECT vector_drop_sparse(), vector_drop_sparse()'), 't|f', 'but then');
# and the name bm25, which pg_textsearch has
sql('postgres', 'CREATE DATABASE bm25');
sql('bm25', $other =~ s/diskann/bm25/gr);
($status, $messages) = report('bm25', 'CREATE EXTENSION vector');
is($status, 'done', 'CREATE EXTENSION where another access method is named bm25');
like($messages, qr/NOTICE:  42710: access method "bm25" already exists, skipping\n.*HINT:  .*vector_create_bm25/s, 'a notice tells of it');
is(sql('bm25', $owned =~ s/diskann/bm25/r), 0, 'nothing of it is the extension\'s');
sql('bm25', 'DROP ACCESS METHOD bm25 CASCADE');
is(sql('bm25', 'SELECT vector_create_bm25()'), 't', 'the extension takes the name');
is(sql('bm25', $definitions), sql('fresh', $definitions), 'and has the members that it has elsewhere');
is(sql('bm25', 'SELECT vector_drop_bm25(), vector_drop_bm25()'), 't|f', 'and gives it away');

# type and operators of bm25, which another extension may have in the same schema
my $words = q{SELECT count(*) FROM pg_depend d JOIN pg_extension e ON refobjid = e.oid AND refclassid = 'pg_extension'::regclass
	WHERE extname = 'vector' AND pg_describe_object(classid, objid, objsubid) ~ 'bm25query|bm25_score|<@>|bm25_(array_)?ops|method bm25$'};
my $bm25_members = sql('fresh', $words);
my %other_words = (
	type => [ 'CREATE TYPE bm25query AS (words text, list int)', 'DROP TYPE bm25query', 'type "bm25query" already exists' ],
	operator => [ q{CREATE FUNCTION other(text, text) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT 7.0::float8';
		CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = text, FUNCTION = other)}, 'DROP OPERATOR <@> (text, text)', 'operator <@> already exists' ],
	function => [ q{CREATE FUNCTION to_bm25query(query text, list regclass) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT query'},
		'DROP FUNCTION to_bm25query', 'function "to_bm25query" already exists with same argument types' ]);
foreach my $kind (sort keys %other_words)
{
	my ($create, $drop, $message) = @{ $other_words{$kind} };

	sql('postgres', "CREATE DATABASE words_$kind");
	sql("words_$kind", $create);
	($status, $messages) = report("words_$kind", 'CREATE EXTENSION vector');
	is($status, 'done', "CREATE EXTENSION where there is another $kind");
	like($messages, qr/NOTICE:  42710: \Q$message, skipping bm25\E\n.*DETAIL:  .*schema public.*\n.*HINT:  .*vector_create_bm25/s, 'a notice tells of it');
	unlike($messages, qr/only a shell/, 'and no other of types');
	is(sql("words_$kind", $words =~ s/bm25query.*ops\|/bm25query|bm25_score|<@>|/r), 0, 'nothing of it is the extension\'s');
	is(sql("words_$kind", 'SELECT vector_drop_bm25(), vector_create_bm25()'), 'f|f', 'what is another\'s stays');
	is(sql("words_$kind", "SELECT to_regoperator('<\@>(text,text)') IS NOT NULL AND 'a' <\@> 'b' = 7"), 't', 'and works') if $kind eq 'operator';
	is(sql("words_$kind", "$items CREATE INDEX ON items USING sparse ((v::sparsevec(3)) sparsevec_ip_ops); CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops); $nearest"),
		4, 'the rest of the extension does');
	sql("words_$kind", "$drop; DROP TABLE items");
	is(sql("words_$kind", 'SELECT vector_create_bm25()'), 't', 'the extension takes the names');
	is(sql("words_$kind", $words), $bm25_members, 'all of them');
	is(sql("words_$kind", "$definitions") eq sql('fresh', $definitions), '1', 'as they are elsewhere');
}
sql('words_type', q{CREATE TABLE texts (body text); INSERT INTO texts VALUES ('a quick fox'), ('a dog');
	CREATE INDEX texts_body ON texts USING bm25 (body) WITH (text_config = 'simple')});
is(sql('words_type', "SELECT body FROM texts ORDER BY body <\@> 'fox' LIMIT 1"), 'a quick fox', 'an index of words');
($status, $messages) = report('words_type', 'SELECT vector_drop_bm25()');
like($messages, qr/2BP01: cannot drop operator class public.bm25_ops .* because other objects depend on it/, 'the names are not given away while there is one');
sql('words_type', "DROP TABLE texts; CREATE TABLE queries (words bm25query[]); CREATE VIEW scored AS SELECT 'a'::text <\@> 'b' AS score");
($status, $messages) = report('words_type', 'SELECT vector_drop_bm25()');
like($messages, qr/2BP01: cannot drop type bm25query because other objects depend on it.*column words of table public.queries depends on/s, 'nor with a column of the type');
sql('words_type', 'DROP TABLE queries');
($status, $messages) = report('words_type', 'SELECT vector_drop_bm25()');
like($messages, qr/2BP01: cannot drop operator .*<\@>.* because other objects depend on it.*view public.scored depends on/s, 'nor with a view of the operator');
is(sql('words_type', $words), $bm25_members, 'nothing is changed then');
is(sql('words_type', 'DROP VIEW scored; SELECT vector_drop_bm25()'), 't', 'but then');
sql('words_type', $_->[0]) foreach values %other_words;
is(sql('words_type', 'SELECT vector_drop_bm25(), vector_create_bm25()'), 'f|f', 'another takes them');
($status, $messages) = report('sparse', "SELECT vector_create_method('btree')");
like($messages, qr/22023: access method "btree" cannot be created/, 'other names are refused');

$node->stop;
done_testing();

# A build of an index of words keeps to maintenance_work_mem, however many words there are, and so does a merge but for the words
# themselves; what it makes is the same
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'indexes of words are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nvector.background_work = off");
$node->start;
# 200,000 words, and some that many rows have
$node->safe_psql('postgres', q{CREATE EXTENSION vector; CREATE TABLE texts (id int, body text);
	INSERT INTO texts SELECT id, concat_ws(' ', 'all', 'many' || id % 7, 'word' || id, 'other' || id, 'last' || id, repeat('so ', id % 5))
		FROM generate_series(1, 70000) id});

# Runs a statement; returns how many runs were sorted, and whether all that were kept to the limit, in kB.
sub runs_of
{
	my ($memory, $statement, $limit) = @_;
	my ($code, $out, $error) = $node->psql('postgres', "SET maintenance_work_mem = '$memory'; SET client_min_messages = debug1; $statement");
	my @sorted = $error =~ /(\d+) runs of postings took (\d+) of \d+ kB/g;
	is($code, 0, "$statement: $memory") or diag($error);
	cmp_ok($sorted[-1], '<=', $limit, "$memory: $sorted[-1] kB");
	cmp_ok($sorted[-1], '>', $limit / 3, "$memory: which are used") if $sorted[-2] > 1;
	return $sorted[-2];
}

sub answers
{
	return $node->safe_psql('postgres', q{SET enable_seqscan = off; SET extra_float_digits = 3;
		SELECT vector_index_check('texts_body');
		SELECT q, (SELECT string_agg(id || ' ' || d, ',') FROM (SELECT id, body <@> q AS d FROM texts ORDER BY body <@> q LIMIT 30) s)
			FROM unnest(ARRAY['many3 word77', 'so last4', 'all other69999 many1']) q});
}

my $create = "CREATE INDEX texts_body ON texts USING bm25 (body) WITH (text_config = 'pg_catalog.simple')";
my $size = "SELECT pg_relation_size('texts_body')";
is(runs_of('256MB', $create, 262144), 1, 'all in memory');
my ($answers, $bytes) = (answers(), $node->safe_psql('postgres', $size));
like($answers, qr/^70000\n.*word77.*\d,\d/, 'rows are found');
foreach my $memory (4, 16)
{
	cmp_ok(runs_of("${memory}MB", "DROP INDEX texts_body; $create", 1024 * $memory), '>', 1, "$memory MB: runs are written to files");
	is(answers(), $answers, "$memory MB: the same answers");
	is($node->safe_psql('postgres', $size), $bytes, "$memory MB: of an index of the same size");
}
$node->safe_psql('postgres', q{INSERT INTO texts SELECT 70001, 'nothing'; SELECT vector_seal('texts_body')});
my $before = answers();
cmp_ok(runs_of('16MB', "SELECT vector_merge('texts_body')", 8192), '>', 1, 'a merge has half of it');
is(answers(), $before, 'merged: the same answers');
is($node->safe_psql('postgres', "SELECT count(*), max(rows) FROM vector_segments() WHERE kind = 'sealed'"), '1|70001', 'one segment is left');
done_testing();

# Indexes with attributes that the first commits wrote are read, written, and merged away
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../format";
use Old;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the format is ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off\nvector.background_work = off\n");
$node->start;
create_tables($node, 'attributes.sql');
put_files($node, 'version-3-attributes.tar.gz');

sub sql { return $node->safe_psql('postgres', "LOAD 'vector'; $_[0]"); }

# Searches with conditions give what the tables have; each row is in its index, once, with its attributes.
sub sound
{
	my ($name) = @_;
	is(sql("SELECT sum(wrong_searches(name, type, operator)) FROM cases"), 0, "$name: searches are right");
	is(sql("SELECT vector_index_check('graph_v') - (SELECT count(*) FROM graph), vector_index_check('lists_v') - (SELECT count(*) FROM lists),
		vector_index_check('flat_v') - (SELECT count(*) FROM flat)"), '0|0|0', "$name: the indexes are sound and complete");
	return;
}

sound('as they were made');
sql('SELECT add_rows(name, 351, 380) FROM cases');
sound('after inserts');
sql("SELECT vector_seal((name || '_v')::regclass) FROM cases");
sound('after a seal');
sql("DELETE FROM graph WHERE id % 5 = 0; DELETE FROM lists WHERE id % 5 = 0");
sql('VACUUM graph, lists');
sound('after VACUUM');
sql("SELECT vector_merge((name || '_v')::regclass) FROM cases");
sound('after a merge');
done_testing();

# Indexes with attributes, and those of diskann, of words and of sparse vectors, that earlier commits wrote are read, written, and merged away
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../format";
use Old;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'the format is ours' if $ENV{VECTOR_PEER};

foreach my $kind ('attributes', 'diskann', 'axes', 'words')
{
	my $node = PostgreSQL::Test::Cluster->new($kind);
	$node->init;
	$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off\nvector.background_work = off\n");
	$node->start;
	create_tables($node, 'rows.sql', "$kind.sql");
	put_files($node, "version-3-$kind.tar.gz");

	my $sql = sub { return $node->safe_psql('postgres', "LOAD 'vector'; $_[0]"); };
	my $counts = $sql->("SELECT string_agg(format('vector_index_check(%L) - (SELECT count(*) FROM %I)', name || '_v', name), ', ') FROM cases");

	# Searches, those of vectors under conditions, give what the tables have; each row is in its index, once, with its attributes.
	my $sound = sub {
		my ($name) = @_;
		is($sql->("SELECT sum(wrong_searches(name, type, operator)) FROM cases"), 0, "$kind, $name: searches are right");
		is($sql->("SELECT $counts"), $kind eq 'axes' ? '0' : '0|0|0', "$kind, $name: the indexes are sound and complete");
	};

	$sound->('as they were made');
	$sql->('SELECT add_rows(name, 351, 380) FROM cases');
	$sound->('after inserts');
	$sql->("SELECT vector_seal((name || '_v')::regclass) FROM cases");
	$sound->('after a seal');
	$sql->("SELECT format('DELETE FROM %I WHERE id %% 5 = 0', name) FROM cases \\gexec");
	$sql->("SELECT format('VACUUM %I', name) FROM cases \\gexec");
	$sound->('after VACUUM');
	$sql->("SELECT vector_merge((name || '_v')::regclass) FROM cases");
	$sound->('after a merge');
	$node->stop;
}
done_testing();

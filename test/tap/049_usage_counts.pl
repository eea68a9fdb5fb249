# Searches raise the usage counts of the buffers that they visit, so that buffers of blocks that are often visited are not
# the ones that are replaced
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'how blocks are read is ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
create_items($node, 64);
$node->safe_psql('postgres', 'CREATE EXTENSION pg_buffercache;
	INSERT INTO items SELECT i, place(i) FROM generate_series(1, 3000) i;
	CREATE INDEX hnsw_v ON items USING hnsw (v vector_l2_ops);
	CREATE INDEX diskann_v ON items USING diskann (v vector_l2_ops);
	CREATE INDEX ivf_v ON items USING ivf (v vector_l2_ops)');

foreach my $method (qw(hnsw diskann ivf))
{
	# a session has no hints of buffers before its first visit
	$node->restart;
	my $often = $node->safe_psql('postgres', qq{
		SET enable_seqscan = off;
		BEGIN;
		DO \$\$
		DECLARE
			other text;
		BEGIN
			FOREACH other IN ARRAY array_remove(ARRAY['hnsw', 'diskann', 'ivf'], '$method') LOOP
				EXECUTE format('DROP INDEX %I', other || '_v');
			END LOOP;
			FOR i IN 1 .. 1000 LOOP
				PERFORM id FROM items ORDER BY v <-> place(i * 7) LIMIT 10;
			END LOOP;
		END \$\$;
		SELECT count(*) FILTER (WHERE usagecount > 1) >= 0.5 * count(*) AND count(*) > 10 FROM pg_buffercache
			WHERE relfilenode = pg_relation_filenode('${method}_v')
				AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database());
		ROLLBACK});
	is($often, 't', "$method raises the usage counts of most of its buffers");
}

done_testing();

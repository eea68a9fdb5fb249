# The results of merges: graphs as good as new ones however often they were merged, and large segments rewritten only
# if enough is added to them
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $rounds = $ENV{VECTOR_LONG} ? 20 : 5;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmaintenance_work_mem = 32MB");
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

create_items($node, 24);
sql(q{
	LOAD 'vector';
	ALTER SYSTEM SET vector.background_work = off;
	SELECT pg_reload_conf()});

# many small segments are merged with a large one, again and again
sql('INSERT INTO items SELECT n, place(n) FROM generate_series(1, 6000) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 100000)');
foreach my $round (0 .. $rounds - 1)
{
	sql("DO \$\$ BEGIN FOR i IN 0 .. 59 LOOP
			INSERT INTO items SELECT n, place(n) FROM generate_series(6001 + ($round * 60 + i) * 40,
				6040 + ($round * 60 + i) * 40) n;
			PERFORM vector_seal('items_v');
		END LOOP; END \$\$");
	is(sql("SELECT vector_merge('items_v')"), 61, "round $round: 61 segments become one");
}
sql('CREATE TABLE probes AS SELECT place(-q) AS p FROM generate_series(1, 150) q;
	SET enable_indexscan = off;
	CREATE TABLE truth AS SELECT p, (SELECT array_agg(id)
		FROM (SELECT id FROM items ORDER BY v <-> p LIMIT 10) x) AS ids FROM probes');
my $recall = 'SET enable_seqscan = off; SELECT sum((SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> p LIMIT 10) x
	WHERE id = ANY (ids))) / 1500.0 FROM truth';
my $merged = sql($recall);
sql('REINDEX INDEX items_v');
my $built = sql($recall);
note("recall of the merged graph $merged, of a new one $built");
cmp_ok($merged, '>=', $built - 0.02, 'a graph that was merged finds what a new one does');
sql('DROP TABLE items');

# nodes larger than a block, in segments of which a sample of the nodes has none
sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(1030));
	INSERT INTO items SELECT n, (SELECT array_agg((hashint4(n) # hashint4(d)) & 1023) FROM generate_series(1, 1030) d)
		FROM generate_series(1, 8200) n;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8);
	DO \$\$ BEGIN FOR i IN 1 .. 8 LOOP
		INSERT INTO items SELECT -i, v + (SELECT array_agg(i * 20) FROM generate_series(1, 1030))::vector
			FROM items WHERE id = i;
		PERFORM vector_seal('items_v');
	END LOOP; END \$\$");
is(sql("SELECT vector_merge('items_v')"), 9, 'segments of a row or two are merged with one of large nodes');
is(sql("SELECT count(*) = vector_index_check('items_v') FROM items"), 't', 'soundly and completely');
is(sql("SET enable_seqscan = off; SET hnsw.ef_search = 400; SELECT count(*) FROM items q WHERE id < 0 AND id = (SELECT id FROM items ORDER BY v <-> q.v
	LIMIT 1)"), 8, 'and all of their rows are found');
sql('DROP TABLE items');

SKIP:
{
	skip 'not compiled with wait points', 1 unless has_wait_points($node);

	# 16 claimed segments would, together with another, be enough to rewrite the large one: without them it is not
	sql("CREATE TABLE items (id bigint PRIMARY KEY, v vector(24));
		CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 1600);
		DO \$\$ BEGIN FOR i IN 0 .. 15 LOOP
			INSERT INTO items SELECT n, place(n) FROM generate_series(i * 100 + 1, i * 100 + 100) n;
			PERFORM vector_seal('items_v');
		END LOOP; END \$\$");
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('SELECT pg_advisory_lock(0, 4711)');
	my $other = $node->background_psql('postgres');
	$other->query_safe("LOAD 'vector'; SET vector.wait_point = 'flip'");
	$other->query_until(qr/begun/, "\\echo begun\nSELECT vector_merge('items_v');\n");
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM vector_segments() WHERE kind = 'reserved'")
	  or die 'nobody merges';
	sql('INSERT INTO items SELECT n, place(n) FROM generate_series(10001, 11200) n');
	sql('VACUUM items');
	my $large = sql("SELECT segment FROM vector_segments() WHERE kind = 'sealed' AND rows = 1200");
	sql("INSERT INTO items SELECT n, place(n) FROM generate_series(20001, 20100) n");
	sql("LOAD 'vector'; SET vector.merge_factor = 2; VACUUM items");
	is(sql("SELECT count(*) FROM vector_segments() WHERE kind = 'sealed' AND rows = 100"), 17, 'another is sealed');
	is(sql("SELECT kind FROM vector_segments() WHERE segment = $large"), 'sealed',
		'a large segment is not written again for a few rows');
	$gate->query_safe('SELECT pg_advisory_unlock(0, 4711)');
	$other->quit;
	$gate->quit;
	is(sql("SELECT count(*) = vector_index_check('items_v') FROM items"), 't', 'the index is sound and complete');
}

$node->stop;
done_testing();

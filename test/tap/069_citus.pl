# A table distributed by Citus over a coordinator and four workers: each shard is searched by its index with the LIMIT, the
# answer is that of one server, and what moves, splits and copies shards keeps their indexes.  Needs an installation of
# PostgreSQL that has Citus.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($share) = run_command([ 'pg_config', '--sharedir' ]);
plan skip_all => 'NOT TESTED: this installation of PostgreSQL does not have Citus' unless -e "$share/extension/citus.control";

my @nodes;
foreach my $name ('coordinator', 'worker1', 'worker2', 'worker3', 'worker4')
{
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'citus'
wal_level = logical
autovacuum = off
fsync = off
max_wal_senders = 10
max_prepared_transactions = 100
citus.node_conninfo = 'sslmode=disable'
citus.enable_statistics_collection = off
vector.background_work = off
CONF
	$node->append_conf('postgresql.conf', "citus.local_hostname = '" . $node->host . "'");
	$node->start;
	$node->safe_psql('postgres', $_) foreach 'CREATE EXTENSION citus', 'CREATE EXTENSION vector';
	push @nodes, $node;
}
my ($hub, @workers) = @nodes;

sub on_hub
{
	return join "\n", map { $hub->safe_psql('postgres', $_) } @_;
}

on_hub(sprintf("SELECT citus_set_coordinator_host('%s', %d)", $hub->host, $hub->port));
# the fourth joins later
on_hub(sprintf("SELECT citus_add_node('%s', %d)", $_->host, $_->port)) foreach @workers[0 .. 2];
on_hub(q{CREATE TABLE whole (id bigint PRIMARY KEY, tenant int, tag int, body text, v vector(16))},
	q{SELECT setseed(0.4)},
	q{INSERT INTO whole SELECT n, n % 20, n % 7, 'words ' || n % 50 || ' of part' || n % 3,
		ARRAY(SELECT random() + sin(n % 50 * j) FROM generate_series(1, 16) j WHERE n > 0)::vector(16) FROM generate_series(1, 4000) n},
	q{CREATE TABLE items (LIKE whole INCLUDING ALL)},
	q{SET citus.shard_count = 8; SELECT create_distributed_table('items', 'id')},
	q{INSERT INTO items SELECT * FROM whole},
	q{CREATE TABLE queries AS SELECT id, v FROM whole WHERE id % 40 = 1});

# The distances of the ten nearest rows of a table, of each of the queries, by a statement for each
sub distances_of
{
	my ($table, $condition, @settings) = @_;
	my $statement = join '', map {"SET $_;"} @settings;
	my @queries = split /\n/, on_hub('SELECT v FROM queries ORDER BY id');

	$statement .= "SELECT string_agg(d::text, ' ') FROM (SELECT v <-> '$_' AS d FROM $table WHERE $condition ORDER BY v <-> '$_' LIMIT 10) s;\n" foreach @queries;
	return split /\n/, $hub->safe_psql('postgres', $statement);
}

# How many of the rows found are among the nearest.
sub recall
{
	my ($found, $exact) = @_;
	my ($good, $all) = (0, 0);

	foreach my $i (0 .. $#$exact)
	{
		my @near = split / /, $exact->[$i];

		$all += @near;
		$good += grep { $_ <= $near[-1] * 1.000001 } split / /, $found->[$i];
	}
	return $good / $all;
}

my $v = on_hub('SELECT v FROM whole WHERE id = 100');
my $search = "SELECT id FROM items ORDER BY v <-> '$v' LIMIT 10";
my $by_all = 'SET citus.explain_all_tasks = on;';
my @exact = distances_of('whole', 'true');
is_deeply([ distances_of('items', 'true') ], \@exact, 'without an index the answers are those of one table');
is(scalar(@exact), 100, 'of 100 queries');

# indexes
on_hub("CREATE INDEX $_" . "_v ON $_ USING hnsw (v vector_l2_ops, tag)", "ANALYZE $_") foreach 'items', 'whole';
# shards are small here; what is said of a database is said of the workers', too
on_hub('ALTER DATABASE postgres SET enable_seqscan = off');
my @exactly = ('enable_seqscan = on', 'enable_indexscan = off');

sub tasks
{
	my ($plan, $pattern) = @_;

	return scalar(() = $plan =~ /$pattern/g);
}

my $plan = on_hub("$by_all EXPLAIN (COSTS OFF) $search");
is(tasks($plan, qr/->  Limit\s+->  Index Scan using items_v_\d+ on items_\d+ items\s+Order By/), 8, 'the plan of each shard is its index with the LIMIT');
$plan = on_hub("$by_all EXPLAIN (COSTS OFF) SELECT id FROM items WHERE tag = 3 ORDER BY v <-> '$v' LIMIT 10");
is(tasks($plan, qr/->  Limit\s+->  Index Scan using items_v_\d+ on items_\d+ items\s+Index Cond: \(tag = 3\)/), 8, 'and the condition');
foreach my $condition ('true', 'tag = 3', 'tag IN (1, 5) AND id < 3000')
{
	my @right = distances_of('whole', $condition, @exactly);
	my $one = recall([ distances_of('whole', $condition) ], \@right);
	my $many = recall([ distances_of('items', $condition) ], \@right);

	cmp_ok($many, '>=', $one - 0.005, "recall of shards ($many) and of one table ($one): $condition");
}

# aggregates: a step in each shard, and one that combines these
$plan = on_hub("$by_all EXPLAIN (VERBOSE, COSTS OFF) SELECT avg(v), sum(v) FROM items");
is(tasks($plan, qr/worker_(?:binary_)?partial_agg\('[^']*avg\(/), 8, 'avg in two steps');
like($plan, qr/coord_(?:binary_)?combine_agg/, 'the second of which combines');
is(on_hub('SELECT max(abs(x - y)) < 1e-4 FROM unnest((SELECT avg(v)::real[] FROM items), (SELECT avg(v)::real[] FROM whole)) u (x, y)'), 't', 'to the average');
is(on_hub('SELECT max(abs(x / y - 1)) < 1e-4 FROM unnest((SELECT sum(v)::real[] FROM items WHERE tag = 2), (SELECT sum(v)::real[] FROM whole WHERE tag = 2)) u (x, y)'),
	't', 'and the sum');

# settings
my $effort = "SELECT DISTINCT current_setting('hnsw.ef_search') FROM items WHERE id > 0";
my $loaded = "SELECT count(*) >= 0 FROM (SELECT v <-> '$v' FROM items) s;";
is((split /\n/, on_hub("$loaded BEGIN; SET LOCAL hnsw.ef_search = 200; $effort; COMMIT"))[-1], 40, 'SET LOCAL alone does not reach the workers');
is((split /\n/, on_hub("$loaded SET citus.propagate_set_commands = 'local'; BEGIN; SET LOCAL hnsw.ef_search = 200; $effort; COMMIT"))[-1], 200,
	'with citus.propagate_set_commands it does');
on_hub("ALTER DATABASE postgres SET hnsw.ef_search = 90");
is((split /\n/, on_hub("$loaded $effort"))[-1], 90, 'ALTER DATABASE reaches them');
on_hub("ALTER DATABASE postgres RESET hnsw.ef_search");

# by a tenant, by a vector, and tables that each worker has
on_hub(q{CREATE TABLE tenants (LIKE whole)}, q{SELECT create_distributed_table('tenants', 'tenant')},
	q{INSERT INTO tenants SELECT * FROM whole}, q{CREATE INDEX tenants_v ON tenants USING hnsw (v vector_l2_ops, tenant)}, q{ANALYZE tenants});
$plan = on_hub("EXPLAIN (COSTS OFF) SELECT id FROM tenants WHERE tenant = 7 ORDER BY v <-> '$v' LIMIT 5");
like($plan, qr/Task Count: 1\b.*Index Scan using tenants_v/s, 'a search of one tenant asks one worker, by its index');
is(on_hub("SELECT id FROM tenants WHERE tenant = 7 ORDER BY v <-> '$v', id LIMIT 5"),
	on_hub("SET enable_seqscan = on; SET enable_indexscan = off; SELECT id FROM whole WHERE tenant = 7 ORDER BY v <-> '$v', id LIMIT 5"), 'and is right');
on_hub(q{CREATE TABLE by_vector (id int, v vector(16))}, q{SELECT create_distributed_table('by_vector', 'v')},
	q{INSERT INTO by_vector SELECT id, v FROM whole}, q{ANALYZE by_vector});
like(on_hub("EXPLAIN (COSTS OFF) SELECT id FROM by_vector WHERE v = '$v'"), qr/Task Count: 1\b/, 'a vector is a distribution column');
is(on_hub("SELECT count(*), count(*) FILTER (WHERE id = 100) FROM by_vector WHERE v = '$v'"), '1|1', 'by which a row is found');
on_hub(q{CREATE TABLE probes (id int PRIMARY KEY, v vector(16))}, q{CREATE INDEX probes_v ON probes USING hnsw (v vector_l2_ops)},
	q{SELECT create_reference_table('probes')}, q{INSERT INTO probes SELECT id, v FROM whole WHERE id % 100 = 1});
is($workers[$_]->safe_psql('postgres', "SET enable_seqscan = off; SELECT id FROM probes ORDER BY v <-> (SELECT v FROM probes WHERE id = 301) LIMIT 1"), 301,
	"worker $_ has the reference table and its index") foreach 0 .. 2;
is(on_hub(q{SELECT count(*), count(*) FILTER (WHERE query = item AND distance = 0) FROM vector_knn_join('SELECT id, v FROM probes', 'SELECT id, v FROM items', 1)
	AS j (query int, item bigint, distance float8)}), '40|40', 'vector_knn_join of a reference and a distributed table');

# several searches in one
my $arms = q{SELECT id, rank() OVER (ORDER BY d) AS r FROM (SELECT id, %s AS d FROM %s ORDER BY 2, id LIMIT 50) s};
my $fused = sub {
	my $one = sprintf $arms, "v <-> '$v'", $_[0];
	my $two = sprintf $arms, "v <-> (SELECT v FROM queries WHERE id = 81)", $_[0];
	$two =~ s/\(SELECT v.*?81\)/"'" . on_hub('SELECT v FROM queries WHERE id = 81') . "'"/e;
	return "WITH a AS ($one), b AS ($two) SELECT id FROM a FULL JOIN b USING (id)
		ORDER BY coalesce(1.0 / (60 + a.r), 0) + coalesce(1.0 / (60 + b.r), 0) DESC, id LIMIT 20";
};
is(on_hub($fused->('items')), on_hub('SET enable_seqscan = on; SET enable_indexscan = off; ' . $fused->('whole')), 'two searches whose ranks are fused: the order of one table');
my ($rc, $out, $err) = $hub->psql('postgres', "SELECT q.id, n.id FROM items q CROSS JOIN LATERAL (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 1) n");
isnt($rc, 0, 'LATERAL of two distributed tables is refused');
like($err, qr/cannot push down this subquery|complex joins are only supported/, 'by Citus');
is(on_hub("PREPARE p (vector) AS SELECT id FROM items ORDER BY v <-> \$1 LIMIT 1; " . join '; ', ("EXECUTE p ('$v')") x 8), join("\n", (100) x 8), 'a prepared statement');

# words
on_hub(q{CREATE INDEX items_body ON items USING bm25 (body) WITH (text_config = 'simple')});
is(on_hub("SELECT count(*), min(key::text) FILTER (WHERE vector_rank = 1), count(text_rank) > 0, count(vector_rank) > 0
	FROM hybrid_search('items', query_vector => '$v', query_text => 'words 0 of part1', vector_column => 'v', text_column => 'body', k => 40)"),
	'40|{"id": 100}|t|t', 'hybrid_search');

# moves, splits, another worker
sub indexed
{
	return on_hub(q{SELECT count(*), bool_and(result::int = 1) FROM run_command_on_shards('items',
		$$SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = '%s'::regclass AND a.amname = 'hnsw' AND i.indisvalid$$)});
}
is(indexed(), '8|t', 'each shard has its index');
foreach my $mode ('block_writes', 'force_logical')
{
	on_hub(qq{SELECT citus_move_shard_placement(shardid, nodename, nodeport, (SELECT nodename FROM pg_dist_node n WHERE n.noderole = 'primary' AND n.groupid > 0 AND n.nodeport <> p.nodeport ORDER BY nodeport LIMIT 1),
		(SELECT nodeport FROM pg_dist_node n WHERE n.groupid > 0 AND n.nodeport <> p.nodeport ORDER BY nodeport LIMIT 1), '$mode')
		FROM pg_dist_shard_placement p JOIN pg_dist_shard s USING (shardid) WHERE logicalrelid = 'items'::regclass ORDER BY shardid LIMIT 1});
	is(indexed(), '8|t', "a shard that is moved has its index ($mode)");
	is(on_hub("SELECT id FROM items ORDER BY v <-> '$v' LIMIT 1"), 100, 'and is searched');
}
my $split = on_hub(q{SELECT format('SELECT citus_split_shard_by_split_points(%s, ARRAY[''%s''], ARRAY[%s, %s], ''block_writes'')', shardid,
		(shardminvalue::bigint + shardmaxvalue::bigint) / 2, (SELECT min(nodeid) FROM pg_dist_node WHERE groupid > 0), (SELECT max(nodeid) FROM pg_dist_node WHERE groupid > 0))
	FROM pg_dist_shard WHERE logicalrelid = 'items'::regclass ORDER BY shardid LIMIT 1});
on_hub($split);
is(indexed(), '9|t', 'the parts of a shard that is split have their indexes');
on_hub(sprintf("SELECT citus_add_node('%s', %d)", $workers[3]->host, $workers[3]->port), q{SELECT rebalance_table_shards('items', shard_transfer_mode => 'block_writes')});
is(on_hub(sprintf(q{SELECT count(*) > 0 FROM pg_dist_shard_placement JOIN pg_dist_shard USING (shardid) WHERE logicalrelid = 'items'::regclass AND nodeport = %d}, $workers[3]->port)),
	't', 'shards are moved to another worker');
is(indexed(), '9|t', 'with their indexes');
my @after = distances_of('items', 'true');
cmp_ok(recall(\@after, \@exact), '>=', 0.99, 'and the answers are as before');
like(on_hub("$by_all EXPLAIN (COSTS OFF) $search"), qr/Index Scan using items_v_\d+/, 'by these');

# a worker that is down
$workers[1]->stop('immediate');
($rc, $out, $err) = $hub->psql('postgres', $search);
isnt($rc, 0, 'a worker that is down is an error');
my $down = $workers[1]->port;
like($err, qr/$down/, 'which names it');

$_->stop foreach @nodes[0, 1, 3, 4];
done_testing();

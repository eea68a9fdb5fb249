# Beside REINDEX CONCURRENTLY, VACUUM and writers, a search of all rows finds each row of its snapshot once, and nothing else; and what one of
# the nearest ten misses is there, and only missed by a walk that is approximate
#
# VECTOR_LONG=1 in the environment: a minute instead of 4 seconds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{VECTOR_LONG} ? 60 : 4;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\njit = off\ndefault_transaction_isolation = 'repeatable read'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION anywhere() RETURNS vector LANGUAGE sql AS 'SELECT array_agg(random()::real)::vector FROM generate_series(1, 6)';
	CREATE TABLE items (id int PRIMARY KEY, n int, v vector(6)) WITH (fillfactor = 70);
	INSERT INTO items SELECT id, 0, anywhere() FROM generate_series(1, 600) id;
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops) WITH (seal_rows = 64);

	-- the rows that a statement finds, by the index or without
	CREATE FUNCTION found(by_index boolean, query vector, most int) RETURNS int[] LANGUAGE plpgsql AS $$
	DECLARE
		ids int[];
	BEGIN
		PERFORM set_config('enable_indexscan', by_index::text, true), set_config('enable_seqscan', (NOT by_index)::text, true),
			set_config('enable_sort', (NOT by_index)::text, true);
		EXECUTE 'SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM items ORDER BY v <-> $1 LIMIT $2) x' INTO ids USING query, most;
		RETURN ids;
	END $$;
	CREATE FUNCTION compare(index_first boolean, pause float8) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		query vector := anywhere();
		first int[] := found(index_first, query, 10000);
		second int[];
		nearest int[];
	BEGIN
		PERFORM pg_sleep(pause);
		second := found(NOT index_first, query, 10000);
		IF first <> second THEN
			RAISE EXCEPTION 'rows % and %, by the index %', first, second, CASE WHEN index_first THEN 'first' ELSE 'last' END;
		END IF;
		nearest := found(true, query, 10);
		IF cardinality(nearest) <> 10 OR NOT nearest <@ first OR (SELECT count(DISTINCT id) FROM unnest(nearest) id) <> 10 THEN
			RAISE EXCEPTION 'nearest %', nearest;
		END IF;
	END $$;
});

my %scripts = (
	update => "\\set k random(1, 600)\nUPDATE items SET v = anywhere() WHERE id = :k;",
	note => "\\set k random(1, 600)\nUPDATE items SET n = n + 1 WHERE id = :k;",
	back => "\\set k random(1, 600)\nBEGIN; UPDATE items SET v = anywhere() WHERE id = :k; ROLLBACK;",
	again => "\\set k random(1, 600)\nBEGIN; DELETE FROM items WHERE id = :k; INSERT INTO items VALUES (:k, 0, anywhere()) ON CONFLICT DO NOTHING; COMMIT;",
	compare => "\\set k random(0, 1)\n\\set p random(0, 60)\nSELECT compare(:k = 1, :p / 1000.0);");
my @loads;

sub load
{
	my ($clients, @names) = @_;
	my @files;
	foreach my $name (@names)
	{
		append_to_file($node->basedir . "/$name.sql", "$scripts{$name}\n");
		push @files, '-f', $node->basedir . "/$name.sql";
	}
	my ($out, $err) = ('', '');
	my $load = { names => "@names", out => \$out, err => \$err };
	# writers that wait for each other begin again, as in any isolation above the default
	$load->{run} = IPC::Run::start([ 'pgbench', '-n', '-T', $seconds, '--max-tries', 1000, '-c', $clients, '-h', $node->host, '-p', $node->port, @files, 'postgres' ],
		'>', \$out, '2>', \$err);
	push @loads, $load;
}

load(2, 'compare');
load(2, 'update', 'note', 'back', 'again');
my ($end, $times) = (time() + $seconds, 0);
while (time() < $end || $times < 2)
{
	$node->safe_psql('postgres', 'REINDEX INDEX CONCURRENTLY items_v');
	$node->safe_psql('postgres', 'VACUUM items');
	$times++;
}
note("$times times");
foreach my $load (@loads)
{
	$load->{run}->finish;
	is(join('', grep { !/^pgbench \(/ } split /^/m, ${ $load->{err} }), '', "$load->{names}: nothing to complain of");
	note($1) if ${ $load->{out} } =~ /(number of transactions actually processed: \d+)/;
}
is($node->safe_psql('postgres', "VACUUM items; SELECT vector_index_check('items_v') = count(*) FROM items"), 't', 'the index is sound');
$node->stop;
done_testing();

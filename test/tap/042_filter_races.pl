# Searches with conditions beside INSERT, UPDATE of attributes, DELETE, VACUUM, seals and merges: under one snapshot an
# index has every row that the sequential scan has
#
# VECTOR_LONG=1: five minutes.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'attributes are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
max_parallel_workers_per_gather = 0
vector.idle_merge_delay = 0
CONF
$node->start;
create_place($node, 8);
$node->safe_psql('postgres', q{
	CREATE TABLE items (id bigserial PRIMARY KEY, v vector(8), tenant int, tag text, g int, other int);
	CREATE FUNCTION fill(rows int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items (v, tenant, tag, g, other) SELECT place((random() * 1e9)::bigint), random() * 20, 'tag ' || (random() * 9)::int,
			random() * 30, random() * 5 FROM generate_series(1, rows) $$;
	SELECT fill(800);
	CREATE INDEX items_g ON items (g);
	CREATE TABLE acl (id bigint, reader int);
	INSERT INTO acl SELECT id, id % 40 FROM generate_series(1, 30000) id;
	CREATE INDEX acl_reader ON acl (reader);
	CREATE INDEX items_h ON items USING hnsw (v vector_l2_ops, tenant, tag) WITH (seal_rows = 100);
	CREATE INDEX items_l ON items USING ivf (v vector_cosine_ops, tag, tenant) WITH (seal_rows = 150, lists = 5);
	CREATE INDEX items_d ON items USING diskann (v vector_ip_ops, tag, tenant) WITH (seal_rows = 130);
	CREATE INDEX items_p ON items USING hnsw (v vector_l1_ops) WITH (seal_rows = 120);
	VACUUM ANALYZE items, acl;

	CREATE FUNCTION answer(operator text, condition text, by_index bool) RETURNS bigint[] LANGUAGE plpgsql AS $$
	DECLARE answer bigint[];
	BEGIN
		PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_indexscan', by_index::text, true),
			set_config('enable_bitmapscan', by_index::text, true), set_config('enable_sort', (NOT by_index)::text, true),
			set_config('ivf.probes', '5', true);
		EXECUTE format('SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM items WHERE %s ORDER BY v %s %L LIMIT 10000) s',
			condition, operator, place(17)) INTO answer;
		RETURN answer;
	END $$;
	CREATE FUNCTION compare() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		n int := floor(random() * 20);
		condition text := (ARRAY[format('tenant = %s', n), format('tenant = %s AND tag < ''tag 5''', n), format('tenant = %s OR tag = ''tag %s''', n, n % 10),
			format('tenant IN (%s, 3) AND other < 3', n), format('g = %s', n), format('g BETWEEN %s AND 25 AND tenant > 4', n),
			format('id IN (SELECT id FROM acl WHERE reader = %s)', n), format('NOT (tag = ''tag %s'') AND g = 3', n % 10), 'tag IS NULL'])[1 + floor(random() * 9)::int];
		operator text := (ARRAY['<->', '<=>', '<#>', '<+>'])[1 + floor(random() * 4)::int];
		by_index bigint[] := answer(operator, condition, true);
		by_table bigint[] := answer(operator, condition, false);
	BEGIN
		IF by_index IS DISTINCT FROM by_table THEN
			RAISE EXCEPTION '% by %: % and not %', condition, operator, (SELECT array_agg(x) FROM unnest(by_index) x WHERE x <> ALL (by_table)),
				(SELECT array_agg(x) FROM unnest(by_table) x WHERE x <> ALL (by_index));
		END IF;
	END $$;
});

my %scripts = (
	'compare@12' => "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT compare();\nSELECT compare();\nCOMMIT;",
	'insert@6' => 'SELECT fill(8);',
	'tenant@6' => 'UPDATE items SET tenant = random() * 20 WHERE id = (SELECT id FROM items WHERE id > (random() * 800)::int LIMIT 1 FOR UPDATE SKIP LOCKED);',
	'tag@4' => "UPDATE items SET tag = nullif('tag ' || (random() * 9)::int, 'tag 7') WHERE id = (SELECT max(id) - (random() * 300)::int FROM items);",
	'other@3' => 'UPDATE items SET other = random() * 5 WHERE id = (SELECT max(id) - (random() * 300)::int FROM items);',
	'group@3' => 'UPDATE items SET g = random() * 30 WHERE id = (SELECT max(id) - (random() * 300)::int FROM items);',
	'abort@1' => "BEGIN;\nSELECT fill(5);\nROLLBACK;",
	'delete@4' => 'DELETE FROM items WHERE id IN (SELECT id FROM items ORDER BY random() LIMIT greatest(0, (SELECT count(*) FROM items) - 1000) / 4);',
	'vacuum@1' => 'VACUUM (TRUNCATE off) items;',
	'seal@1' => "SELECT vector_seal('items_h'), vector_seal('items_l'), vector_seal('items_d');",
	'merge@1' => "SELECT vector_merge('items_h');");
my @files;
foreach my $name (sort keys %scripts)
{
	my ($file, $weight) = split /@/, $name;
	append_to_file($node->basedir . "/$file.sql", "$scripts{$name}\n");
	push @files, '-f', $node->basedir . "/$file.sql\@$weight";
}
my $out = '';
local $ENV{PGOPTIONS} = "-c hnsw.iterative_scan=strict_order -c ivf.iterative_scan=relaxed_order";
my $session = IPC::Run::start([ 'pgbench', '-n', $ENV{VECTOR_LONG} ? ('-T', 300) : ('-t', 250), '-c', 6, '-j', 2, '-h', $node->host, '-p', $node->port,
	@files, 'postgres' ], '>', \$out, '2>', \$out);
$session->finish;
unlike($out, qr/ERROR|aborted/, 'no search differed from the sequential scan') or diag($out);
like($out, qr/number of transactions actually processed: \d{3}/, 'there were searches');
my ($searches) = $out =~ /compare\.sql.*?(\d+) transactions/s;
note("$searches searches");
is($node->safe_psql('postgres', "VACUUM (INDEX_CLEANUP ON) items; SELECT count(*) = vector_index_check('items_h'),
	count(*) = vector_index_check('items_l'), count(*) = vector_index_check('items_d'), count(*) = vector_index_check('items_p')
	FROM items"), 't|t|t|t', 'the indexes are sound and complete');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, 'nothing bad in the log');
done_testing();

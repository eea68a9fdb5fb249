# Iterative scans that go deep: 100,000 rows of 120,000, in time and memory
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $peer = $ENV{VECTOR_PEER};
my $rows = 120000;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_parallel_workers_per_gather = 0
CONF
$node->start;

# a built segment, a sealed one and a growing one; groups of five in a tenth of the rows share their vector
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int, v vector(16));
	CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items SELECT n, (SELECT array_agg((hashint8extended(
				CASE WHEN n % 10 = 0 THEN -(n / 50) ELSE n END, d) & 4095)::real)
			FROM generate_series(1, 16) d)
		FROM generate_series(low, high) n
	$$;
});
$node->safe_psql('postgres', "SELECT fill(1, $rows - 3000);
	CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
	SELECT fill($rows - 2999, $rows - 1000);"
	  . ($peer ? '' : "SELECT vector_seal('items_v');")
	  . "SELECT fill($rows - 999, $rows); ANALYZE items");
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM vector_segments()
	WHERE rows > 0"), 'growing sealed', 'segments of every kind')
  unless $peer;

my $settings = "SET enable_seqscan = off; SET enable_sort = off; SET work_mem = '64MB';
	SET hnsw.max_scan_tuples = 2000000;";
my $nearest = 'SELECT id, v <-> array_fill(2000, ARRAY[16])::vector AS d FROM items
	ORDER BY v <-> array_fill(2000, ARRAY[16])::vector';

# What a scan in a mode returns: rows, distinct rows, and how often a row is nearer than the one before.
sub scan
{
	my ($mode, $what, $more) = @_;

	return split /\|/, $node->safe_psql('postgres', "$settings SET hnsw.iterative_scan = $mode;"
		. ($more // '') . "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE d < before)
		FROM (SELECT *, lag(d) OVER (ORDER BY n) AS before
			FROM (SELECT *, row_number() OVER () AS n FROM ($nearest $what) x) y) z");
}

foreach my $mode ('relaxed_order', 'strict_order')
{
	my ($count, $different, $late) = scan($mode, 'LIMIT 100000');
	is($count, 100000, "$mode: as many rows as wanted");
	is($different, $count, "$mode: none twice");
	is($late, 0, "$mode: in order") if $mode eq 'strict_order';

	($count, $different, $late) = scan($mode, 'OFFSET 50000 LIMIT 10');
	is($count, 10, "$mode: rows after many");
	is($different, $count, "$mode: rows after many, none twice");

	# strict order leaves out rows found too late
	($count, $different) = scan($mode, '');
	cmp_ok($count, '>=', $mode eq 'strict_order' ? 0.97 * $rows : $rows, "$mode: all rows");
	is($different, $count, "$mode: all rows, none twice");

	# there are many rounds when each finds little, and much to keep
	my $begin = time;
	($count, $different) = scan($mode, 'LIMIT 100000', 'SET hnsw.ef_search = 1;');
	cmp_ok($count, '>=', 90000, "$mode: rounds of one");
	is($different, $count, "$mode: rounds of one, none twice");
	note sprintf('%s, rounds of one: %.1f seconds', $mode, time - $begin);
}

# OFFSET reaches as far as LIMIT did
is($node->safe_psql('postgres', "$settings SET hnsw.iterative_scan = strict_order;
	SELECT count(*) FROM ($nearest OFFSET 50000 LIMIT 10) a JOIN
		(SELECT * FROM ($nearest LIMIT 50010) x OFFSET 50000) b USING (id)"), 10,
	'the same rows with OFFSET as without');

# The rows that a scan returns, and the bytes that it holds at that time.
sub memory
{
	my ($work_mem, $multiplier) = @_;

	# an open cursor keeps its scan
	return split /\s+/, $node->safe_psql('postgres', "$settings SET work_mem = '$work_mem';
		SET hnsw.scan_mem_multiplier = $multiplier; SET hnsw.iterative_scan = strict_order; BEGIN;
		CREATE TEMP TABLE counted (n int) ON COMMIT DROP;
		DO \$\$
		DECLARE
			c CURSOR FOR $nearest;
			n int;
		BEGIN
			OPEN c;
			MOVE FORWARD 100000 FROM c;
			GET DIAGNOSTICS n = ROW_COUNT;
			INSERT INTO counted VALUES (n);
			INSERT INTO counted
				SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'vector scan';
		END \$\$;
		SELECT * FROM counted");
}

unless ($peer)
{
	my $least = 0;
	foreach my $case ([ '1MB', 1 ], [ '2MB', 1 ], [ '2MB', 1.5 ], [ '4MB', 1 ], [ '5MB', 1 ])
	{
		my ($work_mem, $multiplier) = @$case;
		my ($count, $bytes) = memory($work_mem, $multiplier);
		my $name = "$work_mem times $multiplier";

		note "$name: $count rows, $bytes bytes";
		cmp_ok($bytes, '<=', ($work_mem =~ s/MB//r) * $multiplier * 1048576 + 65536,
			"$name is not exceeded");
		cmp_ok($count, '>=', $least, "$name: not fewer rows than with less");
		$least = $count;
	}
	my ($count, $bytes) = memory('64MB', 1);
	is($count, 100000, 'enough memory for all');
	cmp_ok($bytes, '>', 100000, 'and the memory is that of the scan');
}

$node->stop;
done_testing();

# Vectors stored out of line: whatever happens to a table, a distance reads the value that was stored.
#
# Everything happens in one session, because the test is about what a session remembers of a TOAST table.  Every value
# comes from the table truth, which holds it as an array and its distance to a probe, computed before anything was
# stored: the distance computed from the stored value must be equal to the bit.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmin_parallel_table_scan_size = 0\nparallel_setup_cost = 0\nallow_in_place_tablespaces = on");
$node->start;
my $connstr = $node->connstr('postgres');

# the columns of items: type and dimensions; the expressions of its value and of the value it is compared with
my %columns = (a => [ 'vector', 600 ], b => [ 'halfvec', 1100 ], c => [ 'vector', 1100 ], d => [ 'bf16vec', 1040 ], e => [ 'int8vec', 2100 ]);
my @names = sort keys %columns;
my %probe = map { ($_ => "scatter(12345, $columns{$_}[1])::$columns{$_}[0]") } @names;
my $sets = join(', ', map { "$_ = t.$_\::$columns{$_}[0]" } @names);
my $casts = join(', ', map { "t.$_\::$columns{$_}[0]" } @names);

my $script = q{
	CREATE EXTENSION vector;
	CREATE FUNCTION scatter(seed int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg(((seed * 7919 + d * (104729 + seed)) % 255 - 127)::real) FROM generate_series(1, dims) d$$;
} . 'CREATE TABLE truth (id int PRIMARY KEY, ' . join(', ', map { "$_ real[], distance_$_ float8 GENERATED ALWAYS AS ($_\::$columns{$_}[0] <-> $probe{$_}) STORED" } @names) . ');'
  . 'CREATE TABLE items (id int PRIMARY KEY, ' . join(', ', map { "$_ $columns{$_}[0]($columns{$_}[1])" } @names) . ', note text);';

# Adds rows to the truth, seeded by an expression of their number.
sub rows
{
	my ($range, $seed) = @_;
	my $values = join(', ', map { "scatter($seed, $columns{$_}[1])" } @names);
	return "INSERT INTO truth (id, " . join(', ', @names) . ") SELECT n, $values FROM generate_series($range) n;";
}

my $insert = "INSERT INTO items SELECT id, $casts FROM truth t";
my $update = "UPDATE items i SET $sets FROM truth t WHERE t.id = i.id";

# Prints how many rows there are, and how many distances are wrong, read in several ways.
sub check
{
	my $name = shift;
	my @wrong = map { "i.$_ <-> $probe{$_} IS DISTINCT FROM t.distance_$_" } @names;
	my $wrong = 'count(*) FILTER (WHERE ' . join(' OR ', @wrong) . ')';
	my $one = "count(*) FILTER (WHERE $wrong[0])";
	my $answer = sub { "SELECT '$name, $_[0]', count(*) = (SELECT count(*) FROM items) AND count(*) = (SELECT count(*) FROM truth), $_[1]" };

	return $answer->('in order', $wrong) . " FROM items i JOIN truth t USING (id);\n"
	  . $answer->('one column', $one) . " FROM items i JOIN truth t USING (id);\n"
	  . "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;\n"
	  . $answer->('at random', $wrong) . " FROM (SELECT id FROM truth ORDER BY hashint4(id) OFFSET 0) o JOIN items i USING (id) JOIN truth t USING (id);\n"
	  . $answer->('backward', $one) . " FROM (SELECT * FROM items ORDER BY id DESC OFFSET 0) i JOIN truth t USING (id);\n"
	  . "RESET ALL; SET max_parallel_workers_per_gather = 2; SET parallel_tuple_cost = 0; SET enable_hashjoin = off; SET enable_mergejoin = off;\n"
	  . $answer->('in parallel', $wrong) . " FROM items i JOIN truth t USING (id);\n"
	  . "RESET ALL;\n";
}

$script .= rows('1, 80', 'n') . "$insert;" . check('loaded');
$script .= "UPDATE items SET note = 'x' WHERE id % 3 = 0;" . check('another column updated');
$script .= "UPDATE truth SET a = scatter(id + 5000, 600) WHERE id % 4 = 0; UPDATE items i SET a = t.a::vector FROM truth t WHERE t.id = i.id AND t.id % 4 = 0;" . check('one vector updated');
$script .= "DELETE FROM truth WHERE id % 5 = 0; DELETE FROM items WHERE id % 5 = 0;" . check('deleted');
$script .= "BEGIN; INSERT INTO items SELECT id + 100000, $casts FROM truth t; SELECT sum(i.a <-> $probe{a}) > 0 FROM items i \\g /dev/null\nROLLBACK;" . check('insert aborted');
$script .= "BEGIN; SAVEPOINT s; UPDATE items i SET a = t.a::vector FROM truth t WHERE t.id = i.id + 1; SELECT sum(i.a <-> $probe{a}) > 0 FROM items i \\g /dev/null\nROLLBACK TO s; COMMIT;" . check('update rolled back to a savepoint');
$script .= "BEGIN; DECLARE early CURSOR WITH HOLD FOR SELECT id, a FROM items ORDER BY id; FETCH 3 FROM early \\g /dev/null\n$update; COMMIT; CLOSE early;" . check('everything rewritten by an update');
$script .= "VACUUM items;" . check('vacuumed');
$script .= rows('1001, 1040', 'n + 7') . "$insert WHERE id > 1000;" . check('free space used again');
foreach my $round (1 .. 8)
{
	# holes of all sizes, filled in an order other than that of the blocks
	$script .= "UPDATE items i SET c = t.c::vector, e = t.e::int8vec FROM truth t WHERE t.id = i.id AND hashint4(i.id * 10 + $round) % 3 = 0; VACUUM items;"
	  . "UPDATE items i SET a = t.a::vector FROM (SELECT * FROM truth ORDER BY hashint4(id * 10 + $round)) t WHERE t.id = i.id AND i.id % 2 = $round % 2; VACUUM items;";
}
$script .= check('free space in pieces');
$script .= "$insert ON CONFLICT DO NOTHING; $insert ON CONFLICT (id) DO UPDATE SET note = 'again', b = excluded.b;" . check('conflicting inserts');
$script .= "UPDATE items SET note = repeat('long ', 2000) WHERE id % 7 = 0; UPDATE items SET note = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) n) WHERE id % 11 = 0;" . check('long texts between');
foreach my $storage ('extended', 'main')
{
	$script .= join('', map { "ALTER TABLE items ALTER $_ SET STORAGE $storage;" } @names)
	  . "UPDATE truth SET a = array_fill(id::real, ARRAY[600]) WHERE id % 3 = 1; $update AND t.id % 3 <> 0;" . check("storage $storage beside external");
}
$script .= "ALTER TABLE items ALTER d SET STORAGE plain, ALTER b SET STORAGE external, ALTER a SET STORAGE external; $update;" . check('storage plain');
$script .= "VACUUM FULL items;" . check('rewritten by VACUUM FULL');
$script .= "CLUSTER items USING items_pkey;" . check('rewritten by CLUSTER');
$script .= "ALTER TABLE items ALTER note TYPE varchar, ALTER a TYPE vector(600) USING a + a - a;" . check('rewritten by ALTER TABLE');
$script .= "CREATE TABLESPACE elsewhere LOCATION ''; ALTER TABLE items SET TABLESPACE elsewhere;" . check('moved');
$script .= "DELETE FROM items WHERE id > 20; DELETE FROM truth WHERE id > 20; VACUUM items;" . check('truncated by VACUUM');
$script .= "TRUNCATE items, truth;" . rows('1, 60', 'n + 3') . "$insert;" . check('truncated and loaded again');
$script .= "BEGIN; TRUNCATE items; $insert; SELECT sum(i.a <-> $probe{a}) > 0 FROM items i \\g /dev/null\nROLLBACK;" . check('truncated and loaded, rolled back');

# meanwhile another session works: psql starts it
my $other = sub { "\\! psql -XAqt -v ON_ERROR_STOP=1 -d \"$connstr\" -c \"$_[0]\"\n" };
$script .= $other->("UPDATE items i SET $sets FROM truth t WHERE t.id = i.id") . $other->('VACUUM items') . check('rewritten by another session');
$script .= $other->('VACUUM FULL items') . check('VACUUM FULL by another session');
$script .= $other->('DELETE FROM items WHERE id > 10') . $other->('VACUUM items') . "DELETE FROM truth WHERE id > 10;" . check('truncated by another session');
$script .= $other->('TRUNCATE items') . "$insert;" . check('loaded after another session truncated');

# two tables in turns, a temporary one, an unlogged one, a partition, and a value that left its table
$script .= rows('100, 140', 'n') . "$insert WHERE id >= 100;";
foreach my $kind ('TEMP', 'UNLOGGED')
{
	$script .= "CREATE $kind TABLE copy_of_items AS SELECT * FROM items;"
	  . "SELECT '$kind table in turns with another', count(*) = (SELECT count(*) FROM truth), count(*) FILTER (WHERE i.a <-> n.a <> 0 OR i.c <-> n.c <> 0 OR n.c <> t.c::vector) FROM items i JOIN copy_of_items n USING (id) JOIN truth t USING (id);"
	  . "DROP TABLE copy_of_items;";
}
$script .= q{
	CREATE TABLE parted (id int, a vector) PARTITION BY HASH (id);
	CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO parted SELECT id, a FROM items;
	SELECT 'partitions', count(*) = (SELECT count(*) FROM truth), count(*) FILTER (WHERE p.a <-> t.a::vector <> 0) FROM parted p JOIN truth t USING (id);
	DO $$
	DECLARE
		kept items;
		expected real[];
	BEGIN
		SELECT * INTO kept FROM items WHERE id = 100;
		SELECT a INTO expected FROM truth WHERE id = 100;
		DELETE FROM items WHERE id = 100;
		CREATE TEMP TABLE found AS SELECT kept.a <-> expected::vector AS distance, (SELECT r.a <-> expected::vector FROM (SELECT (kept).*) r) AS in_row;
		INSERT INTO items SELECT (kept).*;
	END $$;
	SELECT 'a deleted row that a variable holds', count(*) = 1, count(*) FILTER (WHERE distance <> 0 OR in_row <> 0) FROM found;
} . check('at last');

# when the table is read in order, the TOAST index is hardly used
$script .= q{
	CREATE TABLE single (id int, a vector(600));
	INSERT INTO single SELECT n, scatter(n, 600)::vector FROM generate_series(1, 400) n;
	SELECT pg_stat_force_next_flush() \g /dev/null
	SELECT coalesce(tidx_blks_hit, 0) + coalesce(tidx_blks_read, 0) AS before FROM pg_statio_user_tables WHERE relname = 'single' \gset
	SELECT sum(a <-> scatter(12345, 600)::vector) > 0 FROM single \g /dev/null
	SELECT pg_stat_force_next_flush() \g /dev/null
	SELECT 'look-ups in the TOAST index, read in order', tidx_blks_hit + tidx_blks_read - :before < 40, 0 FROM pg_statio_user_tables WHERE relname = 'single';
};

my $answers = $node->safe_psql('postgres', $script, timeout => 300);
my @answers = split(/\n/, $answers);
foreach my $answer (@answers)
{
	my ($name, $complete, $wrong) = split(/\|/, $answer);

	is("$complete|$wrong", 't|0', $name);
}
cmp_ok(scalar(@answers), '==', 5 * 27 + 5, 'every check answered');

# the distance in plain SQL
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM items i WHERE abs((i.a <-> scatter(12345, 600)::vector) - (SELECT sqrt(sum((x - y) ^ 2)) FROM unnest(i.a::real[], scatter(12345, 600)) u(x, y))) > 1e-3}), 0, 'distances are those of plain SQL');

# the lock of the TOAST table is taken once, and keeps nothing in the session from changing the table, or others once the transaction ends
is($node->safe_psql('postgres', q{
	BEGIN;
	SELECT count(*) FROM (SELECT id FROM single ORDER BY a <-> scatter(12345, 600)::vector LIMIT 3) x;
	SELECT mode, granted FROM pg_locks WHERE relation = (SELECT reltoastrelid FROM pg_class WHERE relname = 'single');
	TRUNCATE single;
	INSERT INTO single SELECT n, scatter(n, 600)::vector FROM generate_series(1, 5) n;
	SELECT count(*) FROM (SELECT id FROM single ORDER BY a <-> scatter(12345, 600)::vector LIMIT 3) x;
	ALTER TABLE single ADD b int DEFAULT random();
	SELECT count(*) FROM (SELECT id FROM single ORDER BY a <-> scatter(12345, 600)::vector LIMIT 3) x;
	DROP TABLE single;
	COMMIT;
	SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid()}), "3\nAccessShareLock|t\n3\n3\n0", 'the lock of a TOAST table');

$node->stop;
done_testing();

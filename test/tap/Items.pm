# Common start of tests of segments: vectors that follow from a number, a table of them, and options by which its index
# soon has several segments
package Items;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(column_of create_place create_items damage_block has_wait_points lost_rows recall_of set_for_all %with);

# Options of each access method: segments are small, lists few, and the codes of ivf have fine parts.
our %with = (
	hnsw => 'seal_rows = 200',
	diskann => 'seal_rows = 200',
	ivf => 'lists = 8, seal_rows = 200, bits = 4',
	ivfflat => 'lists = 8, seal_rows = 200',
	sparse => 'seal_rows = 200',
	bm25 => "text_config = 'pg_catalog.simple', seal_rows = 200");

# The column of an index on vectors v of so many dimensions, and its operator class.
sub column_of
{
	my ($method, $dims) = @_;
	return $method eq 'sparse' ? "(v::sparsevec($dims)) sparsevec_ip_ops" : $method eq 'bm25' ? '(v::text)' : 'v vector_l2_ops';
}

# Creates the extension and place(id), a random vector that is always the same for an id.
sub create_place
{
	my ($node, $dims, $database) = @_;
	$node->safe_psql($database // 'postgres', "CREATE EXTENSION vector;
		CREATE FUNCTION place(id bigint) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
			\$\$SELECT array_agg((hashint8extended(id, d) & 1023)::real)::vector FROM generate_series(1, $dims) d\$\$");
	return;
}

# Likewise, and a table for such vectors.
sub create_items
{
	my ($node, $dims, $database) = @_;
	create_place($node, $dims, $database);
	$node->safe_psql($database // 'postgres', "CREATE TABLE items (id int PRIMARY KEY, v vector($dims))");
	return;
}

# Sets a setting for all processes that start from now on; a number shows that the postmaster has read it.
my $times_set = 100;

sub set_for_all
{
	my ($node, @settings) = @_;
	$times_set++;
	$node->safe_psql('postgres', "LOAD 'vector';"
		. join('', map { "ALTER SYSTEM SET $_;" } @settings, "geqo_threshold = $times_set")
		. 'SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', "SELECT current_setting('geqo_threshold') = '$times_set'")
	  or die 'the settings are not read';
	return;
}

# Whether the extension is compiled with wait points.
sub has_wait_points
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		"LOAD 'vector'; SELECT count(*) FROM pg_settings WHERE name = 'vector.wait_point'") > 0;
}

# Overwrites a float in the first block of a kind (BlockKind in src/segment/format.h) of an index, while the node is
# stopped.
sub damage_block
{
	my ($node, $index, $kind, $place) = @_;
	my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "CHECKPOINT; SELECT pg_relation_filepath('$index')");
	my $checksums = $node->safe_psql('postgres', 'SHOW data_checksums') eq 'on';
	$node->stop;
	system_or_bail('pg_checksums', '--disable', '--no-sync', '-D', $node->data_dir) if $checksums;
	open my $file, '+<:raw', $path or die $!;
	my $block = 0;
	for (my $page; read($file, $page, 8192) == 8192; $block++)
	{
		last if unpack('S', substr($page, 32, 2)) == $kind;
	}
	seek $file, $block * 8192 + 64 + $place, 0;
	print $file pack('f', 1000);
	close $file;
	$node->start;
	return;
}

# How many of the first rows in some order are not found as the nearest to their own vectors.
sub lost_rows
{
	my ($node, $order, $limit) = @_;
	return $node->safe_psql('postgres', "SET enable_seqscan = off;
		SET hnsw.ef_search = 200; SET ivf.probes = 8; SET ivfflat.probes = 8;
		SELECT count(*) FROM (SELECT * FROM items ORDER BY $order LIMIT $limit) i
		WHERE id <> (SELECT id FROM items ORDER BY v <-> i.v LIMIT 1)");
}

# The share of the ten nearest items, or rows of a table, that an index finds, over some queries (those under a condition), after
# these settings;
# a distance may be too large by a tolerance, an expression of the tenth exact distance, e.d[10].
sub recall_of
{
	my ($node, $column, $operator, $tolerance, $settings, $queries, $table) = @_;
	$queries //= 'id % 150 = 1';
	$table //= 'items';
	my $nearest = "(SELECT array_agg(n.d) FROM (SELECT i.$column $operator q.$column AS d FROM $table i
		WHERE i.$column IS NOT NULL ORDER BY i.$column $operator q.$column LIMIT 10) n)";
	return $node->safe_psql('postgres', qq{
		SET enable_indexscan = off;
		CREATE TEMP TABLE exact AS SELECT id, $nearest AS d FROM $table q WHERE $queries;
		SET enable_indexscan = on; SET enable_seqscan = off; $settings
		SELECT avg((SELECT count(*) FROM unnest($nearest) x WHERE x <= e.d[10] + $tolerance) / 10.0)
		FROM exact e JOIN $table q USING (id)});
}

1;

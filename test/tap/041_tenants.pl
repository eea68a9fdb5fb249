# A thousand tenants in one index, from one row to half of the table: each finds its nearest rows, whatever the state of
# the index is, by an attribute and by a bitmap of a B-tree, and on a standby
#
# VECTOR_LONG=1: ten times the rows.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Items;

plan skip_all => 'attributes are ours' if $ENV{VECTOR_PEER};
my $times = $ENV{VECTOR_LONG} ? 10 : 1;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\nmax_standby_streaming_delay = -1\nmax_parallel_workers_per_gather = 0\n");
$primary->start;
create_place($primary, 8);
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# tenant 0 has half of the rows, tenant n about 600 / n, the last ones one each
my $file = $primary->data_dir . '/items.copy';
$primary->safe_psql('postgres', "
	CREATE TABLE items (id serial, v vector(8), tenant int, name text);
	CREATE TABLE new (LIKE items);
	INSERT INTO new SELECT row_number() OVER (ORDER BY hashint8(n * 1000 + tenant), tenant, n), place(n * 1000 + tenant), tenant, 'tenant ' || tenant
		FROM generate_series(0, 999) tenant,
		LATERAL generate_series(1, $times * CASE tenant WHEN 0 THEN 4000 ELSE greatest(1, 600 / tenant) END) n;
	COPY new TO '$file';
	CREATE FUNCTION nearest(OUT tenants int, OUT complete int, OUT recall numeric) LANGUAGE plpgsql AS \$\$
	DECLARE q text := place(7)::text;
	BEGIN
		SET LOCAL enable_indexscan = off;
		EXECUTE format('CREATE TEMP TABLE truth AS SELECT * FROM (SELECT tenant, id, v <-> %L AS d,
			row_number() OVER (PARTITION BY tenant ORDER BY v <-> %1\$L) AS place FROM items) s WHERE place <= 10', q);
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_sort = off;
		EXECUTE format('CREATE TEMP TABLE answer AS SELECT n AS tenant, s.* FROM generate_series(0, 999) n,
			LATERAL (SELECT id, v <-> %L AS d FROM items WHERE tenant = n ORDER BY v <-> %1\$L LIMIT 10) s', q);
		SELECT count(*), sum((t.n = a.n)::int) INTO tenants, complete FROM (SELECT tenant, count(*) AS n FROM truth GROUP BY 1) t
			LEFT JOIN (SELECT tenant, count(DISTINCT id) AS n FROM answer GROUP BY 1) a USING (tenant);
		SELECT count(a.id)::numeric / count(*) INTO recall FROM truth t LEFT JOIN answer a USING (tenant, id);
		DROP TABLE truth, answer;
	END \$\$;");

# Whether all tenants have all rows that they should, and the nearest ones.
sub all_complete
{
	my ($node, $name) = @_;
	my ($tenants, $complete, $found) = split /\|/, $node->safe_psql('postgres', "SET ivf.probes = 20; SELECT * FROM nearest()");
	is($complete, $tenants, "$name: tenants with all rows, of $tenants");
	cmp_ok($found, '>=', 0.98, "$name: recall");
	return;
}

# The same on the standby, where no table can be made: rows by tenant.
sub standby_complete
{
	my ($name) = @_;
	my $counts = q{SELECT md5(string_agg(n || ':' || rows, ' ' ORDER BY n)) FROM (SELECT n,
		(SELECT count(*) FROM (SELECT id FROM items WHERE tenant = n ORDER BY v <-> place(7) LIMIT 10) s) AS rows
		FROM generate_series(0, 999) n) s};
	$primary->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; $counts"),
		$primary->safe_psql('postgres', 'SELECT md5(string_agg(n || \':\' || least(10, rows), \' \' ORDER BY n)) FROM (SELECT n,
			count(id) AS rows FROM generate_series(0, 999) n LEFT JOIN items ON tenant = n GROUP BY n) s'),
		"$name: rows on the standby");
	return;
}

foreach my $index ([ 'hnsw', 'v vector_l2_ops, tenant', 'seal_rows = 2000' ],
	[ 'diskann', 'v vector_l2_ops, tenant', 'seal_rows = 2000' ],
	[ 'ivf', 'v vector_l2_ops, name, tenant', 'lists = 20, seal_rows = 2000' ], [ 'hnsw', 'v vector_l2_ops', 'seal_rows = 2000' ])
{
	my ($am, $columns, $options) = @$index;
	my $name = "$am ($columns)";
	$primary->safe_psql('postgres', "TRUNCATE items; DROP INDEX IF EXISTS items_v, items_tenant;
		CREATE INDEX items_v ON items USING $am ($columns) WITH ($options);"
		. ($columns =~ /tenant/ ? '' : 'CREATE INDEX items_tenant ON items (tenant);')
		. "COPY items FROM '$file'");
	all_complete($primary, "$name, after COPY");
	standby_complete("$name, after COPY");
	$primary->safe_psql('postgres', "VACUUM ANALYZE items; SELECT vector_seal('items_v'); SELECT vector_merge('items_v')");
	all_complete($primary, "$name, after a merge");
	standby_complete("$name, after a merge");
	$primary->safe_psql('postgres', 'DELETE FROM items WHERE id % 3 = 0; UPDATE items SET tenant = (tenant + 1) % 1000 WHERE id % 5 = 1');
	all_complete($primary, "$name, after changes");
	$primary->safe_psql('postgres', 'VACUUM items');
	all_complete($primary, "$name, after VACUUM");
	standby_complete("$name, after VACUUM");
}

done_testing();

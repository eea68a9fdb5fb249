# vectors on a streaming standby, over logical replication, and after a crash
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int PRIMARY KEY, v vector(800), b bf16vec(3), i int8vec(3), s sparsevec(100));
	CREATE PUBLICATION items_publication FOR TABLE items;
});
my $insert = q{INSERT INTO items SELECT n, array_fill(n / 7.0, ARRAY[800])::vector, ('[' || n || ',2,3]')::bf16vec,
	ARRAY[n % 100, 1, 2]::int8vec, ('{' || n % 100 + 1 || ':1}/100')::sparsevec FROM generate_series(%d, %d) n};
$primary->safe_psql('postgres', sprintf($insert, 1, 300));

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id int PRIMARY KEY, v vector(800), b bf16vec(3), i int8vec(3), s sparsevec(100));
});
my $connstr = $primary->connstr . ' dbname=postgres';
foreach my $binary ('false', 'true')
{
	$subscriber->safe_psql('postgres', 'TRUNCATE items');
	$subscriber->safe_psql('postgres',
		"CREATE SUBSCRIPTION s_$binary CONNECTION '$connstr' PUBLICATION items_publication WITH (binary = $binary)");
	$subscriber->wait_for_subscription_sync($primary, "s_$binary");

	my $from = $binary eq 'true' ? 601 : 301;
	$primary->safe_psql('postgres', sprintf($insert, $from, $from + 299));
	$primary->safe_psql('postgres', "UPDATE items SET v = v + v WHERE id % 10 = 0; UPDATE items SET i = i + '[1,1,1]' WHERE id % 7 = 0; DELETE FROM items WHERE id % 11 = 0");
	$primary->wait_for_catchup("s_$binary");

	my $digest = q{SELECT md5(string_agg(t::text, E'\n' ORDER BY id)) FROM items t};
	is($subscriber->safe_psql('postgres', $digest), $primary->safe_psql('postgres', $digest), "logical replication, binary = $binary");
	$subscriber->safe_psql('postgres', "DROP SUBSCRIPTION s_$binary");
}

my $search = q{SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY v <-> array_fill(20, ARRAY[800])::vector, id LIMIT 20) x};
my $expected = $primary->safe_psql('postgres', $search);
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $search), $expected, 'the standby finds the same');

$primary->stop('immediate');
$primary->start;
is($primary->safe_psql('postgres', $search), $expected, 'and so does the primary after a crash');

$standby->promote;
$standby->safe_psql('postgres', sprintf($insert, 5000, 5010));
is($standby->safe_psql('postgres', 'SELECT count(*) FROM items WHERE id >= 5000 AND v <-> v = 0'), 11, 'the promoted standby goes on');

$_->stop foreach ($subscriber, $standby, $primary);
done_testing();

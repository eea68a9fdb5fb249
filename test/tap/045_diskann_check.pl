# vector_index_check of diskann: damage to codes is found by the segment's vectors or, if it has none, by those of the table;
# damage to links by what they name
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use Items;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
create_items($node, 24);
# with equal vectors, NULL and dead rows, and a row that moved on its page
$node->safe_psql('postgres', q{
	ALTER TABLE items ADD other int, ADD attribute int;
	INSERT INTO items SELECT n, place(n % 580), 0, n % 7 FROM generate_series(1, 600) n;
	INSERT INTO items (id) VALUES (0);
	DELETE FROM items WHERE id % 50 = 3});

# Codes are in blocks of kind 13, after two factors, of 4 and 2 bytes, and the number of their cell at 8; centroids in blocks
# of kind 15, after their scale; links in blocks of kind 18, after 16 bytes: the TID, and the
# number of links at 6; nodes with vectors in blocks of kind 7, TID and number of links likewise, neighbours at 36, then the
# vector.  Changes are of element 0.
my ($codes, $centroids, $links, $nodes) = (13, 15, 18, 7);
my %damage = (
	factor => [ 'storage = none', $codes, 0, pack('f', 1000), qr/node 0 has a code that does not fit its vector/ ],
	bits => [ 'storage = none', $codes, 12, "\xff\x00" x 12, qr/node 0 has a code that does not fit its vector/ ],
	invalid => [ 'storage = none', $codes, 4, pack('v', 0x3f80), qr/node 0 has no valid code/ ],
	cell => [ 'storage = none', $codes, 8, pack('V', 60000), qr/node 0 is in cell 60000/ ],
	centroid => [ 'storage = none', $centroids, 0, pack('f', 1000), qr/has a code that does not fit its vector/ ],
	kept => [ 'storage = full', $codes, 12, "\xff\x00" x 12, qr/node 0 has a code that does not fit its vector/ ],
	vector => [ 'storage = full', $nodes, 104, "\x00\x00" x 20, qr/node 0 has a code that does not fit its vector|has the vector of row/ ],
	neighbour => [ 'storage = none', $links, 16, pack('v', 60000), qr/node 0 has 60000 as a neighbour/ ],
	itself => [ 'storage = none', $links, 16, pack('v', 0), qr/node 0 has 0 as a neighbour/ ],
	count => [ 'storage = none', $links, 6, pack('v', 99), qr/node 0 has 99 neighbours/ ],
	kept_neighbour => [ 'storage = sq8', $nodes, 36, pack('v', 60000), qr/node 0 has 60000 as a neighbour/ ],
	kept_itself => [ 'storage = full', $nodes, 36, pack('v', 0), qr/node 0 has 0 as a neighbour/ ],
	kept_count => [ 'storage = half', $nodes, 6, pack('v', 99), qr/node 0 has 99 neighbours/ ],
	kept_tid => [ 'storage = full', $nodes, 4, pack('v', 77), qr/node 0 has another TID than its row/ ],
	kept_row => [ 'storage = full', $nodes, 32, pack('V', 7), qr/row 0 has the vector of row 7/ ],
	tid => [ 'storage = none', $links, 4, pack('v', 77), qr/node 0 has another TID than its row/ ],
	none => [ 'storage = none', 0 ]);
my @names = sort keys %damage;
$node->safe_psql('postgres', join(';', map { "CREATE INDEX items_$_ ON items USING diskann (v vector_l2_ops, attribute) WITH ($damage{$_}[0])" } @names));
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT vector_index_check(c.oid)::text, ' ') FROM pg_class c WHERE relname ~ '^items_' AND relam <> 403"),
	588, 'all are sound at first');
# versions of a row of which the index has the first, or each; rows that no snapshot sees; inserted rows, and those of a merge
$node->safe_psql('postgres', q{
	CREATE TABLE versions WITH (fillfactor = 50) AS SELECT * FROM items WHERE id < 400;
	CREATE INDEX versions_v ON versions USING diskann (v vector_cosine_ops) WITH (seal_rows = 100);
	UPDATE versions SET other = 1 WHERE id % 3 = 0;
	UPDATE versions SET v = place(id + 1000) WHERE id % 5 = 0;
	DELETE FROM versions WHERE id % 40 = 7;
	INSERT INTO versions SELECT id + 1000, v FROM versions;
	SELECT vector_seal('versions_v')});
cmp_ok($node->safe_psql('postgres', "SELECT vector_index_check('versions_v')"), '>', 700, 'versions of rows fit their codes');
my %path = map { $_ => $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('items_$_')") } @names;
my $checksums = $node->safe_psql('postgres', 'SHOW data_checksums') eq 'on';
$node->stop;
command_ok([ 'pg_checksums', '--disable', '--no-sync', '-D', $node->data_dir ], 'without checksums') if $checksums;
foreach my $name (grep { $damage{$_}[1] } @names)
{
	my (undef, $kind, $place, $bytes) = @{ $damage{$name} };
	open my $file, '+<:raw', $path{$name} or die $!;
	my $block = 0;
	for (my $page; read($file, $page, 8192) == 8192; $block++)
	{
		last if unpack('S', substr($page, 32, 2)) == $kind;
	}
	seek $file, $block * 8192 + 64 + $place, 0;
	print $file $bytes;
	close $file;
}
$node->start;
foreach my $name (@names)
{
	my ($code, $out, $error) = $node->psql('postgres', "SELECT vector_index_check('items_$name')");
	if ($damage{$name}[1])
	{
		like($error, qr/index "items_$name" is damaged\nDETAIL:  In segment 1, .*$damage{$name}[4]/, "damage is found: $name");
	}
	else
	{
		is($out, 588, 'no other index has been touched');
	}
	$node->psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> place(3) LIMIT 100) x");
}
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'searches of damaged indexes end no backend that others need');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'nor crash one');

$node->stop;
done_testing();

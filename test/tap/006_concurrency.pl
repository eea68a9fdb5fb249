# Searches concurrent with clients that insert, update, delete, abort and vacuum: every distance belongs to a row of the snapshot
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "max_connections = 30\nfsync = off\nmax_standby_streaming_delay = -1\nautovacuum_naptime = 1");
$primary->start;

# all elements of a row's vector are its tag, so the distances to zero are known
$primary->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE TABLE items (id bigint PRIMARY KEY, tag int, v vector(1100), h halfvec(1200), note text) WITH (autovacuum_vacuum_threshold = 10, autovacuum_vacuum_scale_factor = 0);
	CREATE FUNCTION make(tag int, OUT v vector, OUT h halfvec) LANGUAGE sql AS
		$$SELECT array_fill(tag, ARRAY[1100])::vector, array_fill(tag, ARRAY[1200])::halfvec$$;
	INSERT INTO items SELECT n, n % 1000, (make(n % 1000)).* FROM generate_series(1, 200) n;

	CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM items WHERE (v <+> array_fill(0, ARRAY[1100])::vector) <> 1100.0 * tag OR (h <+> array_fill(0, ARRAY[1200])::halfvec) <> 1200.0 * tag
	$$;
	CREATE FUNCTION assert_none_wrong() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		n bigint := wrong();
	BEGIN
		IF n <> 0 THEN
			RAISE EXCEPTION '% rows are wrong', n;
		END IF;
	END $$;
	CREATE SEQUENCE ids START 1000;
});
my $standby = PostgreSQL::Test::Cluster->new('standby');
$primary->backup('backup');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my %scripts = (
	'update@4' => "\\set id random(1, 200)\n\\set tag random(0, 999)\nUPDATE items SET tag = :tag, (v, h) = (SELECT v, h FROM make(:tag)) WHERE id = :id;\n",
	'note@2' => "\\set id random(1, 200)\nUPDATE items SET note = repeat('x', 10 + :id) WHERE id = :id;\n",
	'insert@3' => "\\set tag random(0, 999)\nINSERT INTO items SELECT nextval('ids'), :tag, v, h FROM make(:tag);\n",
	'delete@3' => "DELETE FROM items WHERE id = (SELECT id FROM items WHERE id > 200 LIMIT 1 FOR UPDATE SKIP LOCKED);\n",
	'abort@2' => "\\set tag random(0, 999)\nBEGIN;\nINSERT INTO items SELECT nextval('ids'), :tag, v, h FROM make(:tag);\nUPDATE items SET tag = :tag, (v, h) = (SELECT v, h FROM make(:tag)) WHERE id = (SELECT id FROM items WHERE id <= 200 LIMIT 1 FOR UPDATE SKIP LOCKED);\nROLLBACK;\n",
	'conflict@1' => "\\set id random(1, 200)\n\\set tag random(0, 999)\nINSERT INTO items SELECT :id, :tag, v, h FROM make(:tag) ON CONFLICT (id) DO UPDATE SET tag = excluded.tag, v = excluded.v, h = excluded.h;\n",
	'search@4' => "SELECT assert_none_wrong();\n",
	'snapshot@2' => "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT assert_none_wrong();\nSELECT assert_none_wrong();\nCOMMIT;\n",
	'vacuum@1' => "VACUUM items;\n");
my @files;
foreach my $name (sort keys %scripts)
{
	my ($word, $weight) = split(/@/, $name);
	my $file = $primary->basedir . "/$word.sql";
	append_to_file($file, $scripts{$name});
	push @files, '-f', "$file\@$weight";
}

# the same search on the standby, while redo changes its pages
my $search = $primary->basedir . '/search_standby.sql';
append_to_file($search, "SELECT assert_none_wrong();\n");
my ($out, $err) = ('', '');
my $reader = IPC::Run::start([ 'pgbench', '-n', '-t', '150', '-c', '2', '-h', $standby->host, '-p', $standby->port, '-f', $search, 'postgres' ], '>', \$out, '2>', \$err);

command_ok([ 'pgbench', '-n', '--max-tries=10', '-t', '150', '-c', '8', '-h', $primary->host, '-p', $primary->port, @files, 'postgres' ], 'no client saw a wrong row');
ok($reader->finish, 'nor did one of the standby') or diag($err);

is($primary->safe_psql('postgres', 'SELECT wrong()'), 0, 'nor is there one at last');
$primary->wait_for_catchup($standby);
my $digest = q{SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM items t};
is($standby->safe_psql('postgres', $digest), $primary->safe_psql('postgres', $digest), 'and the standby has the same');

# crash in the middle of the work, twice; everything committed is intact
foreach my $round (1, 2)
{
	my $writer = IPC::Run::start([ 'pgbench', '-n', '-t', '1000000', '-c', '4', '-h', $primary->host, '-p', $primary->port, @files, 'postgres' ], '>', \$out, '2>', \$err);
	$primary->poll_query_until('postgres', "SELECT count(*) > 30 FROM items WHERE xmin::text::bigint > " . $primary->safe_psql('postgres', 'SELECT txid_current()'));
	$primary->stop('immediate');
	$writer->finish;
	$primary->start;
	is($primary->safe_psql('postgres', 'SELECT wrong()'), 0, "no wrong row after crash $round");
	is($primary->safe_psql('postgres', 'SELECT count(*) > 100 FROM items'), 't', "and the rows are there after crash $round");
}

$standby->stop;
$primary->stop;
done_testing();

# diskann where little memory is: rows do not depend on the number of buffers or of reads in flight, pins are few, and a read
# that fails is an error that leaves no buffer pinned
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Items;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_connections = 20\nrestart_after_crash = off");
$node->start;
create_items($node, 64);

sub sql { return $node->safe_psql('postgres', @_); }

my @storages = qw(none full sq8);
my $count = 5000;

sql("INSERT INTO items SELECT i, place(i) FROM generate_series(1, $count) i; ANALYZE items");
foreach my $storage (@storages)
{
	sql("CREATE TABLE t_$storage AS SELECT * FROM items;
		CREATE INDEX ${storage}_v ON t_$storage USING diskann (v vector_l2_ops) WITH (storage = $storage, bits = 4)");
}
sql('CREATE FUNCTION nearest(t text, wanted int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE found text; rows text := \'\';
	BEGIN
		SET LOCAL enable_seqscan = off;
		FOR i IN 1 .. 12 LOOP
			EXECUTE format(\'SELECT string_agg(id::text, $1) FROM (SELECT id FROM %I ORDER BY v <-> place($2) LIMIT $3) x\', t)
				INTO found USING \' \', -i, wanted;
			rows := rows || found || E\'\n\';
		END LOOP;
		RETURN rows;
	END $$');

# few rows, and more than are compared at once
my @wanted = (10, 150);
my %plenty;

foreach my $storage (@storages)
{
	$plenty{"$storage $_"} = sql("SELECT nearest('t_$storage', $_)") foreach @wanted;
}
is(scalar(split /\n/, $plenty{'none 10'}), 12, 'there are rows');

foreach my $buffers ('128kB', '2MB')
{
	$node->append_conf('postgresql.conf', "shared_buffers = $buffers");
	$node->restart;
	foreach my $reads (0, 1, 40)
	{
		foreach my $storage (@storages)
		{
			foreach my $wanted (@wanted)
			{
				is(sql("SET effective_io_concurrency = $reads; SELECT nearest('t_$storage', $wanted)"), $plenty{"$storage $wanted"},
					"$wanted rows, storage $storage, with $buffers of buffers and $reads reads in flight");
			}
		}
	}
}

# Many scans at once, of which each has given some rows and goes on in turn with the others: in one session, and in several
$node->append_conf('postgresql.conf', 'shared_buffers = 128kB');
$node->restart;

sub cursors
{
	my ($storage) = @_;
	my $text = 'BEGIN; SET LOCAL enable_seqscan = off;';

	$text .= "DECLARE c$_ CURSOR FOR SELECT id FROM t_$storage ORDER BY v <-> place(-$_);" foreach 1 .. 4;
	for my $round (1 .. 4)
	{
		$text .= "FETCH 30 FROM c$_;" foreach 1 .. 4;
	}
	return "$text COMMIT;";
}

my %alone = map { $_ => sql(cursors($_)) } @storages;
my $log = -s $node->logfile;
my @sessions = map { $node->background_psql('postgres', on_error_stop => 1) } @storages;

foreach my $i (0 .. $#storages)
{
	$sessions[$i]->query_safe('SET enable_seqscan = off');
	$sessions[$i]->query_safe('BEGIN');
	$sessions[$i]->query_safe("DECLARE c CURSOR FOR SELECT id FROM t_$storages[$i] ORDER BY v <-> place(-1)");
	is($sessions[$i]->query_safe('FETCH 30 FROM c') =~ tr/\n//, 29, "storage $storages[$i]: a cursor beside others");
}
is(sql(cursors($_)), $alone{$_}, "storage $_: cursors beside those of other sessions") foreach @storages;
$_->quit foreach @sessions;
unlike(slurp_file($node->logfile, $log), qr/no unpinned buffers|leak/, 'buffers are left for all scans');

# A temporary table, of whose buffers there are few
foreach my $storage ('none', 'full')
{
	is(sql("SET temp_buffers = '800kB';
		CREATE TEMP TABLE mine AS SELECT * FROM t_$storage;
		CREATE INDEX mine_v ON mine USING diskann (v vector_l2_ops) WITH (storage = $storage, bits = 8);
		SELECT vector_index_check('mine_v');
		SELECT sum(length(nearest('mine', 150))) > 0;
		INSERT INTO mine SELECT id + $count, place(id + $count) FROM items WHERE id < 1000;
		SELECT vector_seal('mine_v') > 0, vector_merge('mine_v') > 0;
		SELECT vector_index_check('mine_v')"), join("\n", $count, 't', 't|t', $count + 999), "storage $storage, in a temporary table");
}

# Blocks whose page is no page, and blocks that are missing at the end of the file.  In a subtransaction pins of a failed read
# would be missed soon, among so few buffers
sub damage
{
	my ($storage, $how) = @_;
	my $file = $node->data_dir . '/' . sql("SELECT pg_relation_filepath('${storage}_v')");
	my $blocks = (-s $file) / 8192;

	$node->stop;
	open my $f, '+<', $file or die $!;
	binmode $f;
	if ($how eq 'cut')
	{
		truncate $f, int($blocks / 2) * 8192 or die $!;
	}
	else
	{
		foreach my $block (int($blocks / 2) .. $blocks - 1)
		{
			seek $f, $block * 8192, 0 or die $!;
			print $f "\xFF" x 32 or die $!;
		}
	}
	close $f or die $!;
	$node->start;
}

# a file that is shorter than its segments is found to be before any of these is read
foreach my $case ([ 'none', 'damaged', 'XX001' ], [ 'sq8', 'damaged', 'XX001' ], [ 'full', 'damaged', 'XX001' ], [ 'full', 'cut', 'XX002' ])
{
	my ($storage, $how, $state) = @$case;

	damage($storage, $how);
	$log = -s $node->logfile;
	is(sql("CREATE TEMP TABLE errors (state text);
		DO \$\$ BEGIN
			SET LOCAL enable_seqscan = off;
			SET LOCAL effective_io_concurrency = 16;
			FOR i IN 1 .. 60 LOOP
				BEGIN
					PERFORM id FROM t_$storage ORDER BY v <-> place(i) LIMIT 10;
				EXCEPTION WHEN OTHERS THEN
					INSERT INTO errors VALUES (SQLSTATE);
				END;
			END LOOP;
		END \$\$;
		SELECT state, count(*) FROM errors GROUP BY state"), "$state|60", "storage $storage, $how: each read that fails is an error");
	unlike(slurp_file($node->logfile, $log), qr/leak|no unpinned/, "storage $storage, $how: no pin is left");
	is(sql("SELECT count(*) FROM items WHERE v <-> place(1) >= 0"), $count, "storage $storage, $how: the server goes on");
}

done_testing();

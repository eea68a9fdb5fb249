# Damaged indexes: whatever bytes of whatever block are wrong, searches and changes give rows or an error, and end; no process
# crashes.  The damage follows from VECTOR_SEED (1)
#
# VECTOR_LONG=N in the environment: N rounds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'segments are ours' if $ENV{VECTOR_PEER};

my $rounds = $ENV{VECTOR_LONG} || 1;
my $copies = $ENV{VECTOR_COPIES} // 3;
srand($ENV{VECTOR_SEED} // 1);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
restart_after_crash = off
full_page_writes = off
shared_buffers = 32MB
vector.background_work = off
CONF
$node->start;

sub sql { return $node->safe_psql('postgres', @_); }

# Rows with equal vectors, NULL vectors and attributes, in two sealed segments and a growing one, some of them dead
my %classes = (
	none => [ 'vector', '<->', 'diskann (v vector_l2_ops, a, t, l) WITH (storage = none, seal_rows = 100)' ],
	full => [ 'vector', '<=>', 'diskann (v vector_cosine_ops, a, t, l) WITH (storage = full, seal_rows = 100)' ],
	sq8 => [ 'halfvec', '<#>', 'diskann (v halfvec_ip_ops, a) WITH (storage = sq8, bits = 8, seal_rows = 100)' ],
	graph => [ 'vector', '<->', 'hnsw (v vector_l2_ops, a, t, l) WITH (seal_rows = 100)' ],
	plain => [ 'vector', '<+>', 'hnsw (v vector_l1_ops) WITH (m = 4, seal_rows = 100)' ],
	sparse => [ 'sparsevec', '<->', 'hnsw (v sparsevec_l2_ops, a) WITH (m = 4, seal_rows = 100)' ],
	lists => [ 'vector', '<->', 'ivf (v vector_l2_ops, a, t, l) WITH (lists = 4, seal_rows = 100, bits = 4)' ],
	inverted => [ 'sparsevec', '<#>', 'sparse (v sparsevec_ip_ops, a, t, l) WITH (seal_rows = 100)' ],
	words => [ 'text', '<@>', 'bm25 (v, a, t text_ops, l) WITH (text_config = simple, positions = on, seal_rows = 100)' ],
	products => [ 'vector', '<->', 'ivf (v vector_l2_ops) WITH (lists = 4, seal_rows = 100, quantizer = pq, pq_m = 4, refine = none)' ],
	flat => [ 'vector', '<=>', 'ivfflat (v vector_cosine_ops, a) WITH (lists = 4, seal_rows = 100)' ]);
my @names = sort grep { !$ENV{VECTOR_ONLY} || /^($ENV{VECTOR_ONLY})$/ } keys %classes;
my %tables;
sql(q{CREATE EXTENSION vector;
	CREATE FUNCTION place(n int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(n - (n % 9 = 8)::int, d) & 15)::real)::vector FROM generate_series(1, 12) d$$;
	CREATE FUNCTION rows(first int, last int, OUT id int, OUT v vector, OUT a int, OUT t text, OUT l int[]) RETURNS SETOF record LANGUAGE sql AS
		$$SELECT n, CASE WHEN n % 50 > 0 THEN place(n) END, nullif(n % 20, 3), 'name ' || n % 30, ARRAY[n % 4, n % 7] FROM generate_series(first, last) n$$});
foreach my $name (@names)
{
	my ($type, $operator, $index) = @{ $classes{$name} };
	foreach my $copy (1 .. $copies)
	{
		my $table = "${name}_$copy";
		$tables{$table} = [ $type, $operator ];
		my $column = $type eq 'text' ? $type : "$type(12)";
		sql("CREATE TABLE $table (id int, v $column, a int, t text, l int[]);
			INSERT INTO $table SELECT * FROM rows(1, 120); CREATE INDEX ${table}_v ON $table USING $index;
			INSERT INTO $table SELECT * FROM rows(121, 230); SELECT vector_seal('${table}_v');
			INSERT INTO $table SELECT * FROM rows(231, 270);
			DELETE FROM $table WHERE id % 11 = 3; VACUUM $table");
	}
}

# The files, as they are, and where they are
my %path = map { $_ => $node->data_dir . '/' . sql("SELECT pg_relation_filepath('${_}_v')") } sort keys %tables;
my $checksums = sql('SHOW data_checksums') eq 'on';
$node->stop;
command_ok([ 'pg_checksums', '--disable', '--no-sync', '-D', $node->data_dir ], 'without checksums') if $checksums;
my %pages = map { $_ => slurp_file($path{$_}) } sort keys %tables;

sub random { return int rand $_[0]; }

# Changes a few bytes of a block of one of the kinds that there are, of the block's header, or of two such blocks
sub damage
{
	my ($pages) = @_;
	my %blocks;
	my @done;
	push @{ $blocks{ unpack 'S', substr($pages, $_ * 8192 + 32, 2) } }, $_ foreach 0 .. length($pages) / 8192 - 1;
	delete $blocks{0};
	foreach my $time (1 .. 1 + random(2))
	{
		my @kinds = sort { $a <=> $b } keys %blocks;
		my $kind = $kinds[ random(scalar @kinds) ];
		my $block = $blocks{$kind}[ random(scalar @{ $blocks{$kind} }) ];
		my $used = length(substr($pages, $block * 8192, 8192) =~ s/\0+$//r);
		my $place = random(16) == 0 ? 24 + random(12) : 64 + random(random(2) ? 200 : $used > 68 ? $used - 64 : 4);
		my $how = random(6);
		$place -= $place % 4 if random(3);
		my $old = substr($pages, $block * 8192 + $place, 4);
		my $new =
			$how == 0 ? pack('V', unpack('V', $old) ^ 1 << random(32))
		  : $how == 1 ? pack('V', (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFE, 0x10000, 0x7FC00000, 0x7F800000)[ random(9) ])
		  : $how == 2 ? pack('v', (0, 1, 0x7FFF, 0xFFFF, 0x7F80, 300, 2000)[ random(7) ])
		  : $how == 3 ? pack('V', random(1 << random(32)))
		  : $how == 4 ? join('', map { chr random(256) } 1 .. 1 + random(40))
		  :             pack('V', (unpack('V', $old) + random(9) - 4) & 0xFFFFFFFF);
		$new = substr($new, 0, 8192 - $place);
		substr($pages, $block * 8192 + $place, length $new) = $new;
		push @done, "kind $kind, block $block, byte $place: " . unpack('H*', $old) . ' -> ' . unpack('H*', $new);
	}
	return ($pages, join('; ', @done));
}

my $crash = qr/terminated by signal|PANIC|TRAP|AddressSanitizer|runtime error:/;
my $failed = 0;
foreach my $round (1 .. $rounds)
{
	my %damage;
	foreach my $table (sort keys %tables)
	{
		(my $pages, $damage{$table}) = damage($pages{$table});
		open my $file, '>:raw', $path{$table} or die $!;
		print $file $pages;
		close $file;
	}
	$node->start;
	foreach my $table (sort keys %tables)
	{
		my ($type, $operator) = @{ $tables{$table} };
		my $log = -s $node->logfile;
		my $search = "FROM $table ORDER BY v $operator place(7)::$type";
		my ($code, $out, $error) = $node->psql('postgres', "SET statement_timeout = '10s'; SET enable_seqscan = off; SET enable_sort = off;
			SELECT count(*) FROM (SELECT id $search LIMIT 5) s;
			SELECT count(*) FROM (SELECT id $search) s;
			SELECT count(*) FROM (SELECT id " . $search =~ s/ORDER/WHERE a = 5 ORDER/r . " LIMIT 50) s;
			SELECT count(*) FROM (SELECT id " . $search =~ s/ORDER/WHERE t < 'name 2' AND l && '{1,3}' ORDER/r . " LIMIT 50) s;
			SELECT vector_index_check('${table}_v');
			INSERT INTO $table SELECT * FROM rows(300, 310);
			DELETE FROM $table WHERE id % 13 = 3;
			VACUUM (INDEX_CLEANUP ON, TRUNCATE off) $table;
			SELECT vector_seal('${table}_v');
			SELECT vector_merge('${table}_v');
			SELECT count(*) FROM (SELECT id $search LIMIT 300) s;
			SELECT vector_index_check('${table}_v')" =~ s/;\s*/;\n/gr, on_error_stop => 0);
		my $new = slurp_file($node->logfile, $log);
		my @bad = ($new =~ /$crash/g, $error =~ /statement timeout|server closed|no unpinned|leak/g, $new =~ /(leak:?)/g);
		ok(!@bad, "round $round, $table, $damage{$table}") or $failed++;
		if (@bad)
		{
			diag("@bad\n" . substr($error, 0, 2000) . substr($new =~ s/^.*?(?=$crash)//sr, 0, 3000));
			$node->stop('immediate', fail_ok => 1);
			$node->start;
		}
	}
	$node->stop;
}
is($failed, 0, 'no damage crashes a process');
done_testing();

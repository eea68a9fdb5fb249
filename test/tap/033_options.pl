# Random options of every access method, with every type: an index is made that works and is sound, or the options are
# refused with a reason; likewise for later changes of them
#
# VECTOR_SEED in the environment: another sequence.  VECTOR_LONG=1: a longer one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'options are ours' if $ENV{VECTOR_PEER};

my $tries = $ENV{VECTOR_LONG} ? 3000 : 190;
my $seed = $ENV{VECTOR_SEED} // 1;
srand($seed);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmaintenance_work_mem = '8MB'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE FUNCTION place(id bigint, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		$$SELECT array_agg((hashint8extended(id, d) & 127)::real - 64) FROM generate_series(1, dims) d$$;
	CREATE TABLE items (id int PRIMARY KEY, v vector(20), h halfvec(20), f bf16vec(20), i int8vec(20), b bit(64), s sparsevec(20), w text);
	CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items SELECT n, a, a, a, a, hashint8extended(n, 0)::bit(64), a::vector::sparsevec, array_to_string(a, ' all ')
			FROM generate_series(low, high) n, LATERAL (SELECT place(n, 20) AS a) x
	$$;
	SELECT fill(1, 400)});

sub any { return $_[ int rand @_ ]; }

# Values in the range, at its ends, beyond them, and none.
my @number = ('0', '1', '-1', '2', '3', '4', '7', '8', '9', '16', '20', '21', '50', '100', '101', '1000', '1001', '32768',
	'32769', '65536', '65537', '2147483647', '2147483648', '-2147483648', '1.5', "''", "'x'", 'true', "'2 '", 'none');
my %options = (
	m => \@number, ef_construction => \@number, num_neighbors => \@number, search_list_size => \@number, lists => \@number, bits => \@number, pq_m => \@number,
	seal_rows => [ @number, '200', '5000' ],
	quantizer => [ qw(none rabitq sq8 sq4 pq PQ auto full 1), "''", "'sq8 '" ],
	refine => [ qw(full half sq8 none sq4 auto 0), "''" ],
	storage => [ qw(auto full half sq8 none 1), "''" ],
	max_alpha => [ qw(1 1.0 1.2 2 5 5.1 0.9 none), "''", "'NaN'", "'x'" ],
	text_config => [ qw(english simple simple unicode missing), "'ngram(2,3)'", "'ngram(3,2)'", "''" ],
	k1 => [ @number, '0.5', '2.5' ], b => [ '0', '0.3', '1', '1.5', '-1', "'NaN'", "'x'" ],
	weights => [ "'2,1'", "'0.5'", "'0'", "'1,'", "''", 'x' ], positions => [ qw(on off true 2), "''" ],
	fillfactor => [ '90' ], probes => [ '3' ]);
my %own = (
	diskann => [qw(num_neighbors search_list_size max_alpha bits storage seal_rows)],
	hnsw => [qw(m ef_construction storage seal_rows)],
	ivfflat => [qw(lists seal_rows)],
	ivf => [qw(lists quantizer bits pq_m refine seal_rows)],
	sparse => [qw(seal_rows)],
	bm25 => [qw(k1 b weights positions seal_rows)]);
my %types = (v => 'vector', h => 'halfvec', f => 'bf16vec', i => 'int8vec', b => 'bit', s => 'sparsevec', w => 'bm25');
my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>', hamming => '<~>', jaccard => '<%>');

# Some options: most of them the method's own, with values that are allowed.
sub some_options
{
	my ($am) = @_;
	my @names = grep { rand() < 0.4 } @{ $own{$am} };
	push @names, any(sort keys %options) if rand() < 0.1;
	my %seen;
	return join ', ', map { my $value = any(@{ $options{$_} });
		$value = any($_ eq 'seal_rows' ? (200, 5000) : $_ eq 'bits' ? (1 .. 8) : (2, 4, 8, 16, 20, 100)) if $options{$_}[0] eq '0' && rand() < 0.85;
		$value eq 'none' && $options{$_}[0] eq '0' ? $_ : "$_ = $value" } grep { !$seen{$_}++ } @names;
}

# An error that says what is wrong, instead of an internal one.
my $reasons = qr/22023|22P02|42601|0A000|42804|54000|42704|2202[0-9A-Z]/;
my ($made, $refused) = (0, 0);
my $log = '';
foreach my $n (1 .. $tries)
{
	my $am = any(qw(hnsw diskann ivfflat ivf ivf sparse bm25));
	my $column = $am eq 'sparse' ? any('s', 's', 'v') : $am eq 'bm25' ? 'w' : any(grep { $_ ne 'w' } sort keys %types);
	my $metric = $column eq 'b' ? any('hamming', 'hamming', 'jaccard') : any(qw(l2 l2 ip cosine l1));
	my $options = some_options($am);
	$options .= ($options ? ', ' : '') . 'text_config = ' . any('simple', 'simple', @{ $options{text_config} }) if $am eq 'bm25';
	my $class = $am eq 'bm25' ? 'bm25_ops' : "$types{$column}_${metric}_ops";
	my $index = "CREATE INDEX items_x ON items USING $am ($column $class)"
	  . ($options ? " WITH ($options)" : '');
	my $operator = $am eq 'bm25' ? '<@>' : $operators{$metric};
	my $near = "$column $operator (SELECT $column FROM items WHERE id = 77)";
	my $change = any("SET (" . (some_options($am) || 'seal_rows = 300') . ')', 'RESET (' . any(@{ $own{$am} }) . ')');
	my ($code, $out, $error) = $node->psql('postgres', qq{
		\\set VERBOSITY verbose
		SET client_min_messages = warning;
		$index;
		\\if :ERROR
			\\quit
		\\endif
		SELECT 'made';
		SET enable_seqscan = off; SET enable_sort = off; SET ivf.probes = 65536; SET ivfflat.probes = 32768; SET hnsw.ef_search = 500; SET diskann.query_search_list_size = 500;
		SELECT 'found', count(*) FROM (SELECT id FROM items ORDER BY $near LIMIT 20) x;
		SELECT fill(401, 600), vector_seal('items_x') > 0;
		SELECT 'sound', vector_index_check('items_x') - count($column) FROM items;
		ALTER INDEX items_x $change;
		REINDEX INDEX items_x;
		\\if :ERROR
		SELECT 'refused';
		\\else
		SELECT 'sound', vector_index_check('items_x') - count($column) FROM items;
		\\endif
		DROP INDEX items_x; DELETE FROM items WHERE id > 400}, on_error_stop => 0);
	my @states = $error =~ /ERROR:  (\w{5}):/g;
	my $unknown = grep { $_ !~ /^(?:$reasons)$/ } @states;
	my $good = !$unknown && $code == 0;
	if ($out =~ /made/)
	{
		$made++;
		$good &&= $out =~ /found\|20\n/ && $out =~ /sound\|0\n(?:.*\n)*?(?:refused|sound\|0)/;
	}
	else
	{
		$refused++;
		$good &&= @states == 1;
	}
	next if $good;
	fail("$index; $change");
	diag("$out\n$error");
	$node->psql('postgres', 'DROP INDEX IF EXISTS items_x; DELETE FROM items WHERE id > 400');
}
cmp_ok($made, '>', $tries / 5, "$made indexes were made");
cmp_ok($refused, '>', $tries / 5, "$refused were refused");
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), 400, 'the table is as it was');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|XX000|XX001/, 'nothing bad in the log');
done_testing();

# Prints one line an act, as say.py does.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async);
use JSON::PP;
use Time::HiRes qw(time sleep);

my $coder = JSON::PP->new->ascii->canonical->allow_nonref;
sub say_act { my ($act, $value) = @_; print "$act\t", $coder->encode($value), "\n"; }
my $db = DBI->connect("dbi:Pg:", '', '', { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
sub rows { my ($sql, @args) = @_; my $query = $db->prepare($sql); $query->execute(@args); return $query->fetchall_arrayref; }
say_act('one', rows($ENV{S_ONE}));
say_act('map', rows($ENV{S_MAP}));
say_act('run', rows($ENV{S_RUN})->[0][0]);
say_act('means', rows($ENV{S_MEANS}));
say_act('parameter', rows('SELECT name FROM products WHERE id = ? AND name <> ?', 3, "it's"));
eval { rows($ENV{S_ERROR}) };
say_act('error', $db->state);
say_act('after', rows($ENV{S_ONE}));
my $began = time();
$db->do($ENV{S_SLOW}, { pg_async => PG_ASYNC });
sleep 0.5;
$db->pg_cancel;
say_act('cancel', [$db->state, time() - $began < 2 ? JSON::PP::true : JSON::PP::false]);
say_act('after cancel', rows($ENV{S_ONE}));
say_act('tables', [map { [$_->[2]] } grep { $_->[1] !~ /^pg_|^information_schema$/ } @{ $db->table_info('', '%', '%', 'TABLE')->fetchall_arrayref }]);
say_act('primary key', [$db->primary_key('', undef, 'products')]);
$db->disconnect;

# The container's end of channels.py: connections to the server, carried over this program's own streams.
#
# In Perl, since the PostgreSQL images of Debian's have it (postgresql-common needs it) and have no other language.
# A frame is one letter, the connection's number, its content's length, the content:
#   O open it    D data    A so many bytes of data were passed on    C it is closed, or to be closed    H are you there

use strict;
use Errno qw(EAGAIN EINTR);
use IO::Handle;
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);

use constant {HEAD => 9, CHUNK => 1 << 16, WINDOW => 1 << 18};

my $port = shift;
my (%socket, %unsent, %credit, %closing);
my $unread = '';
$SIG{PIPE} = 'IGNORE';
binmode $_ for *STDIN, *STDOUT;

sub tell_tool {
    my ($kind, $number, $content) = @_;
    my $frame = pack 'aNN/a*', $kind, $number, $content;
    while (length $frame) {
        my $written = syswrite STDOUT, $frame;
        if (defined $written) { substr($frame, 0, $written) = '' }
        elsif ($! != EINTR) { exit 0 }
    }
}

sub forget {
    my ($number) = @_;
    close $socket{$number};
    delete $_->{$number} for \(%socket, %unsent, %credit, %closing);
    tell_tool('C', $number, '');
}

sub obey {
    my ($kind, $number, $content) = @_;
    return tell_tool('H', $number, '') if $kind eq 'H';
    if ($kind eq 'O') {
        socket(my $new, PF_INET, SOCK_STREAM, 0) or return tell_tool('C', $number, '');
        connect($new, sockaddr_in($port, INADDR_LOOPBACK)) or return tell_tool('C', $number, '');
        setsockopt $new, IPPROTO_TCP, TCP_NODELAY, 1;
        $new->blocking(0);
        ($socket{$number}, $unsent{$number}, $credit{$number}) = ($new, '', WINDOW);
        return;
    }
    return unless $socket{$number};
    if    ($kind eq 'D') { $unsent{$number} .= $content }
    elsif ($kind eq 'A') { $credit{$number} += unpack 'N', $content }
    elsif ($kind eq 'C') { $closing{$number} = 1 }
}

while (1) {
    my ($readable, $writable) = ('', '');
    vec($readable, fileno(STDIN), 1) = 1;
    for my $number (keys %socket) {
        vec($readable, fileno($socket{$number}), 1) = 1 if $credit{$number} > 0 || $closing{$number};
        vec($writable, fileno($socket{$number}), 1) = 1 if length $unsent{$number};
    }
    next if select($readable, $writable, undef, undef) < 0;

    for my $number (keys %socket) {
        my $there = $socket{$number};
        if (vec $writable, fileno($there), 1) {
            my $sent = syswrite $there, $unsent{$number};
            if (defined $sent) {
                substr($unsent{$number}, 0, $sent) = '';
                tell_tool('A', $number, pack 'N', $sent);
            }
            elsif ($! != EAGAIN && $! != EINTR) { forget($number); next }
        }
        if (vec $readable, fileno($there), 1) {
            my $got = sysread $there, my $content, CHUNK;
            # Of one that is closing nobody reads any more, but a server that can't write doesn't read the rest either.
            if ($got && !$closing{$number}) { $credit{$number} -= $got; tell_tool('D', $number, $content) }
            elsif (defined $got ? !$got : $! != EAGAIN && $! != EINTR) { forget($number) }
        }
    }
    if (vec $readable, fileno(STDIN), 1) {
        my $got = sysread STDIN, $unread, CHUNK, length $unread;
        exit 0 unless $got || (!defined $got && $! == EINTR);
        while (length $unread >= HEAD) {
            my ($kind, $number, $size) = unpack 'aNN', $unread;
            last if length $unread < HEAD + $size;
            obey($kind, $number, substr $unread, HEAD, $size);
            substr($unread, 0, HEAD + $size) = '';
        }
    }
    for my $number (keys %closing) { forget($number) unless length $unsent{$number} }
}

//! Why something of a venue's is not used: one list of names, for counters, reports and logs.

/// Why a message, a connection or an answer came to nothing.
///
/// What is in a frame that can be read is judged by the decoder, whose reasons are
/// [`Reason`](pitlane_domain::decode::Reason).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the table of counters says what each is")]
pub enum Cause {
    Binary,
    Compressed,
    TooLarge,
    NotUtf8,
    NotJson,
    Unreadable,
    Truncated,
    Protocol,
    NotWebSocket,
    Http,
    HttpStatus,
    Tls,
    TlsName,
    TlsExpired,
    TlsUntrusted,
    Timeout,
    NoListener,
    Dns,
    Url,
    Io,
    Eof,
    ClosedByVenue,
    Silent,
    Busy,
}

impl Cause {
    /// Every cause with its name.
    pub const ALL: [(Self, &'static str); 24] = [
        (Self::Binary, "binary"),
        (Self::Compressed, "compressed"),
        (Self::TooLarge, "too_large"),
        (Self::NotUtf8, "not_utf8"),
        (Self::NotJson, "not_json"),
        (Self::Unreadable, "unreadable"),
        (Self::Truncated, "truncated"),
        (Self::Protocol, "protocol"),
        (Self::NotWebSocket, "not_websocket"),
        (Self::Http, "http"),
        (Self::HttpStatus, "http_status"),
        (Self::Tls, "tls"),
        (Self::TlsName, "tls_name"),
        (Self::TlsExpired, "tls_expired"),
        (Self::TlsUntrusted, "tls_untrusted"),
        (Self::Timeout, "timeout"),
        (Self::NoListener, "no_listener"),
        (Self::Dns, "dns"),
        (Self::Url, "url"),
        (Self::Io, "io"),
        (Self::Eof, "eof"),
        (Self::ClosedByVenue, "closed_by_venue"),
        (Self::Silent, "silent"),
        (Self::Busy, "busy"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// What came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// A message of a connection; [`Cause::Binary`] leaves the connection as it is, any other ends it.
    Message,
    /// A connection: it was not made, or it ended and not by us.
    Connection,
    /// A request.
    Request,
}

impl Place {
    /// Every place with its name, in the plural.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Message, "messages"),
        (Self::Connection, "connections"),
        (Self::Request, "requests"),
    ];
}

/// How often each cause was met, by place.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Causes([[u64; Cause::ALL.len()]; Place::ALL.len()]);

impl Causes {
    /// Counts one.
    pub fn add(&mut self, place: Place, cause: Cause) {
        self.0[place as usize][cause as usize] += 1;
    }

    /// How often at that place.
    pub fn at(&self, place: Place, cause: Cause) -> u64 {
        self.0[place as usize][cause as usize]
    }

    /// How often anywhere, in the order of [`Cause::ALL`].
    pub fn totals(&self) -> [u64; Cause::ALL.len()] {
        let mut totals = [0; Cause::ALL.len()];
        for place in &self.0 {
            for (total, count) in totals.iter_mut().zip(place) {
                *total += count;
            }
        }
        totals
    }

    /// The names of each place's causes that were met, with how often.
    pub fn met(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        Place::ALL.iter().flat_map(move |(place, place_name)| {
            let causes = Cause::ALL.iter();
            causes.filter_map(move |(cause, name)| {
                let count = self.at(*place, *cause);
                (count > 0).then_some((*place_name, *name, count))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_the_causes() {
        for (at, (cause, name)) in Cause::ALL.into_iter().enumerate() {
            assert_eq!((cause as usize, cause.name()), (at, name));
        }
        for (at, (place, _)) in Place::ALL.into_iter().enumerate() {
            assert_eq!(place as usize, at);
        }
    }

    #[test]
    fn each_is_counted_where_it_was_met() {
        let mut causes = Causes::default();
        causes.add(Place::Request, Cause::NotJson);
        causes.add(Place::Connection, Cause::TooLarge);
        causes.add(Place::Request, Cause::TooLarge);
        causes.add(Place::Request, Cause::TooLarge);
        assert_eq!(causes.totals()[Cause::TooLarge as usize], 3);
        assert_eq!(causes.totals().iter().sum::<u64>(), 4);
        assert_eq!(
            causes.met().collect::<Vec<_>>(),
            [
                ("connections", "too_large", 1),
                ("requests", "too_large", 2),
                ("requests", "not_json", 1),
            ]
        );
    }
}

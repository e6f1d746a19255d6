//! What came from outside and was not used: a counter for each cause, in the orders of
//! [`Cause::ALL`](pitlane_edges::live::Cause::ALL) and [`Reason::ALL`](pitlane_domain::decode::Reason::ALL).

/// Connections, messages and answers of a live source.
pub mod causes {
    use pitlane_lockfree::counters::Owner;
    use pitlane_lockfree::declare;

    declare! {
        /// Binary messages of venues, where market data is text.
        BINARY = counter(220, Owner::Agent("feed"), "refused.binary", Count);
        /// Messages of venues that were compressed, which was not agreed on; each ended its connection.
        COMPRESSED = counter(221, Owner::Agent("feed"), "refused.compressed", Count);
        /// Messages and answers of venues longer than their limit; such a message ended its connection.
        TOO_LARGE = counter(222, Owner::Agent("feed"), "refused.too_large", Count);
        /// Text messages of venues that were not UTF-8; each ended its connection.
        NOT_UTF8 = counter(223, Owner::Agent("feed"), "refused.not_utf8", Count);
        /// Answers of venues that were no JSON, such as pages.
        NOT_JSON = counter(224, Owner::Agent("feed"), "refused.not_json", Count);
        /// Answers of venues that were JSON and did not hold what was asked for.
        UNREADABLE = counter(225, Owner::Agent("feed"), "refused.unreadable", Count);
        /// Answers of venues that were cut off.
        TRUNCATED = counter(226, Owner::Agent("feed"), "refused.truncated", Count);
        /// Connections that ended because the venue broke the WebSocket protocol.
        PROTOCOL = counter(227, Owner::Agent("feed"), "refused.protocol", Count);
        /// Connections not made because what answered did not speak WebSocket.
        NOT_WEBSOCKET = counter(228, Owner::Agent("feed"), "refused.not_websocket", Count);
        /// Answers of venues that broke HTTP, or whose compression was damaged.
        HTTP = counter(229, Owner::Agent("feed"), "refused.http", Count);
        /// Requests and handshakes that a venue answered with another HTTP status than the good one.
        HTTP_STATUS = counter(230, Owner::Agent("feed"), "refused.http_status", Count);
        /// Connections and requests on which TLS did not come about, for another reason than a certificate's.
        TLS = counter(231, Owner::Agent("feed"), "refused.tls", Count);
        /// Connections and requests refused because the certificate was for another name.
        TLS_NAME = counter(232, Owner::Agent("feed"), "refused.tls_name", Count);
        /// Connections and requests refused because the certificate was outside its time.
        TLS_EXPIRED = counter(233, Owner::Agent("feed"), "refused.tls_expired", Count);
        /// Connections and requests refused because nobody trusted had signed the certificate.
        TLS_UNTRUSTED = counter(234, Owner::Agent("feed"), "refused.tls_untrusted", Count);
        /// Connections and requests that took too long.
        TIMEOUT = counter(235, Owner::Agent("feed"), "refused.timeout", Count);
        /// Connections and requests to an address at which nobody listened.
        NO_LISTENER = counter(236, Owner::Agent("feed"), "refused.no_listener", Count);
        /// Connections and requests to a name without an address.
        DNS = counter(237, Owner::Agent("feed"), "refused.dns", Count);
        /// Connections and requests to an address that cannot be used.
        URL = counter(238, Owner::Agent("feed"), "refused.url", Count);
        /// Connections and requests that ended with an error of the system.
        IO = counter(239, Owner::Agent("feed"), "refused.io", Count);
        /// Connections that the venue ended without a word.
        EOF = counter(240, Owner::Agent("feed"), "refused.eof", Count);
        /// Connections that the venue closed.
        CLOSED_BY_VENUE = counter(241, Owner::Agent("feed"), "refused.closed_by_venue", Count);
        /// Connections closed because nothing came for too long.
        SILENT = counter(242, Owner::Agent("feed"), "refused.silent", Count);
        /// Connections and requests not begun because too many waited.
        BUSY = counter(243, Owner::Agent("feed"), "refused.busy", Count);
    }
}

/// Frames, of any source.
pub mod frames {
    use pitlane_lockfree::counters::Owner;
    use pitlane_lockfree::declare;

    declare! {
        /// Frames refused because they were empty.
        EMPTY = counter(260, Owner::Agent("feed"), "frames_refused.empty", Count);
        /// Frames refused because they were longer than any decoder looks at.
        TOO_LONG = counter(261, Owner::Agent("feed"), "frames_refused.too_long", Count);
        /// Frames refused because they were no JSON, or not of the venue's form.
        MALFORMED = counter(262, Owner::Agent("feed"), "frames_refused.malformed", Count);
        /// Frames refused because a field was missing.
        MISSING_FIELD = counter(263, Owner::Agent("feed"), "frames_refused.missing_field", Count);
        /// Frames refused because a field was of another type.
        WRONG_TYPE = counter(264, Owner::Agent("feed"), "frames_refused.wrong_type", Count);
        /// Frames refused because a number was out of range.
        OUT_OF_RANGE = counter(265, Owner::Agent("feed"), "frames_refused.out_of_range", Count);
        /// Frames refused because a price was no multiple of the tick size.
        OFF_TICK = counter(266, Owner::Agent("feed"), "frames_refused.off_tick", Count);
        /// Frames refused because a quantity was no multiple of the lot size.
        OFF_LOT = counter(267, Owner::Agent("feed"), "frames_refused.off_lot", Count);
        /// Frames refused because a number that must be positive was not.
        NOT_POSITIVE = counter(268, Owner::Agent("feed"), "frames_refused.not_positive", Count);
        /// Frames refused because their symbol was not configured.
        UNKNOWN_SYMBOL = counter(269, Owner::Agent("feed"), "frames_refused.unknown_symbol", Count);
        /// Frames refused because no decoder knew their stream.
        UNKNOWN_STREAM = counter(270, Owner::Agent("feed"), "frames_refused.unknown_stream", Count);
        /// Frames refused because their ids ran backwards.
        BAD_RANGE = counter(271, Owner::Agent("feed"), "frames_refused.bad_range", Count);
        /// Frames refused because their best bid was not below their best ask.
        CROSSED = counter(272, Owner::Agent("feed"), "frames_refused.crossed", Count);
        /// Frames refused because they held more levels than any book of a venue.
        TOO_MANY_LEVELS = counter(273, Owner::Agent("feed"), "frames_refused.too_many_levels", Count);
    }
}

#[cfg(test)]
mod tests {
    use super::{causes, frames};
    use pitlane_domain::decode::Reason;
    use pitlane_edges::live::Cause;

    #[test]
    fn each_cause_has_its_counter() {
        let labels = causes::DECLARED.iter().map(|what| what.label);
        let names = Cause::ALL.map(|(_, name)| format!("refused.{name}"));
        assert!(labels.eq(names.iter().map(String::as_str)));
        let labels = frames::DECLARED.iter().map(|what| what.label);
        let names = Reason::ALL.map(|(_, name)| format!("frames_refused.{name}"));
        assert!(labels.eq(names.iter().map(String::as_str)));
    }
}

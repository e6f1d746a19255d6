//! What an open connection gives, answers, sends and refuses.

use super::server::{
    Authority, BINARY, CLOSE, PING, PONG, Server, TEXT, frame, next, park_for, plain, receive,
    send, until_gone, wait_for,
};
use super::server::{PATIENCE, dial};
use crate::live::socket::TEXTS_WAITING_MAX;
use crate::live::{Connection, Ear, Event, SendError};
use crate::source::FRAME_BYTES_MAX;
use pitlane_lockfree::wake::{Parker, parker};
use std::sync::mpsc::channel;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// Plays `bytes` and then waits; the events until the connection is closed, or `most` of them.
fn check(bytes: Vec<u8>, most: usize, expected: &[&str]) {
    let server = Server::websocket(None, move |mut stream| {
        // a client that hangs up while being sent to is what some of these are about
        let _ = stream.write_all(&bytes);
        until_gone(&mut stream);
    });
    let mut connection = plain(&server);
    let mut events = Vec::new();
    while events.len() < most {
        events.push(next(&mut connection));
    }
    assert_eq!(events, expected);
    drop(connection);
    server.join();
}

#[test]
fn texts_come_whole_and_in_order() {
    let mut bytes = frame(TEXT, b"one");
    bytes.extend(frame(TEXT, b""));
    bytes.extend(frame(TEXT, "zwölf".as_bytes()));
    check(bytes, 3, &["one", "", "zwölf"]);
}

#[test]
fn pieces_are_put_together_around_a_ping() {
    let mut bytes = frame(0x01, "zw\u{f6}lf".as_bytes().split_at(3).0);
    bytes.extend(frame(PING, b"p"));
    bytes.extend(frame(0x00, "zw\u{f6}lf".as_bytes().split_at(3).1));
    bytes.extend(frame(0x80, b"!"));
    check(bytes, 2, &["control", "zwölf!"]);
}

#[test]
fn a_message_as_long_as_allowed_comes_through() {
    let long = vec![b' '; FRAME_BYTES_MAX];
    check(frame(TEXT, &long), 1, &["4194304 bytes"]);
}

#[test]
fn what_is_too_long_is_refused_and_ends_the_connection() {
    let long = vec![b' '; 5 << 20];
    let expected = [
        "refused: too_large",
        "too_large: the venue sent a message longer than 4194304 bytes",
        "too_large: the venue sent a message longer than 4194304 bytes",
    ];
    check(frame(TEXT, &long), 3, &expected);
    // in pieces, each of which would do
    let mut pieces = frame(0x01, &long[..3 << 20]);
    pieces.extend(frame(0x80, &long[..3 << 20]));
    check(pieces, 3, &expected);
    // only announced
    let announced = [&[TEXT, 127][..], &u64::MAX.to_be_bytes()].concat();
    check(announced, 3, &expected);
}

#[test]
fn binary_is_refused_and_the_connection_stays() {
    let mut bytes = frame(BINARY, b"\x00\xff");
    bytes.extend(frame(TEXT, b"on"));
    check(bytes, 2, &["refused: binary", "on"]);
}

#[test]
fn compressed_is_refused_and_ends_the_connection() {
    let mut bytes = frame(TEXT | 0x40, b"\xaa\x00");
    bytes.extend(frame(TEXT, b"never seen"));
    let expected = [
        "refused: compressed",
        "compressed: the venue sent a compressed message, and compression was not agreed on",
    ];
    check(bytes, 2, &expected);
}

#[test]
fn text_that_is_none_is_refused_and_ends_the_connection() {
    let expected = [
        "refused: not_utf8",
        "not_utf8: the venue sent a text message that is not UTF-8",
    ];
    check(frame(TEXT, b"\xff\xfe"), 2, &expected);
    let mut pieces = frame(0x01, b"\xc3");
    pieces.extend(frame(0x80, b"\x28"));
    check(pieces, 2, &expected);
}

#[test]
fn a_broken_protocol_ends_the_connection() {
    let says = "protocol: the venue broke the WebSocket protocol: ";
    let masked = [&[TEXT, 0x81][..], b"mask", b"x"].concat();
    check(
        masked,
        1,
        &[&format!("{says}Received a masked frame from server")],
    );
    check(
        frame(0x80, b"x"),
        1,
        &[&format!("{says}Continue frame but nothing to continue")],
    );
}

#[test]
fn the_refused_side_is_told_the_close_code() {
    for (bytes, code) in [
        (frame(TEXT | 0x40, b"x"), 1002),
        (frame(TEXT, b"\xff"), 1007),
        ([&[TEXT, 127][..], &u64::MAX.to_be_bytes()].concat(), 1009),
    ] {
        let server = Server::websocket(None, move |mut stream| {
            stream.write_all(&bytes).unwrap();
            let (first, payload) = receive(&mut stream).expect("a close frame");
            assert_eq!(first, CLOSE);
            assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), code);
        });
        let mut connection = plain(&server);
        assert!(next(&mut connection).starts_with("refused"));
        server.join();
    }
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let server = Server::websocket(None, |mut stream| {
        for payload in [&b"1700000000123"[..], b"", &[7; 125]] {
            send(&mut stream, PING, payload);
            assert_eq!(receive(&mut stream), Some((PONG, payload.to_vec())));
        }
        send(&mut stream, PONG, b"unasked");
        send(&mut stream, TEXT, b"end");
        until_gone(&mut stream);
    });
    let mut connection = plain(&server);
    assert_eq!(connection.last_heard(), 0);
    for _ in 0..4 {
        assert_eq!(next(&mut connection), "control");
    }
    assert_eq!(connection.last_heard(), 1);
    let last = wait_for(|| match connection.read(99) {
        Event::Text(bytes) => Some(bytes.to_vec()),
        _ => None,
    });
    assert_eq!(last, b"end");
    assert_eq!(connection.last_heard(), 99);
    drop(connection);
    server.join();
}

#[test]
fn a_goodbye_is_told_with_code_and_words_and_answered() {
    let cases: [(Vec<u8>, &str); 3] = [
        (
            [&1008_u16.to_be_bytes()[..], b"too many streams"].concat(),
            "closed_by_venue: the venue closed the connection with code 1008: too many streams",
        ),
        (
            1000_u16.to_be_bytes().to_vec(),
            "closed_by_venue: the venue closed the connection with code 1000",
        ),
        (
            Vec::new(),
            "closed_by_venue: the venue closed the connection with code 1005",
        ),
    ];
    for (payload, expected) in cases {
        let server = Server::websocket(None, move |mut stream| {
            send(&mut stream, CLOSE, &payload);
            assert_eq!(receive(&mut stream), Some((CLOSE, payload.clone())));
        });
        let mut connection = plain(&server);
        assert_eq!(next(&mut connection), expected);
        assert_eq!(next(&mut connection), expected);
        assert_eq!(connection.send_text("x", 0), Err(SendError::Closed));
        server.join();
    }
}

#[test]
fn hanging_up_without_a_word_is_told() {
    let server = Server::websocket(None, |mut stream| send(&mut stream, TEXT, b"last"));
    let mut connection = plain(&server);
    assert_eq!(next(&mut connection), "last");
    assert_eq!(
        next(&mut connection),
        "eof: the venue hung up without closing"
    );
    server.join();
}

#[test]
fn our_own_goodbye_is_answered_and_told() {
    let server = Server::websocket(None, |mut stream| {
        let close = receive(&mut stream).unwrap();
        assert_eq!(close, (CLOSE, 1000_u16.to_be_bytes().to_vec()));
        send(&mut stream, TEXT, b"was under way");
        send(&mut stream, CLOSE, &close.1);
    });
    let mut connection = plain(&server);
    connection.close();
    assert_eq!(next(&mut connection), "was under way");
    assert_eq!(next(&mut connection), "closed_by_us: closed as asked");
    server.join();
}

#[test]
fn texts_go_out_four_a_second_and_one_place_is_kept_for_a_ping() {
    let (tell, told) = channel();
    let server = Server::websocket(None, move |mut stream| {
        while let Some((first, payload)) = receive(&mut stream) {
            assert_eq!(first, TEXT);
            tell.send(String::from_utf8(payload).unwrap()).unwrap();
        }
    });
    let mut connection = plain(&server);
    for number in 0..10 {
        connection.send_text(&format!("t{number}"), 100).unwrap();
    }
    assert_eq!(connection.texts_waiting(), 6);
    connection.turn(100 + SECOND - 1);
    assert_eq!(connection.texts_waiting(), 6);
    connection.turn(100 + SECOND);
    assert_eq!(connection.texts_waiting(), 2);
    connection.turn(100 + 3 * SECOND);
    assert_eq!(connection.texts_waiting(), 0);
    for number in 0..10 {
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), format!("t{number}"));
    }
    let now = 100 + 3 * SECOND;
    for _ in 0..TEXTS_WAITING_MAX + 2 {
        connection.send_text("more", now).unwrap();
    }
    assert_eq!(connection.send_text("more", now), Err(SendError::Full));
    drop(connection);
    server.join();
}

#[test]
fn an_answer_to_a_ping_counts_as_sent() {
    let server = Server::websocket(None, |mut stream| {
        send(&mut stream, PING, b"");
        while receive(&mut stream).is_some() {}
    });
    let mut connection = plain(&server);
    assert_eq!(next(&mut connection), "control"); // at time 1
    for _ in 0..4 {
        connection.send_text("x", SECOND / 2).unwrap();
    }
    assert_eq!(connection.texts_waiting(), 1);
    connection.turn(SECOND + 1);
    assert_eq!(connection.texts_waiting(), 0);
    drop(connection);
    server.join();
}

/// A venue that sends pings and takes no answers must cost neither memory nor the reader's time.
fn a_venue_that_does_not_read(authority: Option<&Authority>) {
    const PINGS: usize = 200_000;
    let tls = authority.map(|authority| authority.server("localhost", 2090));
    let (go, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let server = Server::websocket(tls, move |mut stream| {
        let ping = frame(PING, &[5; 125]);
        let batch: Vec<u8> = ping.repeat(100);
        for _ in 0..PINGS / 100 {
            stream.write_all(&batch).unwrap();
        }
        send(&mut stream, TEXT, b"read all the same");
        let _ = wait.lock().unwrap().recv_timeout(PATIENCE);
        let mut pongs = 0;
        while let Some((first, payload)) = receive(&mut stream) {
            match first {
                PONG => assert_eq!(payload, [5; 125]),
                TEXT => {
                    assert_eq!(payload, b"sent all the same");
                    break;
                }
                other => panic!("{other:x}"),
            }
            pongs += 1;
        }
        assert!(pongs > 0 && pongs <= PINGS, "{pongs} answers");
    });
    let mut connection = match authority {
        None => plain(&server),
        Some(authority) => {
            let url = format!("wss://localhost:{}/ws", server.port);
            dial(&authority.client(), url, PATIENCE).result.unwrap()
        }
    };
    for _ in 0..PINGS {
        assert_eq!(next(&mut connection), "control");
    }
    assert_eq!(next(&mut connection), "read all the same");
    connection
        .send_text("sent all the same", 10 * SECOND)
        .unwrap();
    go.send(()).unwrap();
    let closed = wait_for(|| {
        connection.turn(20 * SECOND);
        match connection.read(1) {
            Event::Closed(closed) => Some(closed.name()),
            _ => None,
        }
    });
    assert!(["eof", "io"].contains(&closed), "{closed}");
    server.join();
}

#[test]
fn a_venue_that_does_not_read_is_read_all_the_same() {
    a_venue_that_does_not_read(None);
}

#[test]
fn a_venue_that_does_not_read_is_read_all_the_same_under_tls() {
    a_venue_that_does_not_read(Some(&Authority::new()));
}

/// Waits on the ear instead of looking again and again.
fn hear(connection: &mut Connection, parker: &mut Parker) -> String {
    park_for(parker, || {
        if !connection.is_ready() {
            return None;
        }
        match connection.read(1) {
            Event::Idle => None,
            Event::Text(bytes) => Some(format!("{} bytes", bytes.len())),
            Event::Closed(closed) => Some(closed.name().to_owned()),
            event => panic!("{event:?}"),
        }
    })
}

fn a_parked_reader_is_woken(authority: Option<&Authority>) {
    let tls = authority.map(|authority| authority.server("localhost", 2090));
    let (go, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let server = Server::websocket(tls, move |mut stream| {
        let wait = wait.lock().unwrap();
        // bigger than any buffer, several in one piece, and many small ones
        send(&mut stream, TEXT, &vec![b' '; 3 << 20]);
        wait.recv_timeout(PATIENCE).unwrap();
        let mut together = frame(TEXT, &[b' '; 1000]);
        together.extend(frame(TEXT, &[b' '; 1001]));
        together.extend(frame(TEXT, &[b' '; 1002]));
        stream.write_all(&together).unwrap();
        stream.flush().unwrap();
        for _ in 0..100 {
            wait.recv_timeout(PATIENCE).unwrap();
            send(&mut stream, TEXT, b"x");
        }
    });
    let (mut parker, waker) = parker();
    let ear = Ear::start(Some(waker)).unwrap();
    let mut connection = match authority {
        None => plain(&server),
        Some(authority) => {
            let url = format!("wss://localhost:{}/ws", server.port);
            dial(&authority.client(), url, PATIENCE).result.unwrap()
        }
    };
    connection.listen(&ear).unwrap();
    assert_eq!(hear(&mut connection, &mut parker), "3145728 bytes");
    go.send(()).unwrap();
    for length in 1000..1003 {
        let expected = format!("{length} bytes");
        assert_eq!(hear(&mut connection, &mut parker), expected);
    }
    for _ in 0..100 {
        go.send(()).unwrap();
        assert_eq!(hear(&mut connection, &mut parker), "1 bytes");
    }
    assert_eq!(hear(&mut connection, &mut parker), "eof");
    server.join();
}

#[test]
fn a_parked_reader_is_woken_by_what_arrives() {
    a_parked_reader_is_woken(None);
}

#[test]
fn a_parked_reader_is_woken_by_what_arrives_under_tls() {
    a_parked_reader_is_woken(Some(&Authority::new()));
}

#[test]
fn an_ear_has_room_for_those_that_left() {
    let ear = Ear::start(None).unwrap();
    let count = super::super::ear::CONNECTIONS_MAX + 10;
    let server = Server::start(None, count, |mut stream, _| {
        super::server::accept(&mut stream);
    });
    for _ in 0..count {
        let mut connection = plain(&server);
        connection.listen(&ear).unwrap();
        assert!(next(&mut connection).starts_with("eof"));
    }
    server.join();
}

#[test]
fn a_poll_of_ones_own_hears_it_too() {
    let server = Server::websocket(None, |mut stream| {
        assert_eq!(receive(&mut stream).unwrap().1, b"go");
        send(&mut stream, TEXT, b"gone");
        until_gone(&mut stream);
    });
    let mut connection = plain(&server);
    let mut poll = mio::Poll::new().unwrap();
    connection.register(poll.registry(), mio::Token(3)).unwrap();
    assert!(matches!(connection.read(1), Event::Idle));
    connection.send_text("go", 1).unwrap();
    let mut events = mio::Events::with_capacity(4);
    let text = wait_for(|| {
        poll.poll(&mut events, Some(Duration::from_secs(1)))
            .unwrap();
        events.iter().find(|event| event.token() == mio::Token(3))?;
        match connection.read(1) {
            Event::Text(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    });
    assert_eq!(text, b"gone");
    connection.deregister(poll.registry()).unwrap();
    drop(connection);
    server.join();
}

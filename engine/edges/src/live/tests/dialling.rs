//! How dials end, well or not.

use super::server::{
    Authority, PATIENCE, Server, TEXT, accept, dial, frame, head, next, park_for, send, until_gone,
    wait_for,
};
use crate::live::dial::DIALS_MAX;
use crate::live::{DialRequest, Dialer, Tls};
use pitlane_lockfree::wake::parker;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Short for what is expected to run into it.
const SOON: Duration = Duration::from_secs(1);

fn web() -> Tls {
    Tls::new(None).unwrap()
}

/// Dials a server that follows `script`; the error's name and words.
fn check(
    whole: Duration,
    script: impl Fn(Box<dyn super::server::Stream>) + Send + 'static,
) -> (&'static str, String) {
    let server = Server::start(None, 1, move |stream, _| script(stream));
    let url = format!("ws://127.0.0.1:{}/ws", server.port);
    let error = dial(&web(), url, whole).result.unwrap_err();
    server.join();
    (error.name(), error.to_string())
}

#[test]
fn the_request_is_what_a_venue_expects() {
    let server = Server::start(None, 1, |mut stream, _| {
        let head = accept(&mut stream);
        let lines: Vec<&str> = head.lines().collect();
        assert_eq!(
            lines[0],
            "GET /stream?streams=btcusdt@aggTrade/btcusdt@depth@100ms HTTP/1.1"
        );
        assert!(lines[1].starts_with("Host: 127.0.0.1:"), "{head}");
        assert!(!head.to_lowercase().contains("extensions"), "{head}");
    });
    let url = format!(
        "ws://127.0.0.1:{}/stream?streams=btcusdt@aggTrade/btcusdt@depth@100ms",
        server.port
    );
    let reply = dial(&web(), url, PATIENCE);
    let connection = reply.result.unwrap();
    assert_eq!(connection.peer().port(), server.port);
    server.join();
}

#[test]
fn frames_sent_together_with_the_upgrade_are_not_lost() {
    let authority = Authority::new();
    for tls in [None, Some(authority.server("localhost", 2090))] {
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let server = Server::start(tls, 1, |mut stream, _| {
            let key = head(&mut stream);
            let key = key
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .unwrap();
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let mut answer = format!(
                "HTTP/1.1 101 Yes\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
            )
            .into_bytes();
            answer.extend(frame(TEXT, b"early"));
            answer.extend(&frame(TEXT, b"half")[..3]);
            stream.write_all(&answer).unwrap();
            stream.flush().unwrap();
            stream.write_all(b"alf").unwrap();
            stream.flush().unwrap();
            until_gone(&mut stream);
        });
        let url = format!("{scheme}://localhost:{}/ws", server.port);
        let mut connection = dial(&authority.client(), url, PATIENCE).result.unwrap();
        // an ear must not make the early ones wait
        let ear = crate::live::Ear::start(None).unwrap();
        connection.listen(&ear).unwrap();
        assert!(connection.is_ready());
        assert_eq!(next(&mut connection), "early");
        assert_eq!(next(&mut connection), "half");
        drop(connection);
        server.join();
    }
}

#[test]
fn certificates_are_checked() {
    let authority = Authority::new();
    let cases = [
        ("localhost", 2090, true, Ok(())),
        ("elsewhere.example", 2090, true, Err("tls_name")),
        ("localhost", 2002, true, Err("tls_expired")),
        ("localhost", 2090, false, Err("tls_untrusted")),
    ];
    for (name, until, trusted, expected) in cases {
        let server = Server::start(
            Some(authority.server(name, until)),
            1,
            move |mut stream, _| {
                if expected.is_ok() {
                    accept(&mut stream);
                    send(&mut stream, TEXT, b"well");
                } else {
                    assert_eq!(head(&mut stream), "", "nothing is asked of a stranger");
                }
            },
        );
        let tls = if trusted { authority.client() } else { web() };
        let url = format!("wss://localhost:{}/ws", server.port);
        let result = dial(&tls, url, PATIENCE).result;
        match result {
            Ok(mut connection) => {
                assert_eq!(expected, Ok(()));
                assert_eq!(next(&mut connection), "well");
            }
            Err(error) => assert_eq!(Err(error.name()), expected, "{error}"),
        }
        server.join();
    }
}

#[test]
fn what_speaks_no_tls_is_told_so() {
    let server = Server::start(None, 1, |mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let url = format!("wss://localhost:{}/ws", server.port);
    let error = dial(&web(), url, PATIENCE).result.unwrap_err();
    assert_eq!(error.name(), "tls", "{error}");
    server.join();
}

#[test]
fn a_page_instead_of_an_upgrade_is_told_with_its_beginning() {
    let (name, text) = check(PATIENCE, |mut stream| {
        head(&mut stream);
        let page = "<html><body>We are under maintenance.</body></html>";
        // head and body in two pieces, and the connection stays open
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
        stream.write_all(answer.as_bytes()).unwrap();
        stream.flush().unwrap();
        stream.write_all(page.as_bytes()).unwrap();
        until_gone(&mut stream);
    });
    assert_eq!(name, "http_status");
    assert_eq!(
        text,
        "answered with HTTP 200 instead of an upgrade, and says \
         \"<html><body>We are under maintenance.</body></html>\""
    );
}

#[test]
fn errors_and_redirections_are_told() {
    let answer = |answer: &'static str| {
        check(PATIENCE, move |mut stream| {
            head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        })
        .1
    };
    let says = |status: &str| format!("answered with HTTP {status} instead of an upgrade");
    assert_eq!(
        answer("HTTP/1.1 301 Moved\r\nLocation: https://example.com/\r\n\r\n"),
        says("301") + ", points to \"https://example.com/\""
    );
    assert_eq!(
        answer("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n{}"),
        says("429") + ", to be asked again after 7 s, and says \"{}\""
    );
    assert_eq!(answer("HTTP/1.0 503 No\r\n\r\n"), says("503"));
    let chunked = "HTTP/1.1 418 I\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    assert!(answer(chunked).starts_with(&says("418")));
}

#[test]
fn a_wait_the_venue_asks_for_is_kept() {
    let server = Server::start(None, 1, |mut stream, _| {
        head(&mut stream);
        stream
            .write_all(
                b"HTTP/1.1 418 I'm a teapot\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
            )
            .unwrap();
        until_gone(&mut stream);
    });
    let url = format!("ws://127.0.0.1:{}/ws", server.port);
    let error = dial(&web(), url, PATIENCE).result.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(2)));
    server.join();
}

#[test]
fn what_does_not_speak_websocket_is_told() {
    let cases: [(&'static [u8], &str); 5] = [
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            "invalid HTTP version in an answer that begins \"SSH-2.0-OpenSSH_9.2\"",
        ),
        (b"", "hung up after \"\""),
        (
            b"HTTP/1.1 101 Yes\r\n\r\n",
            "the upgrade is not to websocket",
        ),
        (
            b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n\r\n",
            "Sec-WebSocket-Accept does not answer our key",
        ),
        (
            b"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\n\r\n",
            "the upgrade is not to websocket",
        ),
    ];
    for (answer, expected) in cases {
        let (name, text) = check(PATIENCE, move |mut stream| {
            head(&mut stream);
            stream.write_all(answer).unwrap();
        });
        assert_eq!(name, "not_websocket", "{text}");
        assert_eq!(text, format!("no WebSocket: {expected}"));
    }
}

#[test]
fn an_extension_nobody_asked_for_is_refused() {
    let (name, text) = check(PATIENCE, |mut stream| {
        let head = head(&mut stream);
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        write!(
            stream,
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        .unwrap();
    });
    assert_eq!(name, "not_websocket");
    assert!(text.contains("permessage-deflate"), "{text}");
}

#[test]
fn endless_headers_are_cut_off() {
    let (name, text) = check(PATIENCE, |mut stream| {
        head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        // until the client has enough
        while stream.write_all(b"X-More: and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more and more\r\n").is_ok() {}
    });
    assert_eq!(name, "not_websocket", "{text}");
}

#[test]
fn too_slow_is_a_timeout_however_it_trickles() {
    // nothing at all
    let (name, text) = check(SOON, |mut stream| until_gone(&mut stream));
    assert_eq!(
        (name, text.as_str()),
        ("timeout", "no answer in time, in the WebSocket handshake")
    );
    // a byte now and then, for ever
    let (name, _) = check(SOON, |mut stream| {
        head(&mut stream);
        while stream.write_all(b"H").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
            if stream.write_all(b"TTP/1.1 200 OK\r\nX: ").is_err() {
                return;
            }
            while stream.write_all(b"y").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    });
    assert_eq!(name, "timeout");
    // TLS that never begins
    let server = Server::start(None, 1, |mut stream, _| until_gone(&mut stream));
    let url = format!("wss://localhost:{}/ws", server.port);
    let error = dial(&web(), url, SOON).result.unwrap_err();
    assert_eq!(error.to_string(), "no answer in time, in the TLS handshake");
    server.join();
}

#[test]
fn nobody_there_is_refused() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = dial(&web(), format!("ws://127.0.0.1:{port}/"), PATIENCE);
    let error = error.result.unwrap_err();
    assert_eq!(error.name(), "no_listener");
    assert_eq!(
        error.to_string(),
        format!("127.0.0.1:{port} refuses connections")
    );
}

#[test]
fn a_name_without_address_is_told() {
    // reserved for this (RFC 6761)
    let error = dial(&web(), "ws://venue.invalid/".to_owned(), PATIENCE);
    let error = error.result.unwrap_err();
    assert!(["dns", "timeout"].contains(&error.name()), "{error}");
}

#[test]
fn addresses_that_cannot_be_dialled_are_told() {
    for url in [
        "http://127.0.0.1/",
        "127.0.0.1:80",
        "ws://",
        "ws:///x",
        "ws://a b/",
    ] {
        let error = dial(&web(), url.to_owned(), PATIENCE).result.unwrap_err();
        assert_eq!(error.name(), "url", "{error}");
        assert!(error.to_string().contains(url), "{error}");
    }
}

#[test]
fn slow_dials_do_not_hold_up_others() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let slow = Server::start(None, 1, move |mut stream, _| {
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        accept(&mut stream);
    });
    let quick = Server::start(None, DIALS_MAX, |mut stream, _| {
        accept(&mut stream);
    });
    let dialer = Dialer::start(web(), None).unwrap();
    let dial = |token: usize, port| {
        let request = DialRequest {
            token: token as u64,
            url: format!("ws://127.0.0.1:{port}/"),
            connect: PATIENCE,
            whole: PATIENCE,
        };
        dialer.dial(request).unwrap();
    };
    dial(0, slow.port);
    for token in 1..=DIALS_MAX {
        dial(token, quick.port);
    }
    let mut tokens = Vec::new();
    for _ in 0..DIALS_MAX {
        let reply = wait_for(|| dialer.poll());
        assert!(reply.result.is_ok(), "{:?}", reply.result);
        tokens.push(reply.token);
    }
    tokens.sort_unstable();
    assert_eq!(tokens, (1..=DIALS_MAX as u64).collect::<Vec<_>>());
    go.send(()).unwrap();
    let last = wait_for(|| dialer.poll());
    assert_eq!(last.token, 0);
    assert!(last.result.is_ok(), "{:?}", last.result);
    slow.join();
    quick.join();
}

#[test]
fn a_reply_wakes_who_waits_for_it() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::start(None, 1, move |mut stream, _| {
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        accept(&mut stream);
    });
    let (mut parker, waker) = parker();
    let dialer = Dialer::start(web(), Some(waker.clone())).unwrap();
    let request = DialRequest {
        token: 1,
        url: format!("ws://127.0.0.1:{}/", server.port),
        connect: PATIENCE,
        whole: PATIENCE,
    };
    dialer.dial(request).unwrap();
    // not before the reader sleeps
    let release = std::thread::spawn(move || {
        while !waker.is_parked() {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
    });
    let reply = park_for(&mut parker, || dialer.poll());
    assert!(reply.result.is_ok());
    release.join().unwrap();
    server.join();
}

#[test]
fn files_of_authorities_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("extra.pem");
    let error = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let error = Tls::new(Some(&file)).unwrap_err().to_string();
        error.replace(&file.display().to_string(), "FILE")
    };
    assert_eq!(
        error("no certificate here\n"),
        "FILE: holds no certificate; a PEM file with at least one `BEGIN CERTIFICATE` is needed"
    );
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(error(damaged).starts_with("FILE: certificate 1 is damaged: "));
    let authority = Authority::new();
    let second = format!(
        "{}{}",
        std::fs::read_to_string(&authority.file).unwrap(),
        &damaged[..30]
    );
    assert!(error(&second).starts_with("FILE: certificate 2 is damaged: "));
    std::fs::remove_file(&file).unwrap();
    let error = Tls::new(Some(&file)).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

//! How requests end, well or not.

use super::server::{Authority, PATIENCE, Server, Stream, head, park_for, until_gone, wait_for};
use crate::live::rest::REQUESTS_MAX;
use crate::live::{Rest, RestError, RestKind, RestReply, RestRequest, Tls};
use flate2::Compression;
use flate2::write::GzEncoder;
use pitlane_lockfree::wake::parker;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

fn web() -> Tls {
    Tls::new(None).unwrap()
}

fn get(tls: Tls, url: String, kind: RestKind, whole: Duration) -> RestReply {
    let rest = Rest::start(tls, None).unwrap();
    let request = RestRequest {
        token: 9,
        url,
        kind,
        whole,
    };
    rest.send(request).unwrap();
    let reply = wait_for(|| rest.poll());
    assert_eq!(reply.token, 9);
    assert_eq!(reply.kind, kind);
    reply
}

/// Asks a server that follows `script` once the request has come.
fn ask(kind: RestKind, script: impl Fn(Box<dyn Stream>) + Send + 'static) -> RestReply {
    let server = Server::start(None, 1, move |mut stream, _| {
        head(&mut stream);
        script(stream);
    });
    let url = format!("http://127.0.0.1:{}/x", server.port);
    let reply = get(web(), url, kind, PATIENCE);
    server.join();
    reply
}

/// The name of the error that `answer` leads to, and its words.
fn refused(answer: impl Into<Vec<u8>>) -> (&'static str, String) {
    let answer = answer.into();
    let reply = ask(RestKind::Snapshot, move |mut stream| {
        stream.write_all(&answer).unwrap();
        stream.flush().unwrap();
    });
    let error = reply.error.expect("an error");
    if error.name() != "http_status" {
        assert!(reply.body.is_empty());
    }
    (error.name(), error.to_string())
}

fn with_length(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn an_answer_comes_with_all_that_budgets_need() {
    let server = Server::start(None, 1, |mut stream, _| {
        let request = head(&mut stream);
        let line = "GET /api/v3/depth?symbol=BTCUSDT&limit=5000 HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
        let headers = "X-MBX-USED-WEIGHT: 9\r\nx-mbx-used-weight-1m: 250\r\nRetry-After: 3\r\n";
        let body = b"{ \"lastUpdateId\" : 1}\n";
        let answer = with_length("200 OK", headers, body);
        stream.write_all(&answer).unwrap();
    });
    let url = format!(
        "http://127.0.0.1:{}/api/v3/depth?symbol=BTCUSDT&limit=5000",
        server.port
    );
    let reply = get(web(), url, RestKind::Snapshot, PATIENCE);
    server.join();
    assert_eq!(reply.error, None);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, b"{ \"lastUpdateId\" : 1}\n");
    assert_eq!(reply.used_weight, Some(250));
    assert_eq!(reply.retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn limits_and_errors_keep_what_the_venue_says() {
    let reply = ask(RestKind::Trades, |mut stream| {
        let headers = "Retry-After: 7\r\nX-MBX-USED-WEIGHT: 6001\r\n";
        let body = br#"{"code":-1003,"msg":"Too much request weight used."}"#;
        let answer = with_length("429 Too Many Requests", headers, body);
        stream.write_all(&answer).unwrap();
    });
    assert_eq!(reply.status, 429);
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(reply.used_weight, Some(6001));
    assert_eq!(
        reply.error.as_ref().map(RestError::name),
        Some("http_status")
    );
    assert!(reply.body.starts_with(b"{\"code\":-1003"));

    let page = "<html>".repeat(10_000);
    let (name, text) = refused(with_length("503 No", "", page.as_bytes()));
    assert_eq!(name, "http_status");
    assert!(text.starts_with("answered with HTTP 503, and says \"<html><html>"));
    assert!(text.len() < 300);

    // not followed
    let (name, text) =
        refused("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((name, text.contains("302")), ("http_status", true));
}

#[test]
fn what_is_no_json_is_refused() {
    let page = b"<!DOCTYPE html><html>We are under maintenance.</html>";
    assert_eq!(
        refused(with_length("200 OK", "", page)),
        (
            "not_json",
            "no JSON: begins \"<!DOCTYPE html><html>We are under maintenance.</html>\"".to_owned()
        )
    );
    assert_eq!(refused(with_length("200 OK", "", b" \r\n")).0, "not_json");
    assert_eq!(refused(with_length("200 OK", "", b"")).0, "not_json");
}

#[test]
fn a_body_that_is_cut_off_is_refused() {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":1}";
    assert_eq!(refused(short).0, "truncated");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n5\r\n3";
    assert_eq!(refused(chunked).0, "truncated");
    let no_length = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[[1,\"2\"],[3";
    assert_eq!(
        refused(no_length),
        (
            "truncated",
            "the answer is cut off: it ends \"[[1,\\\"2\\\"],[3\"".to_owned()
        )
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&b"[1,2,3] ".repeat(1000)).unwrap();
    let gzip = gzip.finish().unwrap();
    let half = with_length(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        &gzip[..gzip.len() / 2],
    );
    let (name, text) = refused(half);
    assert!(["truncated", "http"].contains(&name), "{name}: {text}");
}

#[test]
fn chunks_and_compression_are_undone() {
    let reply = ask(RestKind::Klines, |mut stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
            .unwrap();
    });
    assert_eq!((reply.error, reply.body), (None, b"[1,2]".to_vec()));

    let long = format!("[{}0]", "1234567890,".repeat(500_000));
    let expected = long.clone().into_bytes();
    let reply = ask(RestKind::ExchangeInfo, move |mut stream| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(long.as_bytes()).unwrap();
        let body = gzip.finish().unwrap();
        let answer = with_length("200 OK", "Content-Encoding: gzip\r\n", &body);
        stream.write_all(&answer).unwrap();
    });
    assert_eq!(reply.error, None);
    assert!(reply.body == expected);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let reply = ask(RestKind::Trades, |mut stream| {
        let chunk = [&b"10000\r\n["[..], &vec![b'1'; 0xffff], b"\r\n"].concat();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        // until the client has enough
        while stream.write_all(&chunk).is_ok() {}
    });
    assert_eq!(reply.error, Some(RestError::TooLarge(4 << 20)));
    assert!(reply.body.is_empty());

    let reply = ask(RestKind::Trades, |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X-More: and more and more\r\n").is_ok() {}
    });
    assert_eq!(
        reply.error.as_ref().map(RestError::name),
        Some("http"),
        "{:?}",
        reply.error
    );
}

#[test]
fn a_bomb_is_refused() {
    // 100 MB of blanks in 100 kB
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"[").unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..100 {
        gzip.write_all(&blanks).unwrap();
    }
    gzip.write_all(b"]").unwrap();
    let body = gzip.finish().unwrap();
    assert!(body.len() < 1 << 20, "{}", body.len());
    let answer = with_length("200 OK", "Content-Encoding: gzip\r\n", &body);
    for (kind, bytes) in [
        (RestKind::Snapshot, 4 << 20),
        (RestKind::ExchangeInfo, 64 << 20),
    ] {
        let answer = answer.clone();
        let reply = ask(kind, move |mut stream| {
            // the client hangs up when it has enough
            let _ = stream.write_all(&answer);
        });
        assert_eq!(reply.error, Some(RestError::TooLarge(bytes)));
    }
}

#[test]
fn too_slow_is_a_timeout_wherever_it_stops() {
    let soon = Duration::from_secs(1);
    let scripts: [fn(&mut dyn Stream); 3] = [
        |_| {},
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
        },
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n[");
            while stream.write_all(b"1").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        },
    ];
    for script in scripts {
        let server = Server::start(None, 1, move |mut stream, _| {
            head(&mut stream);
            script(&mut stream);
            until_gone(&mut stream);
        });
        let url = format!("http://127.0.0.1:{}/x", server.port);
        let reply = get(web(), url, RestKind::Trades, soon);
        server.join();
        let error = reply.error.unwrap();
        assert_eq!(
            error.to_string(),
            "no answer in time, waiting for the answer"
        );
        assert!(reply.body.is_empty());
    }
    // TLS that never begins
    let server = Server::start(None, 1, |mut stream, _| until_gone(&mut stream));
    let url = format!("https://localhost:{}/x", server.port);
    let error = get(web(), url, RestKind::Trades, soon).error.unwrap();
    server.join();
    assert_eq!(error.name(), "timeout", "{error}");
}

#[test]
fn certificates_are_checked() {
    let authority = Authority::new();
    let cases = [
        ("localhost", 2090, true, None),
        ("elsewhere.example", 2090, true, Some("tls_name")),
        ("localhost", 2002, true, Some("tls_expired")),
        ("localhost", 2090, false, Some("tls_untrusted")),
    ];
    for (name, until, trusted, expected) in cases {
        let server = Server::start(Some(authority.server(name, until)), 1, |mut stream, _| {
            let request = head(&mut stream);
            if !request.is_empty() {
                stream.write_all(&with_length("200 OK", "", b"{}")).unwrap();
                stream.flush().unwrap();
            }
        });
        let tls = if trusted { authority.client() } else { web() };
        let url = format!("https://localhost:{}/x", server.port);
        let reply = get(tls, url, RestKind::Snapshot, PATIENCE);
        let error = reply.error.as_ref().map(RestError::name);
        assert_eq!(error, expected, "{:?}", reply.error);
        server.join();
    }
}

#[test]
fn requests_go_one_after_the_other_over_one_connection() {
    let authority = Authority::new();
    for tls in [None, Some(authority.server("localhost", 2090))] {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Server::start(tls, 1, |mut stream, _| {
            for number in 0..20 {
                let request = head(&mut stream);
                assert!(request.starts_with(&format!("GET /{number} ")), "{request}");
                let body = format!("[{number}]");
                let answer = with_length("200 OK", "", body.as_bytes());
                stream.write_all(&answer).unwrap();
                stream.flush().unwrap();
            }
        });
        let rest = Rest::start(authority.client(), None).unwrap();
        for number in 0..20 {
            let request = RestRequest {
                token: number,
                url: format!("{scheme}://localhost:{}/{number}", server.port),
                kind: RestKind::Trades,
                whole: PATIENCE,
            };
            rest.send(request).unwrap();
        }
        for number in 0..20 {
            let reply = wait_for(|| rest.poll());
            assert_eq!((reply.token, reply.error), (number, None));
            assert_eq!(reply.body, format!("[{number}]").into_bytes());
        }
        server.join();
    }
}

#[test]
fn a_connection_that_was_closed_in_between_is_opened_again() {
    let (tell, told) = channel();
    let server = Server::start(None, 3, move |mut stream, number| {
        head(&mut stream);
        let body = format!("[{number}]");
        let answer = with_length("200 OK", "", body.as_bytes());
        stream.write_all(&answer).unwrap();
        // without a word
        drop(stream);
        tell.send(()).unwrap();
    });
    let rest = Rest::start(web(), None).unwrap();
    for number in 0..3 {
        let request = RestRequest {
            token: number,
            url: format!("http://127.0.0.1:{}/", server.port),
            kind: RestKind::Trades,
            whole: PATIENCE,
        };
        rest.send(request).unwrap();
        let reply = wait_for(|| rest.poll());
        assert_eq!(reply.error, None);
        told.recv_timeout(PATIENCE).unwrap();
    }
    server.join();
}

#[test]
fn a_reply_wakes_who_waits_for_it() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::start(None, 1, move |mut stream, _| {
        head(&mut stream);
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        stream.write_all(&with_length("200 OK", "", b"[]")).unwrap();
    });
    let (mut parker, waker) = parker();
    let rest = Rest::start(web(), Some(waker.clone())).unwrap();
    let request = RestRequest {
        token: 1,
        url: format!("http://127.0.0.1:{}/", server.port),
        kind: RestKind::Klines,
        whole: PATIENCE,
    };
    rest.send(request).unwrap();
    // not before the reader sleeps
    let release = std::thread::spawn(move || {
        while !waker.is_parked() {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
    });
    let reply = park_for(&mut parker, || rest.poll());
    assert_eq!(reply.error, None);
    release.join().unwrap();
    server.join();
}

#[test]
fn more_than_can_wait_is_refused_at_once() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::start(None, 1, move |mut stream, _| {
        head(&mut stream);
        let _ = wait.lock().unwrap().recv_timeout(PATIENCE);
    });
    let rest = Rest::start(web(), None).unwrap();
    let request = RestRequest {
        token: 0,
        url: format!("http://127.0.0.1:{}/", server.port),
        kind: RestKind::Trades,
        whole: PATIENCE,
    };
    let mut accepted = 0;
    let error = loop {
        match rest.send(request.clone()) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 2 * REQUESTS_MAX);
    };
    assert_eq!(error, RestError::Busy);
    assert!(accepted >= REQUESTS_MAX);
    drop(rest);
    go.send(()).unwrap();
    server.join();
}

#[test]
fn addresses_that_cannot_be_asked_are_told() {
    for url in [
        "ws://127.0.0.1/",
        "127.0.0.1:80/x",
        "http://",
        "https:///x",
        "http://a b/",
    ] {
        let error = get(web(), url.to_owned(), RestKind::Trades, PATIENCE)
            .error
            .unwrap();
        assert_eq!(error.name(), "url", "{error}");
    }
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}/");
    let error = get(web(), url, RestKind::Trades, PATIENCE).error;
    assert_eq!(error, Some(RestError::Refused));
}

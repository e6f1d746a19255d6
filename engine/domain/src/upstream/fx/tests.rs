use super::*;

fn symbol(name: &str) -> Symbol {
    Symbol::new(name.as_bytes()).expect("a symbol")
}

fn at(seconds: i64) -> WallNs {
    WallNs(seconds * 1_000_000_000)
}

/// A desk for two pairs.
fn desk() -> FxDesk {
    FxDesk::new(
        FxRules::default(),
        [symbol("EURUSD"), symbol("USDJPY"), symbol("EURUSD")],
    )
}

/// All that is due, by the names in it.
fn due(desk: &mut FxDesk, seconds: i64) -> String {
    let mut names = Vec::new();
    while let Some(command) = desk.next(at(seconds)) {
        names.push(match command {
            FxCommand::GetPackage { symbol, .. } => symbol.to_string(),
            FxCommand::Unsubscribe { symbols } => format!("less {symbols:?}"),
        });
    }
    names.join(" ")
}

#[test]
fn messages_are_the_gateways_json() {
    let command = FxCommand::GetPackage {
        symbol: symbol("EUR/USD"),
        adr_lookback_days: 14,
    };
    let text = command.text();
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({"type": "get_symbol_data_package", "symbol": "EUR/USD", "adrLookbackDays": 14})
    );
    let command = FxCommand::Unsubscribe {
        symbols: vec![symbol("EURUSD"), symbol("USDJPY")],
    };
    assert_eq!(
        command.text(),
        r#"{"type":"unsubscribe","symbols":["EURUSD","USDJPY"]}"#
    );
}

#[test]
fn nothing_is_asked_before_the_gateway_is_ready() {
    let mut desk = desk();
    assert_eq!((due(&mut desk, 1), desk.deadline()), (String::new(), None));
    desk.opened(at(1));
    desk.status(GatewayStatus::Connecting, at(1));
    desk.ready(&[symbol("EURUSD"), symbol("USDJPY")], at(2));
    assert_eq!(due(&mut desk, 2), "");
    desk.status(GatewayStatus::Connected, at(3));
    assert_eq!(desk.deadline(), Some(at(3)));
    assert_eq!(due(&mut desk, 3), "EURUSD USDJPY");
    assert_eq!(due(&mut desk, 3), "");
    assert_eq!(desk.deadline(), Some(at(13)));
    desk.package(symbol("EURUSD"));
    assert!(!desk.is_complete());
    desk.package(symbol("USDJPY"));
    assert!(desk.is_complete());
    assert_eq!(desk.deadline(), None);
}

#[test]
fn what_does_not_come_is_asked_for_again_later_each_time() {
    let mut desk = desk();
    desk.opened(at(0));
    desk.ready(&[symbol("EURUSD"), symbol("USDJPY")], at(0));
    assert_eq!(due(&mut desk, 0), "EURUSD USDJPY");
    desk.package(symbol("USDJPY"));
    // An error of another symbol, and of one whose package is there already.
    desk.error(Some(symbol("GBPUSD")), at(1));
    desk.error(Some(symbol("USDJPY")), at(1));
    assert_eq!(desk.deadline(), Some(at(10)));
    let mut asked = vec![];
    let mut now = 10;
    for _ in 0..7 {
        // Late: the wait begins now.
        assert_eq!(due(&mut desk, now), "");
        let next = desk.deadline().expect("asked again");
        asked.push(next.0 / 1_000_000_000 - now);
        now = next.0 / 1_000_000_000;
        assert_eq!(due(&mut desk, now), "EURUSD");
        now += 10;
    }
    assert_eq!(asked, [1, 2, 4, 8, 16, 30, 30]);
    desk.error(None, at(now - 5));
    assert_eq!(desk.deadline(), Some(at(now + 25)));
    desk.package(symbol("EURUSD"));
    assert!(desk.is_complete());
}

#[test]
fn everything_is_asked_anew_after_trouble() {
    let mut desk = desk();
    let both = [symbol("EURUSD"), symbol("USDJPY")];
    desk.opened(at(0));
    desk.ready(&both, at(0));
    due(&mut desk, 0);
    for symbol in both {
        desk.package(symbol);
    }
    // The market behind the gateway went away and came back.
    desk.status(GatewayStatus::Error, at(5));
    assert_eq!(due(&mut desk, 5), "");
    desk.status(GatewayStatus::Disconnected, at(6));
    desk.status(GatewayStatus::Connected, at(7));
    assert_eq!(due(&mut desk, 7), "EURUSD USDJPY");
    desk.status(GatewayStatus::Connected, at(8));
    assert_eq!(due(&mut desk, 8), "");
    // The connection itself.
    desk.opened(at(20));
    assert_eq!(due(&mut desk, 20), "");
    desk.ready(&both, at(21));
    assert_eq!(due(&mut desk, 21), "EURUSD USDJPY");
    for symbol in both {
        desk.package(symbol);
    }
    desk.refresh(at(30));
    assert_eq!(due(&mut desk, 30), "EURUSD USDJPY");
}

#[test]
fn one_symbol_alone_is_asked_anew() {
    let mut desk = desk();
    desk.opened(at(0));
    desk.ready(&[symbol("EURUSD")], at(0));
    assert_eq!(due(&mut desk, 0), "EURUSD");
    // It is under way: nothing more to ask.
    desk.refresh_one(symbol("EURUSD"), at(1));
    assert_eq!(due(&mut desk, 1), "");
    desk.package(symbol("EURUSD"));
    desk.refresh_one(symbol("EURUSD"), at(2));
    // What the gateway does not have stays missing.
    desk.refresh_one(symbol("USDJPY"), at(2));
    assert_eq!(due(&mut desk, 2), "EURUSD");
}

#[test]
fn symbols_come_and_go() {
    let mut desk = desk();
    desk.opened(at(0));
    desk.ready(&[symbol("EURUSD"), symbol("GBPUSD")], at(0));
    assert_eq!(desk.missing().collect::<Vec<_>>(), [symbol("USDJPY")]);
    desk.refresh(at(0));
    assert_eq!(due(&mut desk, 0), "EURUSD");
    desk.add(symbol("GBPUSD"), at(1));
    desk.add(symbol("EURUSD"), at(1));
    assert_eq!(due(&mut desk, 1), "GBPUSD");
    desk.package(symbol("EURUSD"));
    desk.remove(symbol("EURUSD"));
    desk.remove(symbol("USDJPY"));
    desk.remove(symbol("AUDUSD"));
    assert_eq!(due(&mut desk, 2), r#"less ["EURUSD"]"#);
    desk.remove(symbol("GBPUSD"));
    desk.add(symbol("GBPUSD"), at(3));
    assert_eq!(due(&mut desk, 3), "GBPUSD");
    // A gateway may learn of a symbol later.
    desk.add(symbol("USDJPY"), at(4));
    desk.ready(&[symbol("GBPUSD")], at(4));
    assert_eq!(due(&mut desk, 4), "");
    desk.ready(&[symbol("GBPUSD"), symbol("USDJPY")], at(5));
    assert_eq!(due(&mut desk, 5), "USDJPY");
}

use super::*;

#[test]
fn the_document_shows_what_runs() {
    expect_test::expect_file!["../../../../docs/topology.txt"].assert_eq(&render());
}

#[test]
fn every_edge_joins_known_agents() {
    let known = roles();
    for edge in EDGES {
        assert!(
            edge.from == "*" || known.contains(&edge.from),
            "{}",
            edge.name
        );
        assert!(known.contains(&edge.to), "{}", edge.name);
    }
}

#[test]
fn a_lossless_cycle_is_found() {
    assert_eq!(lossless_cycle(&EDGES), None);
    let mut bad = EDGES.to_vec();
    bad.push(EdgeRow {
        name: "market-feed",
        from: "market",
        to: "feed",
        policy: Policy::Lossless { burst: 1 },
        carries: "a wish",
    });
    assert!(lossless_cycle(&bad).is_some());
}

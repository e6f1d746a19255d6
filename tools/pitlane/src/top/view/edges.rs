//! Edges: what their two ends count.

use super::EdgeView;
use super::pair::{Pair, share};

/// All edges, in the order in which they were made.
pub fn read(pair: &Pair) -> Vec<EdgeView> {
    let entries = pair.now.page.entries.iter();
    entries
        .filter_map(|entry| Some((name_of(&entry.label, "sent")?, &entry.owner)))
        .map(|(name, from)| edge(pair, name, from))
        .collect()
}

fn edge(pair: &Pair, name: &str, from: &str) -> EdgeView {
    let label = |what: &str| format!("edge.{name}.{what}");
    let mut entries = pair.now.page.entries.iter();
    let to = entries
        .find(|entry| name_of(&entry.label, "received") == Some(name))
        .map_or("", |entry| entry.owner.as_str());
    let sent = pair.number(from, &label("sent"));
    let received = pair.number(to, &label("received"));
    let replaced = pair.number(to, &label("replaced"));
    let held = |ticks| pair.ticks_ns(ticks);
    EdgeView {
        name: name.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        sent,
        sent_per_s: pair.rate(from, &label("sent")),
        received,
        received_per_s: pair.rate(to, &label("received")),
        // The two ends are read one after the other, and each counts at the end of its batch.
        depth: sent.saturating_sub(received.saturating_add(replaced)),
        capacity: pair
            .listed(to, &label("capacity"))
            .filter(|capacity| *capacity > 0),
        high_water: pair.number(to, &label("high_water")),
        held_share: pair
            .growth(from, &label("blocked_ticks"))
            .zip(pair.interval_ns)
            .map(|(ticks, interval)| share(held(ticks), interval)),
        held_ns: held(pair.number(from, &label("blocked_ticks"))),
        dropped: pair.number(from, &label("dropped")),
        replaced,
    }
}

/// The edge behind a label such as `edge.NAME.sent`.
pub fn name_of<'a>(label: &'a str, what: &str) -> Option<&'a str> {
    label
        .strip_prefix("edge.")?
        .strip_suffix(what)?
        .strip_suffix('.')
}

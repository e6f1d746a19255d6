use super::*;
use crate::top::fake::Fake;
use crate::top::view::View;

fn tables_of_a_second() -> Vec<Table> {
    let [before, now] = Fake::engine().second();
    tables(&View::between(Some(&before), &now, None))
}

fn first_cells(table: &Table) -> Vec<&str> {
    table
        .rows
        .iter()
        .map(|row| row.cells[0].text.as_str())
        .collect()
}

#[test]
fn every_row_has_a_cell_for_each_column() {
    for table in tables_of_a_second() {
        for row in &table.rows {
            assert_eq!(row.cells.len(), table.columns.len(), "{}", table.name);
        }
    }
}

#[test]
fn numbers_sort_as_numbers_and_names_as_names() {
    let mut agents = tables_of_a_second().remove(1);
    assert_eq!(
        first_cells(&agents),
        ["feed", "market", "storage", "supervisor"]
    );
    let work = agents.column("work").expect("a column");
    // 25,500 and 25,400 a second; the others nothing, in their order.
    agents.sort(SortBy {
        column: work,
        descending: false,
    });
    assert_eq!(
        first_cells(&agents),
        ["storage", "supervisor", "market", "feed"]
    );
    agents.sort(agents.usual(work));
    assert_eq!(
        first_cells(&agents),
        ["feed", "market", "storage", "supervisor"]
    );
    agents.sort(SortBy {
        column: 0,
        descending: true,
    });
    assert_eq!(
        first_cells(&agents),
        ["supervisor", "storage", "market", "feed"]
    );
    // What is unknown goes last, in whatever direction.
    let idle = agents.column("idle").expect("a column");
    for descending in [true, false] {
        agents.sort(SortBy {
            column: idle,
            descending,
        });
        assert_eq!(first_cells(&agents)[0], "feed");
    }
}

#[test]
fn a_filter_looks_into_every_cell() {
    let mut agents = tables_of_a_second().remove(1);
    agents.filter("COLD");
    assert_eq!(first_cells(&agents), ["storage", "supervisor"]);
    agents.filter("store");
    assert!(agents.rows.is_empty());
}

#[test]
fn every_column_can_be_named_for_sorting() {
    let keys = sort_keys();
    for key in ["work", "p99", "depth", "cpu", "stalls", "errors", "agents"] {
        assert!(keys.contains(&key), "{key}");
    }
    for table in tables_of_a_second() {
        for column in &table.columns {
            assert_eq!(
                table.column(column.key).map(|at| table.columns[at]),
                Some(*column),
                "{}",
                table.name
            );
        }
    }
}

#[test]
fn numbers_for_people() {
    let spans = [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 us"),
        (13_700, "13.7 us"),
        (999_400, "999 us"),
        (9_044_000, "9.04 ms"),
        (1_270_000_000, "1.27 s"),
        (59_000_000_000, "59.0 s"),
        (192_000_000_000, "3m 12s"),
        (7_380_000_000_000, "2h 03m"),
        (363_600_000_000_000, "4d 05h"),
    ];
    for (ns, text) in spans {
        assert_eq!(span(ns), text);
    }
    for (value, text) in [
        (0.0, "0"),
        (0.5, "0.5"),
        (9.94, "9.9"),
        (9.96, "10"),
        (1_234_567.4, "1,234,567"),
    ] {
        assert_eq!(count(value), text);
    }
    assert_eq!(percent(0.1234), "12.3");
    assert_eq!(
        wall_text(crate::top::fake::START_NS),
        "2024-08-08 00:00:00Z"
    );
}

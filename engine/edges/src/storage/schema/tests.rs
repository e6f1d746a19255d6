use super::*;

fn memory() -> Connection {
    Connection::open_in_memory().expect("memory")
}

fn path() -> &'static Path {
    Path::new("x.db")
}

#[test]
fn the_bundled_database_has_no_wal_reset_bug() {
    assert!(
        rusqlite::version_number() >= 3_051_003,
        "{}",
        rusqlite::version()
    );
}

#[test]
fn an_empty_file_gets_every_table() {
    let mut db = memory();
    assert_eq!(migrate(&mut db, path()).expect("migrated"), 0);
    assert_eq!(version(&db).expect("a version"), VERSION);
    assert_eq!(application_id(&db).expect("an id"), APPLICATION_ID);
    assert_eq!(migrate(&mut db, path()).expect("nothing to do"), VERSION);
    for (table, order) in TABLES {
        db.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))
            .expect("a table");
    }
    let names: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'idx%' ORDER BY name")
        .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
        .expect("names");
    assert_eq!(
        names,
        [
            "idx_aggregated_trades_agg_id",
            "idx_aggregated_trades_symbol",
            "idx_aggregated_trades_symbol_time",
            "idx_aggregated_trades_tradeTime",
            "idx_audit_log_time",
        ]
    );
}

#[test]
fn older_files_move_forward_in_one_transaction() {
    let mut db = memory();
    migrate(&mut db, path()).expect("migrated");
    let steps = [MIGRATIONS[0], "CREATE TABLE a (x)", "CREATE TABLE b (x)"];
    assert_eq!(migrate_by(&mut db, path(), &steps).expect("migrated"), 1);
    assert_eq!(version(&db).expect("a version"), 3);

    // A step that fails leaves the version and the tables as they were.
    let steps = [
        steps[0],
        steps[1],
        steps[2],
        "CREATE TABLE c (x)",
        "CREATE TABLE a (x)",
    ];
    migrate_by(&mut db, path(), &steps).expect_err("the table is there");
    assert_eq!(version(&db).expect("a version"), 3);
    db.prepare("SELECT * FROM c").expect_err("rolled back");
}

#[test]
fn newer_files_are_refused() {
    let mut db = memory();
    migrate(&mut db, path()).expect("migrated");
    for version in [2, -1] {
        db.execute("UPDATE writer_state SET schemaVersion = ?1", [version])
            .expect("changed");
        let error = migrate(&mut db, path()).expect_err("refused");
        assert!(matches!(error, StorageError::Newer { .. }), "{error}");
    }
}

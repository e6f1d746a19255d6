//! The configuration: any text gives a configuration that works or faults that name their place.

use pitlane_edges::config::{Config, ConfigError, Overrides};

/// Parses the bytes as a configuration.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Config::parse("fuzz.toml", text, &Overrides::none()) {
        Ok(config) => {
            if let Some(table) = config.instrument_table() {
                assert_eq!(table.iter().count(), config.instruments.len());
            }
        }
        Err(ConfigError::Invalid(faults)) => assert!(!faults.is_empty(), "refused without a fault"),
        Err(other) => panic!("a text is readable: {other}"),
    }
}

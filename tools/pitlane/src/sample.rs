//! The bundled sample: real frames of one Binance symbol on two markets, inside the binary.

use anyhow::Context;
use std::path::{Path, PathBuf};

const FILES: [(&str, &[u8]); 3] = [
    (
        "binance-spot-btcusdt-20240808.gz",
        include_bytes!("../sample/binance-spot-btcusdt-20240808.gz"),
    ),
    (
        "binance-spot-btcusdt-20240809.gz",
        include_bytes!("../sample/binance-spot-btcusdt-20240809.gz"),
    ),
    (
        "binance-usdm-btcusdt-20240808.gz",
        include_bytes!("../sample/binance-usdm-btcusdt-20240808.gz"),
    ),
];

/// The configuration that goes with it.
pub const CONFIG: &str = include_str!("../../../configs/sample.toml");

/// Writes the files into a directory and names them.
pub fn unpack(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unpack = |(name, bytes): &(&str, &[u8])| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    FILES.iter().map(unpack).collect()
}

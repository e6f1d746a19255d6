//! Ends on request: the first signal asks for an orderly end, one that comes later ends the process at once.

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Signals within this time of the first are the same wish: a terminal and `timeout`, for example, tell a process and its
/// group both.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Watches for SIGINT, SIGTERM and SIGQUIT from now on; they set `stop`. What comes back says whether SIGINT was among them.
pub fn watch(stop: Arc<AtomicBool>) -> anyhow::Result<Arc<AtomicBool>> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGQUIT]).context("cannot watch for signals")?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let was_interrupt = Arc::clone(&interrupted);
    let watching = move || {
        let mut first = None;
        for signal in signals.forever() {
            if signal == SIGINT {
                was_interrupt.store(true, Ordering::Relaxed);
            }
            if first.get_or_insert_with(Instant::now).elapsed() > ONE_WISH {
                std::process::exit(1);
            }
            stop.store(true, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watching)
        .context("cannot start the thread that watches for signals")?;
    Ok(interrupted)
}

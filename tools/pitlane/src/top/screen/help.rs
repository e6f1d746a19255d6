//! The text behind F1.

/// Line by line.
pub const LINES: [&str; 21] = [
    " Tab, Shift-Tab     next pane, previous pane",
    " Up, Down, PgUp..   mark a row",
    " Left, Right        shift columns that do not fit",
    " < >                sort by another column",
    " I                  turn the order around",
    " /                  show only rows with a text; Esc shows all",
    " Space              pause, go on",
    " + -                longer, shorter interval",
    " r                  count latencies (ALL ...) from now on",
    " p                  which thread runs what, on which core",
    " q, F10, Ctrl-C     leave",
    "",
    " BUSY%  time in polls that did work    IDLE%  polls or loops without",
    " HELD%  time an output had no room     WAIT%  time without a core",
    " BEAT   since the duty cycle began      STALLS too long duty cycles",
    " HIGH   most messages found waiting    SIZE   most that can wait",
    " SWITCHED/S  left its core though it could go on: preempted or yielding",
    " P50..  over the interval              ALL..  since start or reset",
    "",
    " Everything is read from the counters page; the engine is not asked.",
    " Any key goes back.",
];

//! Live data end to end: one process plays a capture as a venue, another listens to it over real sockets.

mod drift;
mod faults;
mod limits;
mod outage;
mod rig;
mod whole;

//! Everything against real sockets on this machine, with certificates made for the test.

mod dialling;
mod frames;
mod gateways;
mod requests;
mod server;

//! Fuzz targets: one function per parser of outside bytes.
#![forbid(unsafe_code)]

//! Devices against the reference.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test may panic, and what was found is a report")]
use std::time::Instant;

use cairn_device::{FLEX, WGPU, open};

#[test]
fn flex_opens() {
    let start = Instant::now();
    let device = open(FLEX).unwrap();
    println!("{} {:?} {:?}", device.device(), device.difference(), start.elapsed());
    assert!(device.reproducible());
}

#[test]
fn wgpu_opens() {
    let start = Instant::now();
    let device = open(WGPU).unwrap();
    println!("{} {:?} {:?}", device.device(), device.difference(), start.elapsed());
    assert!(device.reproducible());
}

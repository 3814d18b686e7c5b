//! The conformance suite on each device.
use std::ops::Range;

use cairn_device::{Executor, FLEX, Hardware, REFERENCE, WGPU, conformance, list, open, time_operators};

/// Operators that devices compute: all but the sealed one.
const OPERATORS: usize = 17;

fn conforms(device: &dyn Executor, seeds: Range<u64>) {
    let report = conformance(device, seeds).unwrap();
    println!("{report}");
    assert_eq!(report.difference, None);
    assert_eq!(report.values.len(), OPERATORS);
    assert!(device.reproducible(), "{:?}", device.difference());
}

#[test]
fn conformance_on_flex() {
    conforms(&*open(FLEX).unwrap(), 0..60);
}

#[test]
fn conformance_on_wgpu() {
    let device = open(WGPU).expect("without a graphics processor, localnet/tools.sh test installs a driver that computes on the processor");
    conforms(&*device, 0..6);
    assert_eq!(device.name(), "wgpu:0");
    assert!(!device.device().adapter.is_empty() && !device.device().driver.is_empty());
}

#[test]
fn devices_are_listed_by_the_names_that_open_them() {
    let names: Vec<String> = list().into_iter().map(|device| device.name).collect();
    assert_eq!(&names[..2], [REFERENCE, FLEX]);
    assert!(names[2..].iter().enumerate().all(|(place, name)| *name == format!("wgpu:{place}")));
    assert_eq!(list()[0].hardware, Hardware::Cpu);
    for name in ["", "cuda", "wgpu:99", "wgpu:x", "wgpu0", "Flex"] {
        let refused = open(name).err().expect(name).to_string();
        assert!(refused.contains("reference, flex"), "{refused}");
    }
}

#[test]
fn what_operators_take_is_measured() {
    for name in [REFERENCE, FLEX] {
        let device = open(name).unwrap();
        let timings = time_operators(&*device, 1).unwrap();
        println!("{}", device.device());
        timings.iter().for_each(|timing| println!("  {timing}"));
        assert_eq!(timings.len(), OPERATORS);
        assert!(timings.iter().all(|timing| timing.warm <= timing.first && timing.elements > 0));
    }
}

//! The running example: networks trained on handwritten digits keep their accuracy as programs of integers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and accuracy is a report"
)]
use std::{env, fs::File, io::Read, process::Command, time::Instant};

use cairn_device::{FLEX, REFERENCE, open};
use cairn_models::{Accuracy, Answer, Card, Design, Form, ModelFile, Picture, Pictures, Training, quantise, train};

/// What a model answers right of the digits that it was not trained on, at least.
const GOOD: f64 = 0.97;

fn digits() -> Pictures {
    let path = env::var("CAIRN_DIGITS").unwrap_or_else(|_| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../localnet/digits/fetch.sh");
        String::from_utf8(Command::new(script).output().unwrap().stdout).unwrap().trim().to_owned()
    });
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let numbers: Vec<u8> = line.split(',').map(|n| n.parse().unwrap()).collect();
        let pixels = numbers[..64].iter().map(|pixel| f32::from(*pixel) / 16.0).collect();
        Picture { item: String::new(), pixels, class: usize::from(numbers[64]) }
    };
    Pictures { size: [8, 8], classes: (0..10).map(|n| n.to_string()).collect(), all: text.lines().map(row).collect() }
}

/// Trains on digits of which every sixtieth has another label, as much as truth inference leaves wrong; quantises, and reports the accuracy of both on what
/// was held out.
fn make(design: Design, form: Form) -> (ModelFile, f64) {
    let digits = digits();
    let (mut seen, held) = digits.split(0.3, 1);
    for (number, picture) in seen.iter_mut().enumerate().filter(|(number, _)| number % 60 == 0) {
        picture.class = (picture.class + 1 + number % 9) % 10;
    }
    let start = Instant::now();
    let network = train(&seen, digits.size, digits.classes.len(), Training::of(design, 1), &mut |_, _| ()).unwrap();
    let examples: Vec<Vec<f32>> = seen.iter().map(|picture| picture.pixels.clone()).collect();
    let model =
        quantise(&network, &examples, form, Answer::Class).unwrap().file(Card { classes: digits.classes, ..Card::default() }).unwrap();
    let (before, device) = (Accuracy::of_floats(&network, &held), open(FLEX).unwrap());
    let after = Accuracy::of_model(&model, &held, &*device).unwrap();
    println!("{design:?}: {before} as floats, {after} as integers, {:?}", start.elapsed());
    assert_eq!(
        Accuracy::of_model(&model, &held[..50], &*device).unwrap(),
        Accuracy::of_model(&model, &held[..50], &*open(REFERENCE).unwrap()).unwrap()
    );
    assert!(before.part() - after.part() < 0.01, "{before} {after}");
    assert_eq!(ModelFile::read(&model.write().unwrap()).unwrap().id(), model.id());
    (model, after.part())
}

#[test]
fn a_network_of_one_hidden_layer_is_good_and_can_be_proven() {
    let (model, right) = make(Design::Mlp, Form::Provable);
    assert!(right >= GOOD, "{right}");
    let network = cairn_circuits::network_of(model.program(), model.tensors()).unwrap();
    assert_eq!(network.layers().len(), 2);
}

#[test]
fn a_network_of_convolutions_is_good() {
    let (model, right) = make(Design::Cnn, Form::Fine);
    assert!(right >= GOOD, "{right}");
    assert!(cairn_circuits::network_of(model.program(), model.tensors()).is_err());
}

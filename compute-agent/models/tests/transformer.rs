//! A small transformer learns bytes of the texts of this repository and says nearly the same in integers as in floats.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and accuracy is a report"
)]
use std::{fs, ops::ControlFlow, path::Path, time::Instant};

use cairn_device::{FLEX, REFERENCE, open};
use cairn_models::{Card, Learning, ModelFile, Sizes, Transformer};
use cairn_program::{Inputs, Tensor, Trace};

const SIZES: Sizes = Sizes { places: 32, width: 48, heads: 4, blocks: 2, hidden: 96 };

/// The descriptions of modules, in ASCII.
fn text() -> Vec<u8> {
    let modules = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../modules"));
    let mut files: Vec<_> = fs::read_dir(modules).unwrap().map(|entry| entry.unwrap().path().join("README.md")).collect();
    files.sort();
    files.iter().filter_map(|file| fs::read(file).ok()).flatten().filter(u8::is_ascii).collect()
}

/// The part of bytes that are said right behind those that are seen.
fn right(windows: &[&[u8]], says: impl Fn(&[u8]) -> Vec<u8>) -> f64 {
    let mut right = 0;
    for window in windows {
        let said = says(&window[..SIZES.places]);
        right += said.iter().zip(&window[1..]).filter(|(said, next)| said == next).count();
    }
    right as f64 / (windows.len() * SIZES.places) as f64
}

/// Says what most often stood behind each byte alone.
fn habit(seen: &[u8]) -> [u8; 256] {
    let mut counts = vec![[0_u32; 256]; 256];
    seen.windows(2).for_each(|pair| counts[usize::from(pair[0])][usize::from(pair[1])] += 1);
    let most = |byte: usize| (0..=255_u8).max_by_key(|next| counts[byte][usize::from(*next)]).unwrap();
    std::array::from_fn(most)
}

/// What a model says on a device, for many windows at once.
fn says(model: &ModelFile, windows: &[&[u8]], device: &str) -> (Vec<Vec<u8>>, Trace) {
    let shape = &model.program().graph().input;
    let tensor = |window: &&[u8]| Tensor::new(shape.clone(), window[..SIZES.places].iter().map(|byte| i32::from(*byte)).collect()).unwrap();
    let inputs = Inputs::new(model.program(), windows.iter().map(tensor).collect()).unwrap();
    let runs = open(device).unwrap().run(model.program(), model.weights(), &inputs, &mut |_| ControlFlow::Continue(())).unwrap();
    let said = |nodes: &Vec<Tensor>| nodes.last().unwrap().values.iter().map(|symbol| u8::try_from(*symbol).unwrap()).collect();
    (runs.iter().map(said).collect(), Trace::of(model.program(), runs))
}

#[test]
fn a_transformer_says_in_integers_what_it_learnt_in_floats() {
    let text = text();
    let (seen, held) = text.split_at(text.len() / 10 * 9);
    let start = Instant::now();
    let learnt = Transformer::learn(seen, SIZES, Learning { steps: 800, rate: 0.008, seed: 1 }, &mut |step, loss| {
        if step % 200 == 199 {
            println!("step {step}: loss {loss:.3}, {:?}", start.elapsed());
        }
    });
    let examples: Vec<&[u8]> = seen.chunks_exact(SIZES.places).step_by(20).collect();
    let model = learnt.file(&examples, Card { name: "bytes".into(), ..Card::default() }).unwrap();
    let windows: Vec<&[u8]> = held.chunks_exact(SIZES.places + 1).take(100).collect();
    let (said, trace) = says(&model, &windows, FLEX);
    let place = |window: &[u8]| windows.iter().position(|other| other[..SIZES.places] == *window).unwrap();
    let before = right(&windows, |window| learnt.says(window));
    let after = right(&windows, |window| said[place(window)].clone());
    let habit = habit(seen);
    let alone = right(&windows, |window| window.iter().map(|byte| habit[usize::from(*byte)]).collect());
    println!(
        "{} bytes of text; next byte right: {before:.4} in floats, {after:.4} in integers, {alone:.4} by the last byte alone",
        text.len()
    );
    println!("{} operators, {} multiplications", model.program().nodes(), model.program().macs());
    assert!(before > alone + 0.05 && after > before - 0.03, "{before} {after} {alone}");
    assert_eq!(says(&model, &windows[..3], REFERENCE).1.root(), says(&model, &windows[..3], FLEX).1.root());
    assert_eq!(trace.claim().outputs.len(), windows.len());
    assert_eq!(ModelFile::read(&model.write().unwrap()).unwrap().id(), model.id());
}

//! Networks of floats, pictures and labels, scales.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]
use std::{
    fs::{self, File},
    path::Path,
};

use cairn_device::{FLEX, open};
use cairn_models::{
    Accuracy, Answer, AnswerError, Card, Form, Layer, ModelFile, Network, Picture, PictureError, Pictures, answers, quantise,
};
use cairn_program::{Op, testing::Dice};

fn dense(weights: &[f32], biases: &[f32]) -> Layer {
    Layer::Linear { weights: weights.to_vec(), bias: biases.to_vec() }
}

fn write(folder: &Path, name: &str, color: png::ColorType) {
    let mut encoder = png::Encoder::new(File::create(folder.join(name)).unwrap(), 2, 1);
    encoder.set_color(color);
    let bytes = if color == png::ColorType::Grayscale { vec![0, 255] } else { vec![0; 6] };
    encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
}

fn read(labels: &str) -> Result<Pictures, PictureError> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.png", png::ColorType::Grayscale);
    write(folder.path(), "rgb.png", png::ColorType::Rgb);
    let list = folder.path().join("labels.jsonl");
    fs::write(&list, labels).unwrap();
    Pictures::read(folder.path(), &list)
}

#[test]
fn labels_name_pictures_and_classes() {
    // The last item has no class: nobody labelled it.
    let lines = "{\"item\":\"a.png\",\"class\":\"10\",\"confidence\":0.5}\n{\"item\":\"a.png\",\"class\":\"9\"}\n{\"item\":\"none.png\",\"class\":null}\n";
    let found = read(lines).unwrap();
    assert_eq!((found.size, found.classes.as_slice()), ([1, 2], ["9".to_owned(), "10".to_owned()].as_slice()));
    assert_eq!(found.all[0], Picture { item: found.all[0].item.clone(), pixels: vec![0.0, 1.0], class: 1 });
    let (rest, held) = found.split(1.0, 3);
    assert_eq!((rest.len(), held.len()), (0, 2));
    assert_eq!(found.split(0.5, 3), found.split(0.5, 3));
}

#[test]
fn what_is_no_picture_or_label_is_refused() {
    for item in ["../a.png", "/etc/passwd", "", ".", "b/a.png"] {
        let line = format!("{{\"item\":\"{item}\",\"class\":\"1\"}}");
        assert!(matches!(read(&line), Err(PictureError::Label { line: 1, .. })), "{item}");
    }
    assert!(matches!(read("{\"item\":\"a.png\"}"), Err(PictureError::Size)), "nothing is labelled");
    assert!(matches!(read("{\"class\":\"1\"}"), Err(PictureError::Label { .. })));
    assert!(matches!(read("{\"item\":\"rgb.png\",\"class\":\"1\"}"), Err(PictureError::Picture(..))));
    assert!(matches!(read("{\"item\":\"none.png\",\"class\":\"1\"}"), Err(PictureError::File(..))));
    assert!(matches!(read("{\"item\":\"labels.jsonl\",\"class\":\"1\"}"), Err(PictureError::Picture(..))));
    assert!(matches!(read(""), Err(PictureError::Size)));
    let many = "{\"item\":\"a.png\"}".to_owned() + &" ".repeat(1_000_000) + "\n";
    assert!(matches!(read(&many.repeat(68)), Err(PictureError::Label { why, .. }) if why.contains("64 MiB")));
}

/// Values between -1 and 1.
fn numbers(dice: &mut Dice, count: usize) -> Vec<f32> {
    (0..count).map(|_| f32::from(i8::try_from(dice.below(255) as i64 - 127).unwrap()) / 127.0).collect()
}

#[test]
fn programs_answer_as_their_networks_do() {
    let mut dice = Dice::new(3);
    let conv = Layer::Conv2d {
        weights: numbers(&mut dice, 4 * 9 * 2),
        bias: numbers(&mut dice, 4),
        window: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
    };
    let pool = Layer::MaxPool { window: [2, 2], stride: [2, 2] };
    let hidden = dense(&numbers(&mut dice, 12 * 16), &numbers(&mut dice, 12));
    let last = dense(&numbers(&mut dice, 5 * 12), &numbers(&mut dice, 5));
    let layers = vec![conv, Layer::Relu, pool, Layer::Flatten, hidden, Layer::Relu, last];
    let network = Network::new(&[4, 4, 2], layers).unwrap();
    let inputs: Vec<Vec<f32>> = (0..300).map(|_| numbers(&mut dice, 32)).collect();
    let class = |pixels: &Vec<f32>| Picture { item: String::new(), pixels: pixels.clone(), class: network.answer(pixels) };
    let pictures: Vec<Picture> = inputs.iter().map(class).collect();
    assert_eq!(Accuracy::of_floats(&network, &pictures), Accuracy { right: 300, all: 300 });
    for form in [Form::Provable, Form::Fine] {
        let model = quantise(&network, &inputs, form, Answer::Class).unwrap().file(Card::default()).unwrap();
        let same = Accuracy::of_model(&model, &pictures, &*open(FLEX).unwrap()).unwrap();
        assert!(same.part() > 0.95, "{form:?} {same}");
        let provable = |op: &Op| !matches!(op, Op::Requantise { multiplier, .. } if *multiplier != 1);
        assert_eq!(model.program().graph().nodes.iter().all(|node| provable(&node.op)), form == Form::Provable);
    }
}

#[test]
fn models_say_what_they_take_and_answer() {
    let dense = dense(&[1.0, -1.0, -1.0, 1.0], &[0.0, 0.0]);
    let integers = quantise(&Network::new(&[2], vec![dense]).unwrap(), &[vec![1.0, 0.5]], Form::Fine, Answer::Class).unwrap();
    let (device, model) = (open(FLEX).unwrap(), integers.clone().file(Card::default()).unwrap());
    assert_eq!(answers(&model, &[vec![1.0, 0.0], vec![0.0, 1.0]], &*device).unwrap(), [0, 1]);
    assert!(matches!(answers(&model, &[vec![1.0]], &*device), Err(AnswerError::Input)));
    let silent = ModelFile::new(Card::default(), integers.graph.clone(), integers.tensors.clone()).unwrap();
    assert!(matches!(answers(&silent, &[vec![1.0, 0.0]], &*device), Err(AnswerError::Input)));
    let mut graph = integers.graph.clone();
    graph.nodes.pop();
    let wide = ModelFile::new(Card { input: model.card().input, ..Card::default() }, graph, integers.tensors).unwrap();
    assert!(matches!(answers(&wide, &[vec![1.0, 0.0]], &*device), Err(AnswerError::Output)));
}

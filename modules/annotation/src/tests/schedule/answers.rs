//! What people answer to tasks of each type, and as what it is committed.
use cairn_proto::cairn::annotation::v1::Label;
use cairn_truth::{Draft, Span};

use super::{super::world::noise, posts::Kind};
use crate::formats;

/// Labels of a MULTI_LABEL job.
pub(super) const LABELS: u8 = 6;

fn class(class: u64) -> Label {
    Label { class: u32::try_from(class).unwrap(), ..Label::default() }
}

fn spans(start: u64) -> Label {
    let start = u32::try_from(start).unwrap();
    let draft = Draft::spans(vec![Span::new(start, start + 100, 1).unwrap()]).unwrap().encode();
    Label { draft, ..Label::default() }
}

/// The right answer.
pub(super) fn truth(kind: Kind, task: u32) -> Label {
    let label = match kind {
        Kind::Classify => class(noise(1, task) % 4),
        Kind::Pairs | Kind::Verify | Kind::Stage => class(noise(1, task) % 2),
        Kind::Sets => Label { set: vec![u8::try_from(noise(1, task) % (1 << LABELS)).unwrap()], ..Label::default() },
        Kind::Text => Label { draft: vec![u8::try_from(task % 256).unwrap(); 32], ..Label::default() },
        Kind::Spans => spans(noise(1, task) % 500),
    };
    Label { task, ..label }
}

/// An answer that is not the truth, nor agrees with it.
pub(super) fn wrong(kind: Kind, truth: &Label) -> Label {
    match kind {
        Kind::Classify => class(u64::from(3 - truth.class)),
        Kind::Pairs | Kind::Verify | Kind::Stage => class(u64::from(1 - truth.class)),
        Kind::Sets => Label { set: truth.set.iter().map(|set| set ^ ((1 << LABELS) - 1)).collect(), ..Label::default() },
        Kind::Text => Label { draft: vec![0xff; 32], ..Label::default() },
        Kind::Spans => spans(5_000),
    }
}

/// Right in four of five, skipped in one of forty.
pub(super) fn answer(kind: Kind, dice: u64, task: u32) -> Label {
    let (skipped, right, other) = (dice.is_multiple_of(40), dice % 40 > 8, dice / 40);
    if right {
        let mut label = truth(kind, task);
        if kind == Kind::Text && other % 8 > 0 {
            // Drafts of different producers differ, but for those that are copied.
            label.draft[..8].copy_from_slice(&other.to_be_bytes());
        }
        return label;
    }
    let label = match (kind, skipped) {
        (Kind::Classify | Kind::Pairs | Kind::Verify | Kind::Stage, true) => class(u16::MAX.into()),
        (Kind::Sets | Kind::Text | Kind::Spans, true) => Label::default(),
        (Kind::Classify, false) => class(other % 4),
        (Kind::Pairs | Kind::Verify | Kind::Stage, false) => class(other % 2),
        (Kind::Sets, false) => Label { set: vec![u8::try_from(other % (1 << LABELS)).unwrap()], ..Label::default() },
        (Kind::Text, false) => Label { draft: other.to_be_bytes().repeat(4), ..Label::default() },
        (Kind::Spans, false) => spans(1_000 + other % 500),
    };
    Label { task, ..label }
}

/// Whether the task was skipped.
pub(super) fn is_skipped(kind: Kind, label: &Label) -> bool {
    match kind {
        Kind::Classify | Kind::Pairs | Kind::Verify | Kind::Stage => label.class == u32::from(u16::MAX),
        Kind::Sets => label.set.is_empty(),
        Kind::Text | Kind::Spans => label.draft.is_empty(),
    }
}

/// What a label is committed and hashed as.
pub(super) fn payload(kind: Kind, label: &Label) -> Vec<u8> {
    match kind {
        Kind::Classify | Kind::Pairs | Kind::Verify | Kind::Stage => formats::class_payload(u16::try_from(label.class).unwrap()).to_vec(),
        Kind::Sets => label.set.clone(),
        Kind::Spans if !label.draft.is_empty() => formats::shapes_payload(&label.draft).to_vec(),
        Kind::Text | Kind::Spans => label.draft.clone(),
    }
}

//! The requester's own answers: as they are read, kept, committed to and opened.
use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_formats::{Answer, Fields, JobKind};
use cairn_proto::cairn::annotation::v1::Label;
use serde::{Deserialize, Serialize};

use super::plan::Item;

/// The answer of a gold task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Truth {
    /// The class, from 0.
    Class(u16),
    /// MULTI_LABEL: bit l says that class l holds.
    Set(u64),
}

impl Truth {
    /// A known answer, if jobs of its type have gold.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Class(class) => Some(Self::Class(*class)),
            Answer::Set(set) => Some(Self::Set(set.iter().fold(0, |bits, class| bits | 1_u64.checked_shl((*class).into()).unwrap_or(0)))),
            _ => None,
        }
    }
    /// What the gold tree commits to, in a job of so many classes.
    pub(crate) fn payload(self, classes: usize) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Class(class) => formats::class_payload(class).to_vec(),
            Self::Set(set) => cairn_truth::set_to_bytes(u16::try_from(classes)?, set).map_err(|e| anyhow::anyhow!("{e}"))?,
        })
    }
    /// As it is opened.
    pub(crate) fn label(self, task: u32, classes: usize) -> Result<Label> {
        Ok(match self {
            Self::Class(class) => Label { task, class: class.into(), ..Label::default() },
            Self::Set(_) => Label { task, set: self.payload(classes)?, ..Label::default() },
        })
    }
}

/// The set that a chain's bytes say, as an answer.
pub(crate) fn set(classes: usize, bytes: &[u8]) -> Result<Answer> {
    let bits = cairn_truth::set_from_bytes(u16::try_from(classes)?, bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(Answer::Set((0..64_u16).filter(|class| bits.checked_shr((*class).into()).is_some_and(|rest| rest & 1 == 1)).collect()))
}

/// Reads the gold, `item,class` or `item,classes` (a JSON list) with a heading, and marks the items.
pub(crate) fn mark(items: &mut [Item], path: &Path, kind: JobKind, classes: &[String]) -> Result<()> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read the gold file {}", path.display()))?;
    let index: HashMap<Box<str>, usize> = items.iter().enumerate().map(|(i, item)| (item.name.clone(), i)).collect();
    for (line, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {line}", path.display()))?;
        let (Some(name), Some(cell)) = (row.get(0), row.get(1)) else { bail!("{} line {line}: expected item,class", path.display()) };
        let truth = truth(cell.trim(), kind, classes).map_err(|why| anyhow::anyhow!("{} line {line}: {why}", path.display()))?;
        let item = index.get(name.trim()).and_then(|i| items.get_mut(*i));
        let item = item.with_context(|| format!("{} line {line}: there is no item {name:?}", path.display()))?;
        if item.gold.is_some() {
            bail!("{} line {line}: the class of {name} stands there twice, or in the list of items too", path.display());
        }
        item.gold = Some(truth);
    }
    Ok(())
}

fn truth(cell: &str, kind: JobKind, classes: &[String]) -> std::result::Result<Truth, String> {
    let fields = if kind == JobKind::MultiLabel {
        let names = serde_json::from_str(cell).map_err(|_| format!("{cell:?} is no JSON list of classes"))?;
        Fields { classes: Some(names), ..Fields::default() }
    } else {
        Fields { class: Some(cell.to_owned()), ..Fields::default() }
    };
    fields.answer(kind, classes)?.as_ref().and_then(Truth::of).ok_or_else(|| format!("{kind} jobs have no gold"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_committed_to_as_the_chain_counts_them() {
        let classes: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
        for names in ["[]", r#"["c0"]"#, r#"["c9","c3"]"#] {
            let truth = truth(names, JobKind::MultiLabel, &classes).unwrap();
            let payload = truth.payload(10).unwrap();
            assert_eq!(payload.len(), 2);
            assert_eq!(Truth::of(&set(10, &payload).unwrap()), Some(truth));
            assert_eq!(truth.label(4, 10).unwrap(), Label { task: 4, set: payload, ..Label::default() });
            let kept = serde_json::to_string(&truth).unwrap();
            assert_eq!(serde_json::from_str::<Truth>(&kept).unwrap(), truth);
        }
        assert_eq!(Truth::of(&Answer::Set(vec![0, 9])), Some(Truth::Set(0b10_0000_0001)));
        assert_eq!(truth("c2", JobKind::Classify, &classes).unwrap().label(1, 10).unwrap().class, 2);
        assert!(truth("c2", JobKind::MultiLabel, &classes).unwrap_err().contains("JSON list"));
        assert!(truth("c2", JobKind::Box, &classes).unwrap_err().contains("does not belong"));
    }
}

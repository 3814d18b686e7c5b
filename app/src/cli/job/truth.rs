//! The requester's own answers in a file of their own: the gold.
use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, Fields, JobKind, composed};
use serde::Deserialize;

use super::plan::Item;
use crate::cli::reply::{Reply, answer_in_cell};

/// The set that a chain's bytes say, as an answer.
pub(crate) fn set(classes: usize, bytes: &[u8]) -> Result<Answer> {
    let bits = cairn_truth::set_from_bytes(u16::try_from(classes)?, bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(Answer::Set((0..64_u16).filter(|class| bits.checked_shr((*class).into()).is_some_and(|rest| rest & 1 == 1)).collect()))
}

/// A line of a gold file in JSON Lines.
#[derive(Debug, Deserialize)]
struct Line {
    item: String,
    #[serde(flatten)]
    fields: Fields,
}

/// Reads the gold and marks the items. A CSV with a heading, `item,class` or, for other answers than one class, `item,boxes` and so on with
/// JSON in the cells; or JSON Lines `{"item": "a.png", "boxes": [..]}`.
pub(crate) fn mark(items: &mut [Item], path: &Path, kind: JobKind, classes: &[String]) -> Result<()> {
    let index: HashMap<Box<str>, usize> = items.iter().enumerate().map(|(i, item)| (composed(&item.name).into(), i)).collect();
    let mut add = |line: u64, name: &str, answer: Result<Option<Answer>>| {
        let place = || format!("{} line {line}", path.display());
        let reply = answer.and_then(|answer| Reply::of(&answer.with_context(|| format!("no {} for {name:?}", kind.field()))?));
        let reply = reply.with_context(place)?;
        let item = index.get(&*composed(name.trim())).and_then(|i| items.get_mut(*i));
        let item = item.with_context(|| format!("{}: there is no item {name:?}", place()))?;
        if item.gold.is_some() {
            bail!("{}: the answer for {name} stands there twice, or in the list of items too", place());
        }
        item.gold = Some(reply);
        Ok(())
    };
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if matches!(ending, "jsonl" | "ndjson") {
        let file = File::open(path).with_context(|| format!("cannot read the gold file {}", path.display()))?;
        for (number, line) in (1_u64..).zip(BufReader::new(file).lines()) {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            if line.trim().is_empty() {
                continue;
            }
            let read: Line = serde_json::from_str(&line)
                .with_context(|| format!("{} line {number}: expected {{\"item\": .., \"{}\": ..}}", path.display(), kind.field()))?;
            add(number, &read.item, read.fields.answer(kind, classes).map_err(|why| anyhow::anyhow!(why)))?;
        }
        return Ok(());
    }
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read the gold file {}", path.display()))?;
    for (line, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {line}", path.display()))?;
        let (Some(name), Some(cell)) = (row.get(0), row.get(1)) else {
            bail!("{} line {line}: expected item,{}", path.display(), kind.field())
        };
        add(line, name, answer_in_cell(cell.trim(), kind, classes))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_committed_to_as_the_chain_counts_them() {
        let classes: Vec<String> = (0..10).map(|n| format!("c{n}")).collect();
        for names in ["[]", r#"["c0"]"#, r#"["c9","c3"]"#] {
            let reply = Reply::of(&answer_in_cell(names, JobKind::MultiLabel, &classes).unwrap().unwrap()).unwrap();
            let payload = reply.payload(10).unwrap();
            assert_eq!(payload.len(), 2);
            assert_eq!(Reply::of(&set(10, &payload).unwrap()).unwrap(), reply);
        }
        assert_eq!(Reply::of(&Answer::Set(vec![0, 9])).unwrap(), Reply::Set(0b10_0000_0001));
    }

    #[test]
    fn gold_is_read_from_csv_and_from_json_lines() {
        let folder = tempfile::tempdir().unwrap();
        let classes = ["cat".to_owned()];
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let mut items = super::super::plan::tests::items(2, 0);
            mark(&mut items, &path, JobKind::Box, &classes)
                .map(|()| items.into_iter().map(|i| i.gold).collect::<Vec<_>>())
                .map_err(|e| format!("{e:#}"))
        };
        let one = r#"[{"class":"cat","x":1,"y":2,"width":3,"height":4}]"#;
        let from_csv = read("gold.csv", &format!("item,boxes\n1,\"{}\"\n", one.replace('"', "\"\""))).unwrap();
        let from_lines = read("gold.jsonl", &format!("{{\"item\":\"1\",\"boxes\":{one}}}\n\n")).unwrap();
        assert!(from_csv == from_lines && from_csv[0].is_none() && from_csv[1].is_some());
        assert!(read("gold.jsonl", "{\"item\":\"1\"}\n").unwrap_err().contains("line 1: no boxes for"));
        assert!(read("gold.jsonl", "{\"item\":\"1\",\"class\":\"cat\"}\n").unwrap_err().contains("does not belong"));
        assert!(read("gold.csv", "item,boxes\n1,\n").unwrap_err().contains("line 2"));
        assert!(read("gold.csv", "item,boxes\n7,[]\n").unwrap_err().contains("no item"));
    }
}
